// SPDX-License-Identifier: MIT
#include "tools/eval/matcher.h"

#include <algorithm>

namespace convoy::eval {

std::array<double, kThresholds> iou_thresholds() {
    std::array<double, kThresholds> t{};
    for (std::size_t i = 0; i < kThresholds; ++i) t[i] = double(i) * ((.95 - .5) / double(kThresholds - 1)) + .5;
    t.back() = .95;
    return t;
}

double box_overlap(const Box& d, const Box& o, bool crowd) {
    const double w = std::min(d.x + d.w, o.x + o.w) - std::max(d.x, o.x);
    const double h = std::min(d.y + d.h, o.y + o.h) - std::max(d.y, o.y);
    if (w <= 0 || h <= 0) return 0;
    const double both = w * h, own = d.w * d.h;
    return both / (crowd ? own : own + o.w * o.h - both);
}

Matcher::Matcher(std::vector<const Annotation*> objects, std::vector<const ScoredBox*> detections)
    : objects_(std::move(objects)), detections_(std::move(detections)) {
    std::stable_sort(detections_.begin(), detections_.end(),
                     [](const ScoredBox* a, const ScoredBox* b) { return a->score > b->score; });
    if (detections_.size() > kMaxDetections) detections_.resize(kMaxDetections);
    overlap_.reserve(detections_.size() * objects_.size());
    for (const ScoredBox* d : detections_)
        for (const Annotation* o : objects_) overlap_.push_back(box_overlap(d->box, o->box, o->crowd));
}

void Matcher::match_at(std::size_t t, double threshold, const std::vector<Candidate>& candidates,
                       std::vector<Outcome>& outcomes) const {
    std::vector<bool> taken(candidates.size());
    for (std::size_t d = 0; d < detections_.size(); ++d) {
        double best = std::min(threshold, 1 - 1e-10);
        const Candidate* match = nullptr;
        for (std::size_t i = 0; i < candidates.size(); ++i) {
            const Candidate& c = candidates[i];
            if (taken[i] && !objects_[c.object]->crowd) continue;
            // Ignored objects come last: one of them never replaces a match that counts.
            if (match && !match->ignored && c.ignored) break;
            const double overlap = overlap_[d * objects_.size() + c.object];
            if (overlap < best) continue;
            best = overlap;
            match = &c;
        }
        if (!match) continue;
        taken[std::size_t(match - candidates.data())] = true;
        outcomes[d].ignored[t] = match->ignored;
        // pycocotools takes annotation 0 for "no match"; the reader notes it.
        outcomes[d].hit[t] = objects_[match->object]->id != 0;
    }
}

MatchResult Matcher::match(const AreaRange& range) const {
    const auto outside = [&](double area) { return area < range.low || area > range.high; };
    MatchResult result;
    std::vector<Candidate> candidates;
    for (const bool ignored : {false, true})
        for (std::size_t i = 0; i < objects_.size(); ++i)
            if ((objects_[i]->crowd || outside(objects_[i]->area)) == ignored) candidates.push_back({i, ignored});
    for (const Candidate& c : candidates) result.objects += !c.ignored;

    for (const ScoredBox* d : detections_) result.detections.push_back({d->score, {}, {}});
    const auto thresholds = iou_thresholds();
    for (std::size_t t = 0; t < kThresholds; ++t) match_at(t, thresholds[t], candidates, result.detections);
    for (std::size_t d = 0; d < detections_.size(); ++d)
        if (outside(detections_[d]->box.w * detections_[d]->box.h))
            result.detections[d].ignored |= ~result.detections[d].hit;
    return result;
}

}  // namespace convoy::eval
