// SPDX-License-Identifier: MIT
//
// Which detections of one category in one picture hit an object: the rules of COCO's evaluation
// (cocoapi PythonAPI/pycocotools/cocoeval.py, evaluateImg; maskApi.c, bbIou).
#pragma once

#include <array>
#include <bitset>
#include <span>
#include <vector>

#include "tools/eval/dataset.h"

namespace convoy::eval {

/// IoU thresholds .50, .55, … .95.
inline constexpr std::size_t kThresholds = 10;
/// Detections of one category in one picture that are looked at: the best this many.
inline constexpr std::size_t kMaxDetections = 100;

/// The thresholds as numpy.linspace(.5, .95, 10) computes them: the last bit decides a match.
std::array<double, kThresholds> iou_thresholds();

struct AreaRange {
    const char* name;
    double low, high;  ///< pixels, both ends included
};

/// What became of one detection; bit t belongs to iou_thresholds()[t].
struct Outcome {
    double score = 0;
    std::bitset<kThresholds> hit;      ///< it matches an object
    std::bitset<kThresholds> ignored;  ///< it counts neither for nor against
};

struct MatchResult {
    std::vector<Outcome> detections;  ///< best first, at most kMaxDetections
    std::size_t objects = 0;          ///< objects that count: no crowds, inside the area range
};

/// Area of intersection over area of union; for a crowd over the detection's own area.
double box_overlap(const Box& detection, const Box& object, bool crowd);

/// Matches the detections of one category in one picture. Overlaps are computed once, for all area ranges.
class Matcher {
public:
    /// Both in the order of their files: equal scores are decided by it.
    Matcher(std::vector<const Annotation*> objects, std::vector<const ScoredBox*> detections);
    MatchResult match(const AreaRange& range) const;

private:
    struct Candidate {
        std::size_t object;  ///< index into objects_
        bool ignored;        ///< a crowd, or outside the area range
    };
    void match_at(std::size_t t, double threshold, const std::vector<Candidate>& candidates,
                  std::vector<Outcome>& outcomes) const;

    std::vector<const Annotation*> objects_;
    std::vector<const ScoredBox*> detections_;  ///< best first
    std::vector<double> overlap_;               ///< (detections, objects)
};

}  // namespace convoy::eval
