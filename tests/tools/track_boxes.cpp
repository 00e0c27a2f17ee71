// SPDX-License-Identifier: MIT
//
// The tracker for test_tracking.py: detections from standard input, a line "FRAME CLASS CONFIDENCE X Y W H" each, by
// frame; "FRAME" alone is a frame without any. The same lines come out behind their tracks.
// Usage: track_boxes FRAME_RATE
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>

#include "tools/analysis/tracker.h"

namespace {

using namespace convoy;

void track(analysis::Tracker& tracker, std::vector<Detection>& detections, std::int64_t frame, double rate) {
    tracker.update(detections, frame, double(frame) / rate);
    for (const Detection& d : detections)
        fmt::print("{} {} {} {} {} {} {} {}\n", d.track, frame, d.class_id, d.confidence, d.box.x, d.box.y, d.box.w,
                   d.box.h);
    detections.clear();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    analysis::TrackerOptions options;
    options.frame_rate = std::atof(argv[1]);
    analysis::Tracker tracker(options);
    std::vector<Detection> detections;
    std::int64_t frame = -1;
    for (std::string line; std::getline(std::cin, line);) {
        std::istringstream fields(line);
        std::int64_t next = 0;
        Detection d;
        if (!(fields >> next)) return 2;
        if (next != frame && frame >= 0) track(tracker, detections, frame, options.frame_rate);
        frame = next;
        if (fields >> d.class_id >> d.confidence >> d.box.x >> d.box.y >> d.box.w >> d.box.h) detections.push_back(d);
    }
    if (frame >= 0) track(tracker, detections, frame, options.frame_rate);
}
