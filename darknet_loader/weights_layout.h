// SPDX-License-Identifier: MIT
//
// The order of floats in a .weights file (AlexeyAB parser.c, load_convolutional_weights), in this one place.
#pragma once

#include <cstddef>

#include <convoy/network.h>

namespace convoy {

/// Calls visit(view, count) for each array of a convolution in file order, `count` being the floats it holds.
/// `Conv` is ConvolutionalLayer or const ConvolutionalLayer; `channels` those of its input.
template <class Conv, class Visit>
void for_each_weight(Conv& conv, int channels, Visit visit) {
    const auto n = std::size_t(conv.filters);
    visit(conv.biases, n);
    if (conv.batch_normalize) {
        visit(conv.scales, n);
        visit(conv.means, n);
        visit(conv.variances, n);
    }
    visit(conv.weights, n * std::size_t(channels / conv.groups) * std::size_t(conv.size) * std::size_t(conv.size));
}

/// Points every layer into `floats`, which holds network.weight_count() of them in file order.
inline void bind_weights(Network& network, const float* floats) {
    for (Layer& layer : network.layers)
        if (auto* conv = std::get_if<ConvolutionalLayer>(&layer.kind))
            for_each_weight(*conv, layer.in.c, [&](WeightView& view, std::size_t count) {
                view = {floats, count};
                floats += count;
            });
}

}  // namespace convoy
