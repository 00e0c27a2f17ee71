// SPDX-License-Identifier: MIT
#include "tools/analysis/association.h"

#include <algorithm>
#include <numeric>

namespace convoy::analysis {
namespace {

/// The place of each value in a sorted list of different ones.
int place_of(const std::vector<int>& sorted, int value) {
    return int(std::lower_bound(sorted.begin(), sorted.end(), value) - sorted.begin());
}

void sort_unique(std::vector<int>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
}

}  // namespace

double iou(const Corners& a, const Corners& b) {
    const double w = std::min(a.right, b.right) - std::max(a.left, b.left);
    const double h = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
    if (!(w > 0 && h > 0)) return 0;
    const double both = w * h;
    return both / ((a.right - a.left) * (a.bottom - a.top) + (b.right - b.left) * (b.bottom - b.top) - both);
}

int Association::root(int node) {
    while (parent_[node] != node) node = parent_[node] = parent_[parent_[node]];
    return node;
}

void Association::find_edges(std::span<const Candidate> tracks, std::span<const Candidate> detections, double min_iou) {
    const int track_count = int(tracks.size());
    // Detections by their left edge: only those that begin near enough are looked at.
    by_left_.resize(detections.size());
    std::iota(by_left_.begin(), by_left_.end(), 0);
    const auto left = [&](int d) { return detections[d].at.left; };
    std::sort(by_left_.begin(), by_left_.end(),
              [&](int a, int b) { return left(a) < left(b) || (left(a) == left(b) && a < b); });
    double widest = 0;
    for (const Candidate& d : detections) widest = std::max(widest, d.at.right - d.at.left);

    edges_.clear();
    for (int t = 0; t < track_count; ++t) {
        const Corners& at = tracks[t].at;
        auto it =
            std::partition_point(by_left_.begin(), by_left_.end(), [&](int d) { return left(d) < at.left - widest; });
        for (; it != by_left_.end() && left(*it) < at.right; ++it) {
            if (detections[*it].class_id != tracks[t].class_id) continue;
            const double weight = iou(at, detections[*it].at) - min_iou;
            if (weight <= 0) continue;
            edges_.push_back({0, t, *it, weight});
            parent_[root(t)] = root(track_count + *it);
        }
    }
    for (Edge& edge : edges_) edge.island = root(edge.track);
    std::sort(edges_.begin(), edges_.end(), [](const Edge& a, const Edge& b) {
        if (a.island != b.island) return a.island < b.island;
        return a.track != b.track ? a.track < b.track : a.detection < b.detection;
    });
}

void Association::solve_island(std::span<const Edge> edges) {
    if (edges.size() == 1) {
        track_of_detection_[edges[0].detection] = edges[0].track;
        return;
    }
    rows_.clear(), columns_.clear();
    for (const Edge& edge : edges) rows_.push_back(edge.track), columns_.push_back(edge.detection);
    sort_unique(rows_), sort_unique(columns_);
    weights_.assign(rows_.size() * columns_.size(), 0);
    for (const Edge& edge : edges)
        weights_[std::size_t(place_of(rows_, edge.track)) * columns_.size() +
                 std::size_t(place_of(columns_, edge.detection))] = edge.weight;
    const std::vector<int>& column_of_row = assignment_.solve(weights_, int(rows_.size()), int(columns_.size()));
    for (std::size_t r = 0; r < rows_.size(); ++r)
        if (column_of_row[r] >= 0) track_of_detection_[columns_[column_of_row[r]]] = rows_[r];
}

const std::vector<int>& Association::pair(std::span<const Candidate> tracks, std::span<const Candidate> detections,
                                          double min_iou) {
    track_of_detection_.assign(detections.size(), -1);
    if (tracks.empty() || detections.empty()) return track_of_detection_;
    parent_.resize(tracks.size() + detections.size());
    std::iota(parent_.begin(), parent_.end(), 0);
    find_edges(tracks, detections, min_iou);
    for (std::size_t begin = 0, end; begin < edges_.size(); begin = end) {
        for (end = begin; end < edges_.size() && edges_[end].island == edges_[begin].island;) ++end;
        solve_island(std::span(edges_).subspan(begin, end - begin));
    }
    return track_of_detection_;
}

}  // namespace convoy::analysis
