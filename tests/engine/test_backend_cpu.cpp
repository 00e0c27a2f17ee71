// SPDX-License-Identifier: MIT
//
// The whole network on the CPU backend against the plain loops, layer by layer.
#include "engine/backend_cpu.h"

#include <cmath>

#include "darknet_loader/load.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/data.h"
#include "tests/support/reference_network.h"

using namespace convoy;

namespace {

Plan layered_plan(const Network& network, int batch, BatchNormFormula formula = BatchNormFormula::alexeyab) {
    CompileOptions options;
    options.passes = {cpu_traits(), formula};
    options.max_batch = batch;
    options.keep_all = true;
    return compile(network, options);
}

double spread(kernels::ConstTensor t) {
    double sum = 0;
    for (std::size_t i = 0; i < t.pixels(); ++i)
        for (int c = 0; c < t.c; ++c) sum += double(t.pixel(i)[c]) * t.pixel(i)[c];
    return std::sqrt(sum / (double(t.pixels()) * t.c));
}

// Every layer that is still in memory, within 1e-4 of the oracle relative to the layer's own scale.
void check_layers(const Network& network, int batch = 1, BatchNormFormula formula = BatchNormFormula::alexeyab) {
    CpuBackend backend(layered_plan(network, batch, formula), {}, 2);
    CpuSlot slot(backend);
    const Shape in = network.input;
    std::vector<test::OwnedTensor> pictures;
    for (int n = 0; n < batch; ++n) {
        pictures.emplace_back(1, in.h, in.w, in.c);
        pictures.back().fill_random(100 + n, 0, 1);
        kernels::Tensor x = backend.view(0, 1, slot.memory());
        std::copy_n(pictures[n].view().data, in.elements(), x.data + n * in.elements());
    }
    slot.run(batch);
    int compared = 0;
    for (int n = 0; n < batch; ++n) {
        const std::vector<test::OwnedTensor> expected = test::run_reference(network, pictures[n], formula);
        for (std::size_t layer = 0; layer < expected.size(); ++layer) {
            const TensorId t = backend.plan().graph.layer_output[layer];
            if (t == kNoTensor) continue;
            kernels::Tensor actual = backend.view(t, 1, slot.memory());
            actual.data += std::size_t(n) * actual.pixels() * actual.pitch;
            const double scale = spread(expected[layer].view());
            REQUIRE(std::isfinite(scale));
            const test::Comparison c = test::compare(actual, expected[layer].view(), 1e-4 * scale, 1e-4);
            INFO("layer " << layer << " (" << network.layers[layer].name() << "), picture " << n << ": " << c.message);
            REQUIRE(c.ok);
            ++compared;
        }
    }
    CHECK(compared >= batch * int(network.layers.size()) / 2);
}

}  // namespace

TEST_CASE("every layer of the demo model is within 1e-4 of the oracle", "[backend][cpu]") {
    const std::string stem = test::source_dir() + "/models/yolov3-quarter";
    check_layers(load_network(stem + ".cfg", stem + ".weights", "", {160, 160}));
}

TEST_CASE("every layer of every cfg is within 1e-4 of the oracle, random weights", "[backend][cpu][slow]") {
    for (const std::string& cfg : test::all_cfgs()) {
        INFO(cfg);
        Network network = load_network(cfg, "", "", {64, 96});
        randomize_weights(network, 7);
        check_layers(network);
    }
}

TEST_CASE("every batch size and every formula gives the oracle's numbers", "[backend][cpu]") {
    Network network = load_network(test::source_dir() + "/models/yolov3-quarter.cfg", "", "", {64, 64});
    randomize_weights(network, 3);
    for (int batch : {2, 3, 5}) check_layers(network, batch);
    check_layers(network, 1, BatchNormFormula::pjreddie);
    check_layers(network, 1, BatchNormFormula::opencv);
}

TEST_CASE("sharing memory changes no bit", "[backend][cpu]") {
    const std::string stem = test::source_dir() + "/models/yolov3-quarter";
    const Network network = load_network(stem + ".cfg", stem + ".weights", "", {96, 96});
    CompileOptions shared;
    shared.passes.traits = cpu_traits();
    CpuBackend a(layered_plan(network, 1), {}, 2), b(compile(network, shared), {}, 2);
    CpuSlot sa(a), sb(b);
    const std::vector<float> x = test::random_floats(network.input.elements(), 5, 0, 1);
    std::copy(x.begin(), x.end(), a.view(0, 1, sa.memory()).data);
    std::copy(x.begin(), x.end(), b.view(0, 1, sb.memory()).data);
    sa.run(1);
    sb.run(1);
    for (const Node& node : b.plan().graph.nodes) {
        if (!std::holds_alternative<YoloOp>(node.op)) continue;
        const test::Comparison c =
            test::compare(b.view(node.inputs[0], 1, sb.memory()), a.view(node.inputs[0], 1, sa.memory()), 0, 0);
        INFO(c.message);
        CHECK(c.ok);
    }
}

TEST_CASE("a network without weights is refused", "[backend][cpu]") {
    const Network network = load_network(test::source_dir() + "/models/yolov3-quarter.cfg");
    CHECK_THROWS_AS(CpuBackend(layered_plan(network, 1), {}, 1), Error);
}
