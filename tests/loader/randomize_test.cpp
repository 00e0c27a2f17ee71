// SPDX-License-Identifier: MIT
#include <cmath>
#include <cstring>

#include "tests/loader/support.h"

using namespace convoy;
using namespace convoy::test;

namespace {

std::uint64_t fnv1a(const std::vector<float>& floats) {
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (const float f : floats) {
        std::uint32_t bits;
        std::memcpy(&bits, &f, sizeof bits);
        for (int i = 0; i < 4; ++i) hash = (hash ^ (bits >> 8 * i & 255)) * 0x100000001b3u;
    }
    return hash;
}

std::vector<float> random_weights(const std::string& cfg, std::uint64_t seed) {
    Network network = parse_network(cfg, "net.cfg");
    randomize_weights(network, seed);
    CHECK(network.has_weights());
    return all_weights(network);
}

// Every activation and every layer that carries statistics.
const char* const kMixed =
    "[net]\nwidth=64\nheight=64\nchannels=3\n"
    "[conv]\nbatch_normalize=1\nfilters=16\nsize=3\npad=1\nactivation=mish\n"
    "[conv]\nbatch_normalize=1\nfilters=16\nsize=3\npad=1\ngroups=16\nactivation=swish\n"
    "[conv]\nbatch_normalize=1\nfilters=16\nsize=1\nactivation=linear\n[shortcut]\nfrom=-3\nactivation=leaky\n"
    "[maxpool]\nsize=2\nstride=2\n[conv]\nfilters=8\nactivation=logistic\n[upsample]\n[route]\nlayers=-1,3\n[dropout]\n"
    "[conv]\nfilters=14\nactivation=linear\n[yolo]\nclasses=2\nnum=2\nanchors=10,14,23,27\n";

}  // namespace

TEST_CASE("the same seed gives the same bits, here and on every machine", "[randomize]") {
    CHECK(random_weights(kMixed, 7) == random_weights(kMixed, 7));
    CHECK(random_weights(kMixed, 7) != random_weights(kMixed, 8));
    CHECK(fnv1a(random_weights(kMixed, 7)) == 0x1c185af0ce6b513fu);
}

TEST_CASE("statistics are sane and bite", "[randomize]") {
    const std::string path = data_or_skip("cfgs/yolov4.cfg");
    if (path.empty()) return;
    Network network = load_network(path);
    randomize_weights(network, 1);
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
        const auto* conv = std::get_if<ConvolutionalLayer>(&network.layers[i].kind);
        if (!conv) continue;
        INFO("layer " << i);
        bool sane = true;
        double squares = 0;
        for (const float w : conv->weights) {
            sane = sane && std::isfinite(w) && std::fabs(w) < 10;
            squares += double(w) * w;
        }
        CHECK(sane);
        CHECK(squares / double(conv->weights.count) > 1e-6);
        bool trivial = conv->batch_normalize;
        for (const float v : conv->variances) {
            sane = sane && v > .01f && v < 100;
            trivial = trivial && std::fabs(v - 1) < .01f;
        }
        for (const float s : conv->scales) sane = sane && s > .1f && s < 3;
        CHECK(sane);
        CHECK_FALSE(trivial);
    }
}

TEST_CASE("objectness starts low, so that few boxes pass a threshold", "[randomize]") {
    Network network = parse_network(kMixed, "net.cfg");
    randomize_weights(network, 3);
    const auto& head = std::get<ConvolutionalLayer>(network.layers[network.layers.size() - 2].kind);
    const auto& other = std::get<ConvolutionalLayer>(network.layers[0].kind);
    for (int anchor = 0; anchor < 2; ++anchor) CHECK(head.biases[std::size_t(anchor * 7 + 4)] < -1);
    for (const float bias : other.biases) CHECK(std::fabs(bias) < 3);
}
