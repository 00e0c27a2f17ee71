// SPDX-License-Identifier: MIT
#include <cstdint>
#include <optional>

#include <convoy/load.h>
#include "darknet_loader/cfg_writer.h"
#include "darknet_loader/file.h"
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

}  // namespace

void write_network(const Network& network, const std::string& cfg, const std::string& weights) {
    if (!weights.empty() && !network.has_weights())
        throw Error(ErrorKind::usage, "cannot write weights '" + weights + "': the network was loaded without any");
    std::optional<AtomicFile> cfg_file, weights_file;
    if (!cfg.empty()) {
        const std::string text = cfg_text(network);
        cfg_file.emplace(cfg).write(text.data(), text.size());
        cfg_file->finish();
    }
    if (!weights.empty()) {
        write_weights(network, weights_file.emplace(weights));
        weights_file->finish();
    }
    if (cfg_file) cfg_file->commit();
    if (weights_file) weights_file->commit();
}

}  // namespace convoy
