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

bool Network::is_hidden(int class_id) const {
    return std::size_t(class_id) < names.size() && names[std::size_t(class_id)].starts_with("dont_show");
}

std::string Network::input_error() const {
    if (input.c == 1 || input.c == 3) return "";
    return cfg_path + ":" + std::to_string(channels_line) + ": [net] key 'channels' is " + std::to_string(input.c) +
           ", but pictures have 3 colours, or 1 as grey: the network must be trained with channels=3 or channels=1";
}

std::string Network::fit_warning(Fit fit) const {
    if (!letter_box || fit == Fit::letterbox) return "";
    return cfg_path + ":" + std::to_string(letter_box_line) +
           ": [net] key 'letter_box' is 1: the model was trained on pictures that keep their aspect ratio, but they "
           "are stretched; fit them by letterbox, or remove the key";
}

std::size_t Network::weight_count() const {
    std::size_t count = 0;
    for (const Layer& layer : layers) count += convoy::weight_count(layer);
    return count;
}

}  // namespace convoy
