// SPDX-License-Identifier: MIT
//
// JPEG files against the pictures that they were made of, whoever made them.
#pragma once

#include <string>
#include <vector>

#include <convoy/types.h>
#include "tests/tools/media_files.h"

namespace convoy::test {

/// A picture to be encoded, with bytes between its rows.
struct TestPicture {
    std::string name;
    Bytes bytes;
    PixelView view;
};

/// Smooth or random, of each format, range and matrix.
std::vector<TestPicture> test_pictures(int width, int height);

/// A picture's YCbCr 4:2:0 of full range by BT.601, from its definition in double: what its JPEG is to hold.
struct PlanesByDefinition {
    std::vector<double> plane[3];
    int width[3], height[3];
};
PlanesByDefinition planes_by_definition(const PixelView& picture);

/// What is wrong with a JPEG of `picture`; empty when it is right. libav decodes it, and a plane may be off by what its
/// own quantization tables allow: a coefficient by half a step, and so, the transform being orthogonal, a block by the
/// root of the sum of their squares; and by one level for rounding before and after it.
std::string jpeg_fault(const Bytes& file, const PixelView& picture);

}  // namespace convoy::test
