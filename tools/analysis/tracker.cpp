// SPDX-License-Identifier: MIT
#include "tools/analysis/tracker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include <convoy/error.h>

namespace convoy::analysis {
namespace {

constexpr double kUsualRate = 30;  // frames/s, where the input's is unknown
constexpr double kFastest = 1000;  // frames/s: beyond are cameras that tell their clock's rate
constexpr double kMostFrames = 1e9;

void check(bool right, const char* name, double value, const char* range) {
    if (!right)
        throw Error(ErrorKind::usage, fmt::format("TrackerOptions::{} is {}; it must be {}", name, value, range));
}

void check_share(const char* name, double value) { check(value >= 0 && value <= 1, name, value, "from 0 to 1"); }

Corners corners(const Box& box) { return {box.x, box.y, double(box.x) + box.w, double(box.y) + box.h}; }

}  // namespace

Tracker::Tracker(const TrackerOptions& options) : options_(options) {
    check_share("high", options.high);
    check_share("iou_high", options.iou_high);
    check_share("iou_low", options.iou_low);
    check_share("iou_second_sight", options.iou_second_sight);
    check(options.low >= 0 && options.low <= options.high, "low", options.low, "from 0 to high");
    check(options.start >= options.high && options.start <= 1, "start", options.start, "from high to 1");
    check(options.buffer_s >= 0 && options.buffer_s <= 3600, "buffer_s", options.buffer_s, "from 0 to 3600 seconds");
    check(options.frame_rate >= 0, "frame_rate", options.frame_rate, "0 or more frames/s");
    if (options_.frame_rate > kFastest) options_.frame_rate = 0;
    buffer_ = std::llround(options_.buffer_s * (options_.frame_rate > 0 ? options_.frame_rate : kUsualRate));
}

/// Leads the clock and all tracks to this frame.
void Tracker::advance(std::int64_t frame_index, double time_s) {
    std::int64_t by_number = 1, by_time = 0;
    if (begun_) {
        by_number = std::max<std::int64_t>(1, frame_index - frame_index_);
        const double frames = (time_s - time_s_) * options_.frame_rate;
        if (frames > 0) by_time = std::llround(std::min(frames, kMostFrames));
    }
    begun_ = true;
    frame_index_ = frame_index, time_s_ = time_s;
    const std::int64_t passed = std::max(by_number, by_time);
    for (Track& track : tracks_)
        if (track.last_seen != clock_) track.filter.hold_height();
    clock_ += passed;
    const std::int64_t longest = std::max(buffer_, by_number);
    std::erase_if(tracks_, [&](const Track& track) { return clock_ - track.last_seen > longest; });
    for (Track& track : tracks_) track.filter.predict(int(std::min(passed, std::int64_t(kMostFrames))));
}

/// Pairs the `free` detections with those tracks that the round takes, and marks both.
template <typename Takes>
void Tracker::pair_round(std::vector<Detection>& detections, const std::vector<int>& free, double min_iou,
                         const Takes& takes) {
    round_tracks_.clear(), track_boxes_.clear(), detection_boxes_.clear();
    for (std::size_t t = 0; t < tracks_.size(); ++t) {
        if (tracks_[t].last_seen == clock_ || !takes(tracks_[t])) continue;
        round_tracks_.push_back(int(t));
        track_boxes_.push_back({tracks_[t].filter.corners(), tracks_[t].class_id});
    }
    for (const int d : free) detection_boxes_.push_back({corners(detections[d].box), detections[d].class_id});
    const std::vector<int>& partner = association_.pair(track_boxes_, detection_boxes_, min_iou);
    for (std::size_t i = 0; i < free.size(); ++i) {
        if (partner[i] < 0) continue;
        Track& track = tracks_[round_tracks_[partner[i]]];
        Detection& detection = detections[free[i]];
        track.filter.update(detection.box);
        track.last_seen = clock_;
        if (track.number == 0) track.number = ++numbers_;
        detection.track = track.number;
    }
}

void Tracker::update(std::vector<Detection>& detections, std::int64_t frame_index, double time_s) {
    advance(frame_index, time_s);
    sure_.clear(), unsure_.clear();
    for (std::size_t d = 0; d < detections.size(); ++d) {
        detections[d].track = 0;
        const Detection& it = detections[d];
        // What has no area overlaps with nothing.
        if (!(it.box.w > 0 && it.box.h > 0) || it.confidence < options_.low) continue;
        (it.confidence >= options_.high ? sure_ : unsure_).push_back(int(d));
    }

    const auto known = [](const Track& track) { return track.number > 0; };
    pair_round(detections, sure_, options_.iou_high, known);
    const auto taken = [&](int d) { return detections[d].track != 0; };
    std::erase_if(sure_, taken);
    pair_round(detections, unsure_, options_.iou_low, known);
    pair_round(detections, sure_, options_.iou_second_sight, std::not_fn(known));
    std::erase_if(sure_, taken);

    std::erase_if(tracks_, [&](const Track& track) { return !known(track); });
    for (const int d : sure_) {
        const Detection& it = detections[d];
        if (it.confidence >= options_.start) tracks_.push_back({BoxFilter(it.box), it.class_id, 0, clock_});
    }
}

}  // namespace convoy::analysis
