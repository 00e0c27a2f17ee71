// SPDX-License-Identifier: MIT
//
// A network layer by layer: what each is, costs and holds.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <convoy/network.h>

namespace convoy::inspect {

/// What one layer costs for one picture.
struct LayerCost {
    std::size_t parameters = 0;  ///< floats in the weights file
    double flops = 0;            ///< convolutions: 2 per multiply-add, as Darknet counts; else 0
};

LayerCost cost(const Layer& layer);

/// Sum over all layers.
LayerCost total_cost(const Network& network);

/// The layers that layer `index` reads, -1 being the picture.
std::vector<int> inputs_of(const Network& network, int index);

/// What is special about a layer, e.g. "batch norm, leaky" or "adds 61".
std::string details(const Layer& layer);

/// "416 x 352 x 3": width, height, channels, as Darknet prints.
std::string shape_text(const Shape& shape);

/// A line per layer, and totals.
std::string layer_table(const Network& network);

/// The same as {"input", "layers": […], "parameters", "bflops"}; shapes are [channels, height, width].
nlohmann::ordered_json layers_json(const Network& network);

/// The network as Graphviz: a box per layer, an edge per input.
std::string network_dot(const Network& network);

}  // namespace convoy::inspect
