// SPDX-License-Identifier: MIT
//
// Any boxes, numbers and times of frames for the tracker: each number is one thing of a frame, and they count 1, 2, 3.
#include <cmath>
#include <set>

#include "tests/fuzz/input.h"
#include "tools/analysis/tracker.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace convoy;
    fuzz::Bytes bytes(data, size);
    analysis::TrackerOptions options;
    options.frame_rate = bytes.number() % 61;
    analysis::Tracker tracker(options);
    std::int64_t index = 0, highest = 0;
    double time_s = 0;
    const auto real = [&] {
        const float value = bytes.real();
        return std::isfinite(value) ? value : 0;
    };
    while (!bytes.empty()) {
        const unsigned step = bytes.number();
        index += std::int64_t(step % 16) - 2;
        time_s += step < 240 ? double(step % 16) / 30 : real();
        std::vector<Detection> detections;
        for (unsigned n = bytes.number() % 6; n > 0; --n) {
            // Near each other, so that they meet; or anything.
            const bool any = bytes.number() % 8 == 0;
            const auto part = [&] { return any ? real() : float(bytes.number()); };
            const int class_id = int(bytes.number() % 3);
            detections.push_back({class_id, float(bytes.number()) / 255, {part(), part(), part(), part()}, -1});
        }
        tracker.update(detections, index, time_s);
        std::set<std::int64_t> tracks;
        for (const Detection& d : detections) {
            fuzz::require(d.track >= 0 && (d.track == 0 || tracks.insert(d.track).second));
            if (d.track > highest) fuzz::require(d.track == ++highest);
            fuzz::require(d.track == 0 || (d.box.w > 0 && d.box.h > 0));
        }
    }
    return 0;
}
