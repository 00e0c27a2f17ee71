// SPDX-License-Identifier: MIT
#include "kernels/nms.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/cpu/list_survivors.h"

namespace convoy::kernels::cpu {
namespace {

using Index = std::uint32_t;

struct Edges {
    float left, right, top, bottom, area;
};

/// Darknet's box_iou, operation by operation and with its order of comparisons, without a branch.
inline float iou(const Edges& a, const Edges& b) {
    const float w = (a.right < b.right ? a.right : b.right) - (a.left > b.left ? a.left : b.left);
    const float h = (a.bottom < b.bottom ? a.bottom : b.bottom) - (a.top > b.top ? a.top : b.top);
    const float product = w * h;
    const float both = (w < 0) | (h < 0) ? 0.f : product;
    const float either = a.area + b.area - both;
    const float quotient = both / either;
    return (both == 0) | (either == 0) ? 0.f : quotient;
}

/// For each box the others that it suppresses. A row is found when it is first asked for and then serves every class:
/// overlap does not depend on the class, and a box may carry all of them.
class Neighbours {
public:
    Neighbours(const std::vector<Candidates::Box>& boxes, NmsKind kind, float beta, float threshold)
        : boxes_(boxes),
          kind_(kind),
          beta_(beta),
          threshold_(threshold),
          hits_(boxes.size()),
          known_(boxes.size()),
          rows_(boxes.size()) {
        for (const Candidates::Box& b : boxes) {
            left_.push_back(b.x - b.w / 2);
            right_.push_back(b.x + b.w / 2);
            top_.push_back(b.y - b.h / 2);
            bottom_.push_back(b.y + b.h / 2);
            area_.push_back(b.w * b.h);
        }
    }

    const std::vector<Index>& of(Index a) {
        if (!known_[a]) find(a);
        return rows_[a];
    }

private:
    Edges edges(std::size_t i) const { return {left_[i], right_[i], top_[i], bottom_[i], area_[i]}; }

    void find(Index a) {
        known_[a] = true;
        const Edges one = edges(a);
        const float threshold = threshold_;
        const float *left = left_.data(), *right = right_.data(), *top = top_.data(), *bottom = bottom_.data(),
                    *area = area_.data();
        std::int32_t* hits = hits_.data();
        const std::size_t count = hits_.size();
#pragma omp simd
        for (std::size_t b = 0; b < count; ++b)
            hits[b] = iou(one, {left[b], right[b], top[b], bottom[b], area[b]}) > threshold;
        hits_[a] = false;
        // DIoU is never more than IoU, so the power is only taken where IoU already says yes.
        for (std::size_t b = 0; b < count; ++b)
            if (hits_[b] && (kind_ == NmsKind::iou || diou(a, b) > threshold_)) rows_[a].push_back(Index(b));
    }

    float diou(std::size_t a, std::size_t b) const {
        const float w = std::max(right_[a], right_[b]) - std::min(left_[a], left_[b]);
        const float h = std::max(bottom_[a], bottom_[b]) - std::min(top_[a], top_[b]);
        const float diagonal = w * w + h * h;
        const float overlap = iou(edges(a), edges(b));
        if (diagonal == 0) return overlap;
        const float dx = boxes_[a].x - boxes_[b].x, dy = boxes_[a].y - boxes_[b].y;
        return overlap - float(std::pow(double((dx * dx + dy * dy) / diagonal), double(beta_)));
    }

    const std::vector<Candidates::Box>& boxes_;
    NmsKind kind_;
    float beta_, threshold_;
    std::vector<float> left_, right_, top_, bottom_, area_;  // by box
    std::vector<std::int32_t> hits_;        // of one row, by box; as wide as the floats it is made from
    std::vector<unsigned char> known_;      // by box
    std::vector<std::vector<Index>> rows_;  // by box
};

/// One class probability of one box.
struct Entry {
    float prob;
    Index candidate;
    std::size_t at;  // in Candidates::probs
};

/// Whether box a stands before box b when boxes have been sorted on the classes 0 … below - 1, one after the other and
/// stably, from the candidates' own order: the last class decides, then the one before it, at last that order.
bool stands_before(const Candidates& c, Index a, Index b, int below) {
    std::size_t i = c.first_prob[a + 1], j = c.first_prob[b + 1];
    while (i > c.first_prob[a] && c.probs[i - 1].class_id >= below) --i;
    while (j > c.first_prob[b] && c.probs[j - 1].class_id >= below) --j;
    for (;; --i, --j) {
        if (j == c.first_prob[b]) return i > c.first_prob[a] || a < b;
        if (i == c.first_prob[a]) return false;
        const Candidates::ClassProb &p = c.probs[i - 1], &q = c.probs[j - 1];
        if (p.class_id != q.class_id) return p.class_id > q.class_id;  // the other's probability is 0
        if (p.prob != q.prob) return p.prob > q.prob;
    }
}

std::vector<std::vector<Entry>> by_class(const Candidates& c, int classes) {
    std::vector<std::vector<Entry>> lists(classes);
    for (std::size_t i = 0; i < c.boxes.size(); ++i)
        for (std::size_t at = c.first_prob[i]; at < c.first_prob[i + 1]; ++at)
            lists[c.probs[at].class_id].push_back({c.probs[at].prob, Index(i), at});
    return lists;
}

}  // namespace

void nms(const Candidates& candidates, int classes, NmsKind kind, float beta, float threshold,
         std::vector<Survivor>& out) {
    Neighbours neighbours(candidates.boxes, kind, beta, threshold);
    std::vector<unsigned char> kept(candidates.probs.size());
    std::vector<std::size_t> rank(
        candidates.boxes.size());  // from 1, strongest first; 0: not in the class, or suppressed
    std::vector<std::vector<Entry>> lists = by_class(candidates, classes);
    for (int k = 0; k < classes; ++k) {
        std::vector<Entry>& list = lists[k];
        std::sort(list.begin(), list.end(), [&](const Entry& a, const Entry& b) {
            return a.prob != b.prob ? a.prob > b.prob : stands_before(candidates, a.candidate, b.candidate, k);
        });
        for (std::size_t i = 0; i < list.size(); ++i) rank[list[i].candidate] = i + 1;
        for (const Entry& entry : list) {
            const std::size_t own = rank[entry.candidate];
            if (own == 0) continue;
            kept[entry.at] = true;
            for (Index other : neighbours.of(entry.candidate))
                if (rank[other] > own) rank[other] = 0;
        }
        for (const Entry& entry : list) rank[entry.candidate] = 0;
    }
    list_survivors(candidates, classes, kept, out);
}

void list_survivors(const Candidates& candidates, int classes, const std::vector<unsigned char>& kept,
                    std::vector<Survivor>& out) {
    std::vector<Index> order;
    for (Index i = 0; i < candidates.boxes.size(); ++i)
        if (std::count(kept.begin() + std::ptrdiff_t(candidates.first_prob[i]),
                       kept.begin() + std::ptrdiff_t(candidates.first_prob[i + 1]), 1))
            order.push_back(i);
    std::sort(order.begin(), order.end(), [&](Index a, Index b) { return stands_before(candidates, a, b, classes); });
    out.clear();
    for (Index i : order)
        for (std::size_t at = candidates.first_prob[i]; at < candidates.first_prob[i + 1]; ++at)
            if (kept[at]) out.push_back({i, candidates.probs[at].class_id, candidates.probs[at].prob});
}

}  // namespace convoy::kernels::cpu
