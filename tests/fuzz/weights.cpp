// SPDX-License-Identifier: MIT
//
// Any bytes as a weights file. The first byte picks the network; every float that it claims is then read.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include <convoy/load.h>
#include "darknet_loader/weights_layout.h"
#include "darknet_loader/weights_reader.h"

namespace {

using namespace convoy;

const char* const kCfgs[] = {
    "[net]\nwidth=8\nheight=8\nchannels=1\n[avgpool]\n",
    "[net]\nwidth=8\nheight=8\nchannels=1\n[conv]\nfilters=1\n",
    "[net]\nwidth=8\nheight=8\nchannels=2\n[conv]\nbatch_normalize=1\nfilters=2\nsize=3\ngroups=2\n[conv]\nfilters=1\n",
    "[net]\nwidth=2\nheight=2\nchannels=1\n[connected]\noutput=3\n",
};

std::vector<Network> make_networks() {
    std::vector<Network> networks;
    for (const char* cfg : kCfgs) networks.push_back(parse_network(cfg, "fuzz.cfg"));
    return networks;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    static const std::vector<Network> networks = make_networks();
    Network network = networks[data[0] % networks.size()];
    // An allocation of exactly this size lets the sanitizer see a read past its end.
    const auto bytes = std::make_shared<std::vector<std::uint8_t>>(data + 1, data + size);
    try {
        attach_weights(network, MappedFile{bytes, reinterpret_cast<const char*>(bytes->data()), bytes->size()},
                       "fuzz.weights");
    } catch (const Error&) {
        if (network.has_weights()) std::abort();
        return 0;
    }
    std::size_t floats = 0;
    volatile float sink = 0;
    for (const Layer& layer : network.layers)
        for_each_weight(layer, [&](const WeightView& view, std::size_t count) {
            if (view.count != count) std::abort();
            for (const float f : view) sink = f;
            floats += count;
        });
    const std::size_t header = bytes->size() - 4 * floats;
    if (floats != network.weight_count() || (header != 16 && header != 20)) std::abort();
    return 0;
}
