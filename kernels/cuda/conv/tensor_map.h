// SPDX-License-Identifier: MIT
//
// Tensors of halves as the copy engine of a Hopper GPU sees them, in boxes of 64 or 32
// channels, with swizzling of the 128 or 64 bytes that these are.
#pragma once

#include <cuda.h>

#include "kernels/conv.h"

namespace convoy::kernels::cuda {

/// `rows` rows of `columns` halves, `pitch` from one to the next; boxes of `box_rows` with `box_columns` each.
/// Addresses and pitches are multiples of 16 bytes. Throws std::runtime_error when the driver refuses.
CUtensorMap matrix_map(const void* data, int columns, std::size_t rows, std::size_t pitch, int box_rows,
                       int box_columns);

/// The convolution's input, in boxes of `channels` of `pixels` output pixels in a row that may reach into the next
/// picture: their values at one tap, zero in the padding.
CUtensorMap im2col_map(const void* x, const Conv& conv, int pixels, int channels);

/// (N, H, W, C) halves with `pitch` from a pixel to the next, in boxes of `box_h` rows of `box_w` pixels with
/// `box_channels` of one picture.
CUtensorMap picture_map(const void* data, int n, int h, int w, int c, int pitch, int box_h, int box_w,
                        int box_channels);

/// Whether im2col_map() can express the problem.
bool has_im2col_map(const Conv& conv);

}  // namespace convoy::kernels::cuda
