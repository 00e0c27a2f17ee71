// SPDX-License-Identifier: MIT
#include <convoy/load.h>

#include <filesystem>
#include <system_error>

#include "darknet_loader/cfg_parser.h"
#include "darknet_loader/file.h"
#include "darknet_loader/shape_inference.h"
#include "darknet_loader/tree_reader.h"
#include "darknet_loader/weights_layout.h"

namespace fs = std::filesystem;

namespace convoy {
namespace {

constexpr std::size_t kMaxCfgBytes = std::size_t(4) << 20;
constexpr int kSizeStep = 32;
constexpr int kCocoClasses = 80;

/// Whether the layer's weights belong to places of its input.
bool is_of_places(const Layer& layer) {
    return std::holds_alternative<ConnectedLayer>(layer.kind) || std::holds_alternative<LocalLayer>(layer.kind);
}

/// Throws for a size with which a layer has other weights than it had `before`.
void check_weights_fit(const Network& network, const Network& before) {
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
        const Layer& layer = network.layers[i];
        const Layer& was = before.layers[i];
        if (weight_count(layer) != weight_count(was) || (is_of_places(layer) && layer.in != was.in))
            throw Error(ErrorKind::usage, network.cfg_path + ":" + std::to_string(layer.line) + ": [" + layer.name() +
                                              "] (layer " + std::to_string(i) +
                                              ") has weights for one size of input alone, the cfg's " +
                                              std::to_string(before.input.w) + "x" + std::to_string(before.input.h) +
                                              ": give no other input size");
    }
}

void apply_size(Network& network, const LoadOptions& options) {
    const Network before = network;
    for (const int side : {options.width, options.height})
        if (side < 0 || side % kSizeStep != 0)
            throw Error(ErrorKind::usage, "network size " + std::to_string(side) + " is not a positive multiple of 32");
    if (options.width) network.input.w = options.width;
    if (options.height) network.input.h = options.height;
    try {
        infer_shapes(network);
    } catch (const Error& error) {
        throw Error(ErrorKind::usage, "the network cannot take an input of " + std::to_string(network.input.w) + "x" +
                                          std::to_string(network.input.h) + ": " + error.what());
    }
    check_weights_fit(network, before);
}

// Names that belong to a model although nobody named them.
std::string find_names(const Network& network) {
    std::error_code ignored;
    for (const std::string& path : {network.weights_path, network.cfg_path}) {
        if (path.empty()) continue;
        if (const fs::path own = fs::path(path).replace_extension(".names"); fs::is_regular_file(own, ignored))
            return own.string();
    }
    const fs::path coco = fs::path(network.cfg_path).parent_path() / "coco.names";
    return network.classes() == kCocoClasses && fs::is_regular_file(coco, ignored) ? coco.string() : "";
}

}  // namespace

Network parse_network(std::string_view cfg_text, const std::string& path, const LoadOptions& options) {
    if (cfg_text.size() > kMaxCfgBytes)
        throw Error(ErrorKind::model, path + ": with more than 4 MiB this is no .cfg; is it the right file?");
    Network network = parse_sections(read_cfg(cfg_text, path), path);
    if (options.strict && !network.warnings.empty()) throw Error(ErrorKind::model, network.warnings.front());
    infer_shapes(network);
    if (options.width || options.height) apply_size(network, options);
    return network;
}

Network load_network(const std::string& cfg, const std::string& weights, const std::string& names,
                     const LoadOptions& options) {
    Network network = parse_network(map_file(cfg, "cfg file", kMaxCfgBytes).bytes(), cfg, options);
    attach_trees(network);
    if (!weights.empty()) attach_weights(network, weights);
    const std::string found = names.empty() ? find_names(network) : names;
    if (!found.empty()) attach_names(network, found);
    return network;
}

}  // namespace convoy
