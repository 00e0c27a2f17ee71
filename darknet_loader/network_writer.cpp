// SPDX-License-Identifier: MIT
#include <cstdint>
#include <filesystem>
#include <optional>

#include <convoy/load.h>
#include "darknet_loader/cfg_writer.h"
#include "darknet_loader/file.h"
#include "darknet_loader/tree_reader.h"
#include "darknet_loader/weights_layout.h"

namespace convoy {
namespace {

void write_weights(const Network& network, AtomicFile& file) {
    const std::int32_t version[] = {0, 2, 5};
    file.write(version, sizeof version);
    file.write(&network.seen, sizeof network.seen);
    for (const Layer& layer : network.layers)
        for_each_weight(
            layer, [&](const WeightView& view, std::size_t count) { file.write(view.data, count * sizeof(float)); });
}

/// Of its region head, or null.
const std::vector<int>* tree_of(const Network& network) {
    for (const Layer& layer : network.layers)
        if (const auto* region = std::get_if<RegionLayer>(&layer.kind); region && !region->parents.empty())
            return &region->parents;
    return nullptr;
}

void write_text(AtomicFile& file, const std::string& text) {
    file.write(text.data(), text.size());
    file.finish();
}

}  // namespace

void write_network(const Network& network, const std::string& cfg, const std::string& weights) {
    if (!weights.empty() && !network.has_weights())
        throw Error(ErrorKind::usage, "cannot write weights '" + weights + "': the network was loaded without any");
    std::optional<AtomicFile> cfg_file, tree_file, weights_file;
    if (!cfg.empty()) write_text(cfg_file.emplace(cfg), cfg_text(network));
    if (const std::vector<int>* tree = cfg.empty() ? nullptr : tree_of(network))
        write_text(tree_file.emplace(std::filesystem::path(cfg).replace_extension(".tree").string()), tree_text(*tree));
    if (!weights.empty()) {
        write_weights(network, weights_file.emplace(weights));
        weights_file->finish();
    }
    if (tree_file) tree_file->commit();
    if (cfg_file) cfg_file->commit();
    if (weights_file) weights_file->commit();
}

}  // namespace convoy
