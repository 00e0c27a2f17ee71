// SPDX-License-Identifier: MIT
#include "tools/eval/average_precision.h"

#include <algorithm>
#include <limits>
#include <map>

#include "tools/eval/matcher.h"

namespace convoy::eval {
namespace {

constexpr std::array<std::size_t, 3> kCaps = {1, 10, kMaxDetections};
constexpr std::array<AreaRange, 4> kAreas = {
    {{"all", 0, 1e10}, {"small", 0, 32. * 32}, {"medium", 32. * 32, 96. * 96}, {"large", 96. * 96, 1e10}}};

/// One category in one area range.
struct Measured {
    bool present = false;
    std::array<Curve, kThresholds> precision{};                          ///< best kMaxDetections a picture
    std::array<std::array<double, kThresholds>, kCaps.size()> recall{};  ///< by cap, by threshold
};

/// The best `cap` outcomes of every picture, best first.
std::vector<Outcome> ranked(const std::vector<MatchResult>& pictures, std::size_t cap) {
    std::vector<Outcome> all;
    for (const MatchResult& p : pictures)
        all.insert(all.end(), p.detections.begin(), p.detections.begin() + long(std::min(cap, p.detections.size())));
    std::stable_sort(all.begin(), all.end(), [](const Outcome& a, const Outcome& b) { return a.score > b.score; });
    return all;
}

/// Precision at each recall for threshold t; returns the highest recall reached.
double measure(const std::vector<Outcome>& outcomes, std::size_t t, std::size_t objects, Curve& curve) {
    std::vector<double> recall, precision;
    double hits = 0, misses = 0;
    for (const Outcome& o : outcomes) {
        if (!o.ignored[t]) (o.hit[t] ? hits : misses) += 1;
        recall.push_back(hits / double(objects));
        precision.push_back(hits / (misses + hits + std::numeric_limits<double>::epsilon()));
    }
    for (std::size_t i = precision.size(); i-- > 1;) precision[i - 1] = std::max(precision[i - 1], precision[i]);
    for (std::size_t r = 0; r < kRecalls; ++r) {
        const double wanted = r + 1 == kRecalls ? 1. : double(r) * .01;
        const auto i = std::size_t(std::lower_bound(recall.begin(), recall.end(), wanted) - recall.begin());
        curve[r] = i < precision.size() ? precision[i] : 0;
    }
    return recall.empty() ? 0 : recall.back();
}

Measured measure(const std::vector<Matcher>& matchers, const AreaRange& range) {
    std::vector<MatchResult> pictures;
    std::size_t objects = 0;
    for (const Matcher& m : matchers) {
        pictures.push_back(m.match(range));
        objects += pictures.back().objects;
    }
    Measured out;
    out.present = objects > 0;
    if (!out.present) return out;
    // The last cap is the one whose curves are kept.
    for (std::size_t c = 0; c < kCaps.size(); ++c) {
        const std::vector<Outcome> outcomes = ranked(pictures, kCaps[c]);
        for (std::size_t t = 0; t < kThresholds; ++t)
            out.recall[c][t] = measure(outcomes, t, objects, out.precision[t]);
    }
    return out;
}

/// A mean that is kAbsent over nothing.
class Mean {
public:
    void add(double v) { sum_ += v, ++count_; }
    void add(const Curve& curve) {
        for (const double v : curve) add(v);
    }
    operator double() const { return count_ ? sum_ / double(count_) : kAbsent; }

private:
    double sum_ = 0;
    std::size_t count_ = 0;
};

struct Means {
    std::array<Mean, kAreas.size()> ap, ar;  ///< by area, best 100
    std::array<Mean, kCaps.size()> ar_cap;   ///< by cap, all areas
    Mean ap50, ap75;
};

constexpr std::size_t kAt50 = 0, kAt75 = 5;

void add_category(Means& means, CategoryScores& scores, const std::array<Measured, kAreas.size()>& areas) {
    for (std::size_t a = 0; a < kAreas.size(); ++a) {
        if (!areas[a].present) continue;
        for (const Curve& c : areas[a].precision) means.ap[a].add(c);
        for (const double r : areas[a].recall.back()) means.ar[a].add(r);
    }
    const Measured& all = areas[0];
    if (!all.present) return;
    for (std::size_t c = 0; c < kCaps.size(); ++c)
        for (const double r : all.recall[c]) means.ar_cap[c].add(r);
    means.ap50.add(all.precision[kAt50]);
    means.ap75.add(all.precision[kAt75]);

    Mean ap, ap50, ap75, recall;
    for (const Curve& c : all.precision) ap.add(c);
    ap50.add(all.precision[kAt50]);
    ap75.add(all.precision[kAt75]);
    for (const double r : all.recall.back()) recall.add(r);
    scores.ap = ap, scores.ap50 = ap50, scores.ap75 = ap75, scores.recall = recall;
    scores.curve50 = all.precision[kAt50];
}

Curve mean_curve(const std::vector<CategoryScores>& categories) {
    Curve out{};
    for (std::size_t r = 0; r < kRecalls; ++r) {
        Mean mean;
        for (const CategoryScores& c : categories)
            if (c.ap50 != kAbsent) mean.add(c.curve50[r]);
        out[r] = std::max(0., double(mean));
    }
    return out;
}

}  // namespace

Scores score(const Dataset& dataset, std::span<const ScoredBox> detections) {
    struct Group {
        std::vector<const Annotation*> objects;
        std::vector<const ScoredBox*> detections;
    };
    std::vector<std::map<std::size_t, Group>> by_category(dataset.categories.size());
    Scores out;
    out.categories.resize(dataset.categories.size());
    for (const Annotation& a : dataset.annotations) {
        by_category[a.category][a.picture].objects.push_back(&a);
        out.categories[a.category].objects += !a.crowd;
    }
    for (const ScoredBox& d : detections) {
        by_category[d.category][d.picture].detections.push_back(&d);
        ++out.categories[d.category].detections;
    }

    Means means;
    for (std::size_t k = 0; k < by_category.size(); ++k) {
        std::vector<Matcher> matchers;
        for (auto& [picture, group] : by_category[k])
            matchers.emplace_back(std::move(group.objects), std::move(group.detections));
        std::array<Measured, kAreas.size()> areas;
        for (std::size_t a = 0; a < kAreas.size(); ++a) areas[a] = measure(matchers, kAreas[a]);
        add_category(means, out.categories[k], areas);
    }
    out.ap = means.ap[0], out.ap_small = means.ap[1], out.ap_medium = means.ap[2], out.ap_large = means.ap[3];
    out.ap50 = means.ap50, out.ap75 = means.ap75;
    out.ar1 = means.ar_cap[0], out.ar10 = means.ar_cap[1], out.ar100 = means.ar_cap[2];
    out.ar_small = means.ar[1], out.ar_medium = means.ar[2], out.ar_large = means.ar[3];
    out.curve50 = mean_curve(out.categories);
    return out;
}

}  // namespace convoy::eval
