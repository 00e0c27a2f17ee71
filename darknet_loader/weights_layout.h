// SPDX-License-Identifier: MIT
//
// The order of floats in a .weights file (AlexeyAB parser.c, load_weights_upto), in this one place.
#pragma once

#include <cstddef>

#include <convoy/network.h>

namespace convoy {

/// Calls visit(view, count) for each array of a layer in file order, `count` being the floats it holds. `AnyLayer` is
/// Layer or const Layer. A layer that shares another's weights has none.
template <class AnyLayer, class Visit>
void for_each_weight(AnyLayer& layer, Visit visit) {
    const auto normalization = [&](auto& l, std::size_t n) {
        visit(l.scales, n);
        visit(l.means, n);
        visit(l.variances, n);
    };
    if (auto* conv = std::get_if<ConvolutionalLayer>(&layer.kind)) {
        if (conv->share >= 0) return;
        const auto n = std::size_t(conv->filters);
        visit(conv->biases, n);
        if (conv->batch_normalize) normalization(*conv, n);
        visit(conv->weights,
              n * std::size_t(layer.in.c / conv->groups) * std::size_t(conv->size) * std::size_t(conv->size));
    } else if (auto* norm = std::get_if<BatchnormLayer>(&layer.kind)) {
        visit(norm->biases, std::size_t(layer.in.c));
        normalization(*norm, std::size_t(layer.in.c));
    } else if (auto* connected = std::get_if<ConnectedLayer>(&layer.kind)) {
        const auto n = std::size_t(connected->outputs);
        visit(connected->biases, n);
        visit(connected->weights, n * layer.in.elements());
        if (connected->batch_normalize) normalization(*connected, n);
    } else if (auto* local = std::get_if<LocalLayer>(&layer.kind)) {
        visit(local->biases, layer.out.elements());
        visit(local->weights,
              layer.out.elements() * std::size_t(layer.in.c) * std::size_t(local->size) * std::size_t(local->size));
    }
}

/// Floats that the file holds for a layer.
inline std::size_t weight_count(const Layer& layer) {
    std::size_t count = 0;
    for_each_weight(layer, [&](const WeightView&, std::size_t n) { count += n; });
    return count;
}

/// Points a layer that shares another's weights to these.
inline void share_weights(Network& network, ConvolutionalLayer& conv) {
    const auto& owner = std::get<ConvolutionalLayer>(network.layers[std::size_t(conv.share)].kind);
    conv.biases = owner.biases, conv.scales = owner.scales, conv.means = owner.means;
    conv.variances = owner.variances, conv.weights = owner.weights;
}

/// Points every layer into `floats`, which holds network.weight_count() of them in file order.
inline void bind_weights(Network& network, const float* floats) {
    for (Layer& layer : network.layers) {
        for_each_weight(layer, [&](WeightView& view, std::size_t count) {
            view = {floats, count};
            floats += count;
        });
        if (auto* conv = std::get_if<ConvolutionalLayer>(&layer.kind); conv && conv->share >= 0)
            share_weights(network, *conv);
    }
}

}  // namespace convoy
