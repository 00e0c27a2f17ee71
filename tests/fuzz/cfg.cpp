// SPDX-License-Identifier: MIT
//
// Any bytes as a cfg: either a network that survives being written and read again, or a convoy::Error.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <convoy/load.h>
#include "darknet_loader/cfg_writer.h"
#include "tests/loader/same_network.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    convoy::Network network;
    try {
        network = convoy::parse_network(text, "fuzz.cfg");
    } catch (const convoy::Error&) {
        return 0;
    }
    for (const convoy::Layer& layer : network.layers)
        if (layer.out.c < 1 || layer.out.h < 1 || layer.out.w < 1 || layer.out.elements() > 1000000000) std::abort();
    const std::string written = convoy::cfg_text(network);
    const std::string difference = convoy::test::difference(network, convoy::parse_network(written, "written.cfg"));
    if (difference.empty()) return 0;
    std::fprintf(stderr, "round trip changes %s of:\n%s\n", difference.c_str(), written.c_str());
    std::abort();
}
