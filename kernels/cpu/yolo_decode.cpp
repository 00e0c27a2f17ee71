// SPDX-License-Identifier: MIT
#include "kernels/yolo_decode.h"

#include <cmath>

namespace convoy::kernels {

void Candidates::clear() {
    boxes.clear();
    objectness.clear();
    first_prob.assign(1, 0);
    probs.clear();
}

namespace cpu {
namespace {

using Box = Candidates::Box;

float logistic(float x) { return float(1. / (1. + std::exp(double(-x)))); }

/// One anchor's box in fractions of the network's input (get_yolo_box); `entry` holds x, y, w, h as the network left
/// them.
Box network_box(const YoloHead& head, const float* entry, int column, int row, int columns, int rows, int anchor) {
    const float aw = head.anchors[2 * anchor], ah = head.anchors[2 * anchor + 1];
    const float shift = float(-0.5 * (head.scale_x_y - 1));
    const auto centre = [&](float t) { return (head.new_coords ? t : logistic(t)) * head.scale_x_y + shift; };
    Box b;
    b.x = (float(column) + centre(entry[0])) / float(columns);
    b.y = (float(row) + centre(entry[1])) / float(rows);
    if (head.new_coords) {
        b.w = entry[2] * entry[2] * 4 * aw / float(head.net_w);
        b.h = entry[3] * entry[3] * 4 * ah / float(head.net_h);
    } else {
        b.w = float(std::exp(double(entry[2])) * aw / head.net_w);
        b.h = float(std::exp(double(entry[3])) * ah / head.net_h);
    }
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

}  // namespace

void yolo_decode(const YoloHead& head, ConstTensor x, int n, float threshold, const BoxTransform& transform,
                 Candidates& out) {
    const int anchors = int(head.anchors.size() / 2), entries = 5 + head.classes;
    const auto probability = [&](float t) { return head.new_coords ? t : logistic(t); };
    for (int row = 0; row < x.h; ++row)
        for (int column = 0; column < x.w; ++column)
            for (int anchor = 0; anchor < anchors; ++anchor) {
                const float* entry = x.at(n, row, column) + anchor * entries;
                const float objectness = probability(entry[4]);
                if (!(objectness > threshold)) continue;  // a NaN is no object
                out.boxes.push_back(source_box(network_box(head, entry, column, row, x.w, x.h, anchor), transform));
                out.objectness.push_back(objectness);
                for (int j = 0; j < head.classes; ++j) {
                    const float prob = objectness * probability(entry[5 + j]);
                    if (prob > threshold) out.probs.push_back({j, prob});
                }
                out.first_prob.push_back(out.probs.size());
            }
}

}  // namespace cpu
}  // namespace convoy::kernels
