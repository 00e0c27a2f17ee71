// SPDX-License-Identifier: MIT
#include "kernels/yolo_decode.h"

#include <algorithm>
#include <cmath>

namespace convoy::kernels {

void Candidates::clear() {
    boxes.clear();
    objectness.clear();
    first_prob.assign(1, 0);
    probs.clear();
    not_finite = 0;
}

std::vector<ClassGroup> class_tree(const std::vector<int>& parents) {
    std::vector<ClassGroup> children(parents.empty() ? 0 : parents.size() + 1);
    for (std::size_t i = 0; i < parents.size(); ++i) {
        ClassGroup& group = children[std::size_t(parents[i] + 1)];
        if (group.size++ == 0) group.first = int(i);
    }
    return children;
}

namespace cpu {
namespace {

constexpr float kHierarchyThreshold = .5f;

using Box = Candidates::Box;

float logistic(float x) { return float(1. / (1. + std::exp(double(-x)))); }

/// One anchor's box in fractions of the network's input (get_yolo_box); `entry` holds x, y, w, h as the network left
/// them.
Box network_box(const YoloHead& head, const float* entry, int column, int row, int columns, int rows, int anchor) {
    const float aw = head.anchors[2 * anchor], ah = head.anchors[2 * anchor + 1];
    const float shift = float(-0.5 * (head.scale_x_y - 1));
    const auto centre = [&](float t) { return (head.new_coords ? t : logistic(t)) * head.scale_x_y + shift; };
    const int step = head.spacing();
    Box b;
    b.x = (float(column) + centre(entry[0])) / float(columns);
    b.y = (float(row) + centre(entry[step])) / float(rows);
    if (head.new_coords) {
        b.w = entry[2] * entry[2] * 4 * aw / float(head.net_w);
        b.h = entry[3] * entry[3] * 4 * ah / float(head.net_h);
    } else {
        b.w = float(std::exp(double(entry[2 * step])) * aw / head.net_w);
        b.h = float(std::exp(double(entry[3 * step])) * ah / head.net_h);
    }
    b.x += head.point * b.w;
    b.y += head.point * b.h;
    return b;
}

/// Fractions of the network's input to source pixels (correct_yolo_boxes), with its mix of float and double.
Box source_box(Box b, const BoxTransform& t) {
    const Placement& p = t.placement;
    b.x = float((b.x - (p.net_w - p.w) / 2. / p.net_w) / (float(p.w) / float(p.net_w)));
    b.y = float((b.y - (p.net_h - p.h) / 2. / p.net_h) / (float(p.h) / float(p.net_h)));
    b.w *= float(p.net_w) / float(p.w);
    b.h *= float(p.net_h) / float(p.h);
    b.x *= float(t.width);
    b.w *= float(t.width);
    b.y *= float(t.height);
    b.h *= float(t.height);
    return b;
}

/// What a gaussian head makes of its uncertainties; 1 for the others.
float certainty(const YoloHead& head, const float* entry) {
    if (head.kind != HeadKind::gaussian) return 1.f;
    const float sum = logistic(entry[1]) + logistic(entry[3]) + logistic(entry[5]) + logistic(entry[7]);
    return float(1.0 - sum / 4.0);
}

/// softmax, blas.c.
void softmax(const float* raw, int count, float* out) {
    const float largest = *std::max_element(raw, raw + count);
    float sum = 0;
    for (int i = 0; i < count; ++i) sum += out[i] = float(std::exp(double(raw[i] - largest)));
    for (int i = 0; i < count; ++i) out[i] /= sum;
}

bool is_finite(const Box& b) {
    return std::isfinite(b.x) && std::isfinite(b.y) && std::isfinite(b.w) && std::isfinite(b.h);
}

/// Where the way down the tree ends (hierarchy_predictions, hierarchy_top_prediction, tree.c); -1 for nowhere, since a
/// number on it is NaN.
int tree_class(const YoloHead& head, const float* raw, std::vector<float>& scratch) {
    int parent = -1;
    float of_parent = 1, product = 1;
    for (;;) {
        const ClassGroup& group = head.tree[std::size_t(parent + 1)];
        if (group.size == 0) return parent;
        scratch.resize(std::size_t(group.size));
        softmax(raw + group.first, group.size, scratch.data());
        const auto best = std::max_element(scratch.begin(), scratch.end());
        const int child = group.first + int(best - scratch.begin());
        of_parent *= *best;
        product *= of_parent;
        if (std::isnan(product)) return -1;
        if (!(product > kHierarchyThreshold)) return parent < 0 ? child : parent;
        parent = child;
    }
}

/// Raw class numbers to probabilities.
void class_probabilities(const YoloHead& head, const float* raw, std::vector<float>& out) {
    out.assign(raw, raw + head.classes);
    if (head.softmax) return softmax(raw, head.classes, out.data());
    if (head.new_coords) return;
    for (float& v : out) v = logistic(v);
}

/// The classes of one box that are over the threshold; false if a number is NaN or infinite.
bool list_classes(const YoloHead& head, const float* entry, float objectness, float threshold,
                  std::vector<float>& scratch, Candidates& out) {
    const float* raw = entry + head.numbers();
    if (!head.tree.empty()) {
        out.probs.push_back({tree_class(head, raw, scratch), objectness});
        return out.probs.back().class_id >= 0;
    }
    class_probabilities(head, raw, scratch);
    const float certain = certainty(head, entry);
    for (int j = 0; j < head.classes; ++j) {
        const float prob = objectness * scratch[std::size_t(j)] * certain;
        if (prob <= threshold) continue;
        if (!std::isfinite(prob)) return false;
        out.probs.push_back({j, prob});
    }
    return true;
}

/// A box that is over the threshold, with its classes; false if a number is NaN or infinite.
bool list_box(const YoloHead& head, const float* entry, const Box& box, float objectness, float threshold,
              std::vector<float>& scratch, Candidates& out) {
    if (!is_finite(box) || !std::isfinite(objectness) ||
        !list_classes(head, entry, objectness, threshold, scratch, out)) {
        out.probs.resize(out.first_prob.back());
        return false;
    }
    out.boxes.push_back(box);
    out.objectness.push_back(objectness);
    out.first_prob.push_back(out.probs.size());
    return true;
}

}  // namespace

void yolo_decode(const YoloHead& head, ConstTensor x, int n, float threshold, const BoxTransform& transform,
                 Candidates& out) {
    const int anchors = int(head.anchors.size() / 2), entries = head.numbers() + head.classes;
    std::vector<float> classes;
    const auto probability = [&](float t) { return head.new_coords ? t : logistic(t); };
    for (int row = 0; row < x.h; ++row)
        for (int column = 0; column < x.w; ++column)
            for (int anchor = 0; anchor < anchors; ++anchor) {
                const float* entry = x.at(n, row, column) + anchor * entries;
                const float objectness = probability(entry[head.numbers() - 1]);
                // YOLOv1's boxes are judged by objectness·class alone, which may be the larger one. A NaN goes on.
                if (head.kind == HeadKind::detection ? objectness == 0 : objectness <= threshold) continue;
                const Box box = source_box(network_box(head, entry, column, row, x.w, x.h, anchor), transform);
                out.not_finite += !list_box(head, entry, box, objectness, threshold, classes, out);
            }
}

}  // namespace cpu
}  // namespace convoy::kernels
