// SPDX-License-Identifier: MIT
//
// What join_tiles() is to do, word for word and by looking at every pair.
#pragma once

#include <algorithm>
#include <vector>

#include <convoy/options.h>
#include "engine/area.h"

namespace convoy::test {

class JoinedTiles {
public:
    JoinedTiles(const DetectOptions& options, const std::vector<Area>& areas,
                const std::vector<std::vector<Detection>>& found)
        : options_(options) {
        for (const Area& a : areas)
            width_ = std::max(width_, a.x + a.width), height_ = std::max(height_, a.y + a.height);
        for (std::size_t i = 0; i < areas.size(); ++i)
            for (const Detection& d : found[i]) things_.push_back(thing(d, areas[i], int(i)));
        std::stable_sort(things_.begin(), things_.end(),
                         [](const Thing& a, const Thing& b) { return a.confidence > b.confidence; });
        for (bool again = true; again;) again = one_round();
    }
    /// In no order that means anything among those of one confidence.
    std::vector<Detection> detections() const {
        std::vector<Detection> out;
        for (const Thing& t : things_)
            out.push_back({t.class_id, t.confidence, {t.x[0], t.y[0], t.x[1] - t.x[0], t.y[1] - t.y[0]}});
        return out;
    }

private:
    struct Thing {
        int class_id;
        float confidence, x[2], y[2];  // begin and end
        bool cut_x[2], cut_y[2];
        std::vector<int> areas;
        bool cut() const { return cut_x[0] || cut_x[1] || cut_y[0] || cut_y[1]; }
        float area() const { return (x[1] - x[0]) * (y[1] - y[0]); }
    };

    Thing thing(const Detection& d, const Area& a, int index) const {
        const float right = d.box.x + d.box.w, bottom = d.box.y + d.box.h;
        const float near_x = .1f * d.box.w, near_y = .1f * d.box.h;
        Thing t{d.class_id, d.confidence, {}, {}, {}, {}, {index}};
        t.x[0] = d.box.x + float(a.x), t.x[1] = t.x[0] + d.box.w;
        t.y[0] = d.box.y + float(a.y), t.y[1] = t.y[0] + d.box.h;
        t.cut_x[0] = a.x != 0 && d.box.x < near_x,
        t.cut_x[1] = a.x + a.width != width_ && right + near_x > float(a.width);
        t.cut_y[0] = a.y != 0 && d.box.y < near_y;
        t.cut_y[1] = a.y + a.height != height_ && bottom + near_y > float(a.height);
        return t;
    }

    static float shared(const Thing& a, const Thing& b) {
        const float w = std::min(a.x[1], b.x[1]) - std::max(a.x[0], b.x[0]);
        const float h = std::min(a.y[1], b.y[1]) - std::max(a.y[0], b.y[0]);
        return w > 0 && h > 0 ? w * h : 0;
    }

    // Along one axis: `a` ends at a border, behind which `b` begins.
    static bool facing(const float a[2], const bool a_cut[2], const float b[2], const bool b_cut[2]) {
        return a_cut[1] && b_cut[0] && a[0] < b[0] && a[1] < b[1];
    }

    bool same(const Thing& a, const Thing& b) const {
        if (a.class_id != b.class_id && !options_.nms_across_classes) return false;
        if (a.areas == b.areas && a.areas.size() == 1) return false;
        const float both = shared(a, b), either = a.area() + b.area() - both;
        const bool by_overlap = both > options_.nms * either;
        const bool by_part = (a.cut() && both > .5f * a.area()) || (b.cut() && both > .5f * b.area());
        const float w = std::max(a.x[1], b.x[1]) - std::min(a.x[0], b.x[0]);
        const float h = std::max(a.y[1], b.y[1]) - std::min(a.y[0], b.y[0]);
        const bool face = facing(a.x, a.cut_x, b.x, b.cut_x) || facing(b.x, b.cut_x, a.x, a.cut_x) ||
                          facing(a.y, a.cut_y, b.y, b.cut_y) || facing(b.y, b.cut_y, a.y, a.cut_y);
        return by_overlap || by_part || (face && w * h <= 1.2f * either);
    }

    static void widen(float a[2], bool a_cut[2], const float b[2], const bool b_cut[2]) {
        const bool begin = b[0] < a[0] ? b_cut[0] : b[0] > a[0] ? a_cut[0] : a_cut[0] && b_cut[0];
        const bool end = b[1] > a[1] ? b_cut[1] : b[1] < a[1] ? a_cut[1] : a_cut[1] && b_cut[1];
        a[0] = std::min(a[0], b[0]), a[1] = std::max(a[1], b[1]);
        a_cut[0] = begin, a_cut[1] = end;
    }

    static void merge(Thing& into, const Thing& weaker) {
        for (int area : weaker.areas)
            if (std::find(into.areas.begin(), into.areas.end(), area) == into.areas.end()) into.areas.push_back(area);
        if (!into.cut()) return;
        if (weaker.cut()) {
            widen(into.x, into.cut_x, weaker.x, weaker.cut_x);
            widen(into.y, into.cut_y, weaker.y, weaker.cut_y);
            return;
        }
        Thing t = weaker;
        t.class_id = into.class_id, t.confidence = into.confidence, t.areas = into.areas;
        into = t;
    }

    // Whether anything was joined.
    bool one_round() {
        const std::size_t before = things_.size();
        for (std::size_t j = 1; j < things_.size();) {
            std::size_t i = 0;
            while (i < j && !same(things_[i], things_[j])) ++i;
            if (i == j) {
                ++j;
                continue;
            }
            merge(things_[i], things_[j]);
            things_.erase(things_.begin() + std::ptrdiff_t(j));
        }
        return things_.size() < before;
    }

    const DetectOptions options_;
    int width_ = 0, height_ = 0;
    std::vector<Thing> things_;
};

}  // namespace convoy::test
