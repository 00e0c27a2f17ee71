// SPDX-License-Identifier: MIT
#include <convoy/network.h>

#include <type_traits>

#include "darknet_loader/weights_layout.h"

namespace convoy {

const char* to_string(Activation a) {
    constexpr const char* kNames[] = {"linear",
                                      "leaky",
                                      "relu",
                                      "logistic",
                                      "mish",
                                      "swish",
                                      "relu6",
                                      "hard_mish",
                                      "ramp",
                                      "relie",
                                      "elu",
                                      "selu",
                                      "gelu",
                                      "tanh",
                                      "loggy",
                                      "hardtan",
                                      "lhtan",
                                      "plse",
                                      "stair",
                                      "normalize_channels",
                                      "normalize_channels_softmax",
                                      "normalize_channels_softmax_maxval"};
    return kNames[int(a)];
}

const char* Layer::name() const {
    return std::visit([](const auto& layer) { return layer.kName; }, kind);
}

YoloLayer* head_of(LayerKind& kind) {
    return std::visit(
        [](auto& layer) -> YoloLayer* {
            if constexpr (std::is_base_of_v<YoloLayer, std::decay_t<decltype(layer)>>)
                return &layer;
            else
                return nullptr;
        },
        kind);
}

const YoloLayer* head_of(const LayerKind& kind) { return head_of(const_cast<LayerKind&>(kind)); }

int numbers_of_box(const LayerKind& head) { return std::holds_alternative<GaussianYoloLayer>(head) ? 9 : 5; }

int Network::classes() const {
    for (const Layer& layer : layers)
        if (const YoloLayer* head = head_of(layer.kind)) return head->classes;
    return 0;
}

std::size_t Network::weight_count() const {
    std::size_t count = 0;
    for (const Layer& layer : layers) for_each_weight(layer, [&](const WeightView&, std::size_t n) { count += n; });
    return count;
}

}  // namespace convoy
