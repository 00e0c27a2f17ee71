// SPDX-License-Identifier: MIT
#include "tests/fleet/part_frames.h"

#include <cmath>
#include <memory>
#include <vector>

#include <convoy/media/input.h>
#include "engine/run/timeline.h"
#include "tests/tools/segment_frames.h"

namespace convoy::test {
namespace {

/// Frames, and the times that an engine's run gives them.
struct Row {
    std::vector<FrameMark> frames;
    std::vector<double> times;
};

void add_part(const std::string& location, double start_s, double stop_s, Row& row) {
    media::InputOptions options;
    options.start_s = start_s, options.stop_s = stop_s;
    const auto input = media::open_input(location, options);
    const auto timeline = std::make_unique<Timeline>(input->info());
    const auto reader = input->make_reader({});
    for (const auto& segment : all_segments(*input))
        for (const FrameMark& mark : read_segment(*reader, segment)) {
            Frame frame;
            frame.time_s = mark.time_s;
            timeline->number(frame);
            row.frames.push_back(mark);
            row.times.push_back(frame.time_s);
        }
}

}  // namespace

std::string fault_of(const fleet::VideoParts& parts, const std::string& location, bool any_pixels) {
    Row whole, joined;
    add_part(location, 0, 0, whole);
    double start_s = 0;
    for (const double cut_s : parts.cuts) {
        const std::size_t before = joined.frames.size();
        add_part(location, start_s, cut_s, joined);
        if (joined.frames.size() == before) return "an empty part";
        start_s = cut_s;
    }
    add_part(location, start_s, 0, joined);
    if (const std::string said = difference(joined.frames, whole.frames, any_pixels); !said.empty()) return said;
    for (std::size_t i = 0; i < whole.times.size(); ++i) {
        const double a = whole.frames[i].time_s, b = joined.frames[i].time_s;
        if (whole.times[i] != joined.times[i] || !(a == b || std::isnan(a)))
            return "the time of frame " + std::to_string(i);
    }
    return "";
}

}  // namespace convoy::test
