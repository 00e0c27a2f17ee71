// SPDX-License-Identifier: MIT
#include "kernels/cpu/box_tree.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace convoy::kernels::cpu {
namespace {

constexpr std::uint32_t kLeaf = 32;  // boxes, at most: a few vector instructions for all of them

}  // namespace

BoxTree::BoxTree(const std::vector<Candidates::Box>& boxes, float threshold) : threshold_(threshold) {
    edges_.reserve(boxes.size());
    for (const Candidates::Box& b : boxes) {
        edges_.push_back({b.x - b.w / 2, b.x + b.w / 2, b.y - b.h / 2, b.y + b.h / 2, b.w * b.h});
        const Edges& e = edges_.back();
        // The others have no overlap with any box: it is a product with 0, or a quotient by infinity.
        if (e.left < e.right && e.top < e.bottom && std::isfinite(e.area)) order_.push_back(Index(edges_.size() - 1));
    }
    if (!order_.empty()) build(0, Index(order_.size()));
    for (Index i : order_) {
        const Edges& e = edges_[i];
        left_.push_back(e.left), right_.push_back(e.right), top_.push_back(e.top), bottom_.push_back(e.bottom);
        area_.push_back(e.area);
    }
}

BoxTree::Node BoxTree::node_of(Index begin, Index end) const {
    constexpr float inf = std::numeric_limits<float>::infinity();
    Node node{{inf, -inf, inf, -inf, inf}, 0, 0, 0, 0, 0};
    Edges& hull = node.hull;
    for (Index i = begin; i < end; ++i) {
        const Edges& e = edges_[order_[i]];
        hull = {std::min(hull.left, e.left), std::max(hull.right, e.right), std::min(hull.top, e.top),
                std::max(hull.bottom, e.bottom), std::min(hull.area, e.area)};
        node.width = std::max(node.width, e.right - e.left);
        node.height = std::max(node.height, e.bottom - e.top);
    }
    return node;
}

void BoxTree::build(Index begin, Index end) {
    const std::size_t self = nodes_.size();
    nodes_.push_back(node_of(begin, end));
    if (end - begin <= kLeaf) {
        nodes_[self].begin = begin, nodes_[self].end = end;
    } else {
        float widest = -1;
        float Edges::*split = &Edges::left;
        for (float Edges::*edge : {&Edges::left, &Edges::right, &Edges::top, &Edges::bottom}) {
            float low = edges_[order_[begin]].*edge, high = low;
            for (Index i = begin; i < end; ++i) {
                const float at = edges_[order_[i]].*edge;
                low = std::min(low, at), high = std::max(high, at);
            }
            if (high - low > widest) widest = high - low, split = edge;
        }
        const Index middle = begin + (end - begin) / 2;
        std::nth_element(order_.begin() + begin, order_.begin() + middle, order_.begin() + end,
                         [&](Index a, Index b) { return edges_[a].*split < edges_[b].*split; });
        build(begin, middle);
        build(middle, end);
    }
    nodes_[self].skip = Index(nodes_.size());
}

// box_iou, operation by operation and with its order of comparisons, without a branch.
inline float BoxTree::overlap(const Edges& a, const Edges& b) {
    const float w = (a.right < b.right ? a.right : b.right) - (a.left > b.left ? a.left : b.left);
    const float h = (a.bottom < b.bottom ? a.bottom : b.bottom) - (a.top > b.top ? a.top : b.top);
    const float product = w * h;
    const float both = (w < 0) | (h < 0) ? 0.f : product;
    const float either = a.area + b.area - both;
    const float quotient = both / either;
    return (both == 0) | (either == 0) ? 0.f : quotient;
}

// The same operations on numbers that are no smaller above the line, and no larger below it, than those of any box of
// the node. Each of them rounds monotonically, so the quotient is no smaller either: to the bit, without a margin.
bool BoxTree::may_overlap(const Edges& a, const Node& node) const {
    const Edges& b = node.hull;
    const float w = std::min(std::min(a.right, b.right) - std::max(a.left, b.left), node.width);
    const float h = std::min(std::min(a.bottom, b.bottom) - std::max(a.top, b.top), node.height);
    if (!(w > 0 && h > 0)) return false;
    const float both = w * h, either = a.area + b.area - both;
    return !(either > 0) || both / either > threshold_;
}

void BoxTree::find(Index a, std::vector<Index>& out) const {
    const Edges one = edges_[a];
    const float threshold = threshold_;
    const float *left = left_.data(), *right = right_.data(), *top = top_.data(), *bottom = bottom_.data(),
                *area = area_.data();
    for (std::size_t n = 0; n < nodes_.size();) {
        const Node& node = nodes_[n];
        if (!may_overlap(one, node)) {
            n = node.skip;
            continue;
        }
        ++n;
        std::int32_t hits[kLeaf], any = 0;  // as wide as the floats that they are made from
#pragma omp simd reduction(| : any)
        for (Index i = node.begin; i < node.end; ++i) {
            const std::int32_t hit = overlap(one, {left[i], right[i], top[i], bottom[i], area[i]}) > threshold;
            hits[i - node.begin] = hit;
            any |= hit;
        }
        if (!any) continue;
        for (Index i = node.begin; i < node.end; ++i)
            if (hits[i - node.begin] && order_[i] != a) out.push_back(order_[i]);
    }
}

float BoxTree::iou(Index a, Index b) const { return overlap(edges_[a], edges_[b]); }

BoxTree::Size BoxTree::around(Index a, Index b) const {
    const Edges &one = edges_[a], &other = edges_[b];
    return {std::max(one.right, other.right) - std::min(one.left, other.left),
            std::max(one.bottom, other.bottom) - std::min(one.top, other.top)};
}

}  // namespace convoy::kernels::cpu
