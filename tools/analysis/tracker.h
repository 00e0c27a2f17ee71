// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include <convoy/detection.h>
#include "tools/analysis/association.h"
#include "tools/analysis/box_filter.h"

namespace convoy::analysis {

/// The paper's values, which are also what its code takes at 30 frames/s.
///
/// An engine hands on what reaches its EngineOptions::confidence, 0.25 by default: then the second round sees what lies
/// between 0.25 and `high`, and a lower confidence, down to `low`, gives it more to hold tracks by. Nobody is followed
/// who never reaches `start`, so a model that is seldom sure of anything needs lower values of `high` and `start`.
struct TrackerOptions {
    double high = .5;   ///< confidence from which a detection takes part in the first round
    double low = .1;    ///< confidence below which a detection takes part in none
    double start = .6;  ///< confidence from which a detection that belongs to no track begins one; at least `high`
    /// IoU that a pair must exceed: of a track's predicted box with a sure detection; with an unsure one; and of a
    /// track that was seen once with a sure detection.
    double iou_high = .2, iou_low = .5, iou_second_sight = .3;
    double buffer_s = 1;  ///< how long a thing may be out of sight and get its number again, seconds
    /// Of the input, frames/s; 0 where unknown, and more than 1000 counts as unknown: then the frames' times are not
    /// looked at, and a second is 30 of them.
    double frame_rate = 0;
};

/// Follows the things of one input through its frames: ByteTrack (Zhang et al., ECCV 2022). Detections that a detector
/// is sure of are paired with the tracks by the overlap with the boxes that a Kalman filter predicts; those it is not
/// sure of, which are often things half hidden, then with the tracks that are left, but they begin none. (The
/// authors' program keeps the second pairing from tracks out of sight. Here they take part: over five seeds of each
/// scene of test_tracking.py, MOTA rises in all, in the crowd from .70 to .78. The price is in the shakiest scene,
/// whose numbers switch more often, 34 times instead of 21, at the same IDF1.)
///
/// * Numbers. A thing has its number from its second sight on, which must be on the next frame that is looked at. So a
///   false alarm of one frame has none, and the numbers count 1, 2, 3, … without gaps in the order of second sights
///   (on one frame: of the detections). The first sight stays 0: frames are handed on before there is a second.
/// * Classes. A track keeps to the class of its first sight. Boxes of another class at the same place are another
///   thing, with a track of its own.
/// * Frames that nobody looked at. A track is predicted over as many frames as went by: by frame numbers, or by times
///   where more of the time went by than that, since frames were lost. Who is out of sight for longer than `buffer_s`
///   is forgotten, but not because of a step in frame numbers alone: of one frame out of sixty, each is the next.
/// * The same frames bring the same numbers, to the bit.
class Tracker {
public:
    /// Throws Error(usage) for options out of range.
    explicit Tracker(const TrackerOptions& options = {});

    /// The next frame of the input: sets Detection::track of each, and changes nothing else. `frame_index` and `time_s`
    /// are the Frame's. A frame on which nothing was detected counts as well; one that was not looked at is left out.
    void update(std::vector<Detection>& detections, std::int64_t frame_index, double time_s);

private:
    struct Track {
        BoxFilter filter;
        int class_id;
        std::int64_t number;     // 0 until it is seen a second time
        std::int64_t last_seen;  // on clock_
    };

    void advance(std::int64_t frame_index, double time_s);
    template <typename Takes>
    void pair_round(std::vector<Detection>& detections, const std::vector<int>& free, double min_iou,
                    const Takes& takes);

    TrackerOptions options_;
    std::int64_t buffer_;        // frames
    std::vector<Track> tracks_;  // in the order of first sights
    std::int64_t numbers_ = 0;
    std::int64_t clock_ = 0;  // frames that went by, looked at or not
    bool begun_ = false;
    std::int64_t frame_index_ = 0;
    double time_s_ = 0;

    Association association_;
    std::vector<int> sure_, unsure_, round_tracks_;
    std::vector<Candidate> track_boxes_, detection_boxes_;
};

}  // namespace convoy::analysis
