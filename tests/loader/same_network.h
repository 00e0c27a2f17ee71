// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>

#include <convoy/network.h>

namespace convoy::test {

inline bool same(const ConvolutionalLayer& a, const ConvolutionalLayer& b) {
    return a.filters == b.filters && a.size == b.size && a.stride_x == b.stride_x && a.stride_y == b.stride_y &&
           a.padding == b.padding && a.dilation == b.dilation && a.groups == b.groups &&
           a.batch_normalize == b.batch_normalize && a.activation == b.activation && a.xnor == b.xnor &&
           a.antialiasing == b.antialiasing && a.share == b.share;
}
inline bool same(const YoloLayer& a, const YoloLayer& b) {
    const auto equal = [](const Anchor& x, const Anchor& y) { return x.w == y.w && x.h == y.h; };
    return a.classes == b.classes && a.mask == b.mask && a.scale_x_y == b.scale_x_y && a.new_coords == b.new_coords &&
           a.nms_kind == b.nms_kind && (a.nms_kind == NmsKind::iou || a.beta_nms == b.beta_nms) &&
           std::equal(a.anchors.begin(), a.anchors.end(), b.anchors.begin(), b.anchors.end(), equal);
}

inline bool same(const RegionLayer& a, const RegionLayer& b) {
    return same(static_cast<const YoloLayer&>(a), static_cast<const YoloLayer&>(b)) && a.softmax == b.softmax &&
           a.tree == b.tree && a.parents == b.parents;
}
inline bool same(const GaussianYoloLayer& a, const GaussianYoloLayer& b) {
    return same(static_cast<const YoloLayer&>(a), static_cast<const YoloLayer&>(b)) && a.point == b.point;
}
inline bool same(const DetectionLayer& a, const DetectionLayer& b) {
    return same(static_cast<const YoloLayer&>(a), static_cast<const YoloLayer&>(b)) && a.softmax == b.softmax &&
           a.side == b.side;
}
inline bool same(const LocalLayer& a, const LocalLayer& b) {
    return a.filters == b.filters && a.size == b.size && a.stride == b.stride && a.padding == b.padding &&
           a.activation == b.activation;
}
inline bool same(const BatchnormLayer&, const BatchnormLayer&) { return true; }
inline bool same(const ConnectedLayer& a, const ConnectedLayer& b) {
    return a.outputs == b.outputs && a.batch_normalize == b.batch_normalize && a.activation == b.activation;
}

template <class Plain>
bool same(const Plain& a, const Plain& b) {
    return a == b;
}

/// The first difference in structure between two networks, or "": files, lines and weights may differ.
inline std::string difference(const Network& a, const Network& b) {
    if (a.input != b.input || a.letter_box != b.letter_box) return "[net]";
    if (a.layers.size() != b.layers.size()) return "number of layers";
    for (std::size_t i = 0; i < a.layers.size(); ++i) {
        const bool equal = std::visit(
            [](const auto& x, const auto& y) {
                if constexpr (std::is_same_v<decltype(x), decltype(y)>)
                    return same(x, y);
                else
                    return false;
            },
            a.layers[i].kind, b.layers[i].kind);
        if (!equal || a.layers[i].in != b.layers[i].in || a.layers[i].out != b.layers[i].out)
            return "layer " + std::to_string(i) + " " + a.layers[i].name();
    }
    return "";
}

}  // namespace convoy::test
