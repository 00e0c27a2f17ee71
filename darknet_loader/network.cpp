// SPDX-License-Identifier: MIT
#include <convoy/network.h>

#include "darknet_loader/weights_layout.h"

namespace convoy {

const char* to_string(Activation a) {
    switch (a) {
        case Activation::linear:
            return "linear";
        case Activation::leaky:
            return "leaky";
        case Activation::relu:
            return "relu";
        case Activation::logistic:
            return "logistic";
        case Activation::mish:
            return "mish";
        case Activation::swish:
            return "swish";
    }
    return "?";
}

const char* Layer::name() const {
    return std::visit([](const auto& layer) { return layer.kName; }, kind);
}

int Network::classes() const {
    for (const Layer& layer : layers)
        if (const auto* yolo = std::get_if<YoloLayer>(&layer.kind)) return yolo->classes;
    return 0;
}

std::size_t Network::weight_count() const {
    std::size_t count = 0;
    for (const Layer& layer : layers)
        if (const auto* conv = std::get_if<ConvolutionalLayer>(&layer.kind))
            for_each_weight(*conv, layer.in.c, [&](const WeightView&, std::size_t n) { count += n; });
    return count;
}

}  // namespace convoy
