// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <vector>

#include "tools/analysis/assignment.h"
#include "tools/analysis/box_filter.h"

namespace convoy::analysis {

/// Something of a class at a place.
struct Candidate {
    Corners at;
    int class_id = 0;
};

/// Intersection over union; 0 where one has no area.
double iou(const Corners& a, const Corners& b);

/// Which of these boxes are those: the pairing of the greatest sum of IoU, over what a pair must have at least. Only
/// boxes of one class are paired. Boxes that overlap nowhere are no problem of each other: each island of overlapping
/// boxes is solved by itself, so what is costly is a crowd in one place, not a full picture.
class Association {
public:
    /// For each of `detections` the one of `tracks` that it belongs to, or -1; valid until the next call.
    const std::vector<int>& pair(std::span<const Candidate> tracks, std::span<const Candidate> detections,
                                 double min_iou);

private:
    struct Edge {
        int island, track, detection;
        double weight;
    };
    int root(int node);
    void find_edges(std::span<const Candidate> tracks, std::span<const Candidate> detections, double min_iou);
    void solve_island(std::span<const Edge> edges);

    Assignment assignment_;
    std::vector<Edge> edges_;
    std::vector<int> parent_;  // union-find: tracks, then detections
    std::vector<int> by_left_;
    std::vector<int> track_of_detection_, rows_, columns_;
    std::vector<double> weights_;
};

}  // namespace convoy::analysis
