// SPDX-License-Identifier: MIT
//
// Frames of an input as numbers to compare: read segment by segment, or in sequence by one decoder.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <convoy/segment.h>

namespace convoy::test {

struct FrameMark {
    std::uint64_t hash = 0;  ///< of its pixels, size, format and colours
    double time_s = 0;
    int width = 0, height = 0;
    PixelFormat format = PixelFormat::rgb8;
    bool full_range = false;
};

FrameMark mark_of(const Frame& frame);

/// All segments of an input.
std::vector<std::shared_ptr<const Segment>> all_segments(Input& input);

/// The frames of a segment by this reader.
std::vector<FrameMark> read_segment(SegmentReader& reader, const std::shared_ptr<const Segment>& segment);

/// The frames of a file by one decoder in sequence, as FrameMaker makes them for the engine.
std::vector<FrameMark> read_in_sequence(const std::string& path);

/// The first difference of two rows of frames in words; empty when there is none. Times are equal within 1 µs.
std::string difference(const std::vector<FrameMark>& frames, const std::vector<FrameMark>& expected,
                       bool any_pixels = false);

}  // namespace convoy::test
