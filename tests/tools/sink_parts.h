// SPDX-License-Identifier: MIT
//
// Parts for picture sinks, worked on in any order.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/tools/media_files.h"
#include "tools/sinks/picture_sink.h"

namespace convoy::test {

inline InputInfo video_input(const std::string& path) {
    InputInfo info;
    info.path = path;
    info.is_video = true;
    info.fps_num = 25;
    return info;
}

/// Writes `count` pictures of one size, the first with the seed `first`.
inline void fill(tools::Part& part, int first, int count, int width = 64, int height = 48, int pixel_width = 0,
                 int pixel_height = 0) {
    for (int i = 0; i < count; ++i) {
        Result result;
        result.frame.index = i;
        result.frame.time_s = 1000 + i / 25.;  // as a container has it, from wherever it begins
        const media::Image image = synthetic(width, height, first + i);
        tools::DrawnPicture picture;
        Frame frame = rgb_frame(image.rgb.data(), width, height);
        frame.pixel_width = pixel_width, frame.pixel_height = pixel_height;
        picture.take(frame);
        part.write({result, picture});
    }
}

/// Places of the frames `first` … `first + count - 1` at 25 frames/s.
inline std::vector<tools::FramePlace> places(int first, int count) {
    std::vector<tools::FramePlace> places;
    for (int i = first; i < first + count; ++i) places.push_back({i, i / 25.});
    return places;
}

/// One input's parts of these lengths through a sink: worked on in `order`, appended in sequence.
inline void run_parts(tools::PictureSink& sink, int input, const InputInfo& info, const std::vector<int>& lengths,
                      const std::vector<int>& order) {
    std::vector<std::unique_ptr<tools::Part>> parts(lengths.size());
    std::vector<int> firsts;
    for (int first = 0; const int length : lengths) firsts.push_back(std::exchange(first, first + length));
    for (const int i : order) {
        parts[std::size_t(i)] = sink.begin_part(input, info, 1);
        fill(*parts[std::size_t(i)], firsts[std::size_t(i)], lengths[std::size_t(i)]);
        parts[std::size_t(i)]->end();
    }
    for (std::size_t i = 0; i < parts.size(); ++i) sink.append(*parts[i], places(firsts[i], lengths[i]));
    sink.end_input(input, true);
}

}  // namespace convoy::test
