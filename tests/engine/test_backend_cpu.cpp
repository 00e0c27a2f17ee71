// SPDX-License-Identifier: MIT
//
// The whole network on the CPU backend against the plain loops, layer by layer.
#include "engine/cpu/backend_cpu.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <regex>
#include <string>
#include <thread>

#include <convoy/load.h>
#include "kernels/conv.h"
#include "kernels/elementwise.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#include "tests/support/data.h"
#include "tests/support/reference_network.h"

using namespace convoy;

namespace {

Plan layered_plan(const Network& network, int batch, BatchNormFormula formula = BatchNormFormula::alexeyab,
                  Precision precision = Precision::fp32) {
    CompileOptions options;
    options.passes = {cpu_traits(precision), formula};
    options.max_batch = batch;
    options.keep_all = true;
    return compile(network, options);
}

void set_input(const CpuBackend& backend, const CpuSlot& slot, int picture, const test::OwnedTensor& x) {
    std::copy_n(x.view().data, backend.plan().input.elements(), backend.view(0, slot.memory(), picture).data);
}

// Every layer that is still in memory, within 1e-4 of the oracle relative to the layer's own scale.
void check_layers(const Network& network, BatchNormFormula formula = BatchNormFormula::alexeyab) {
    CpuBackend backend(layered_plan(network, 1, formula), {}, 2);
    CpuSlot slot(backend);
    const test::OwnedTensor x = test::noise_input(network, 0);
    set_input(backend, slot, 0, x);
    slot.run(1);
    slot.wait();
    int compared = 0;
    const std::vector<test::OwnedTensor> expected = test::run_reference(network, x, formula);
    for (std::size_t layer = 0; layer < expected.size(); ++layer) {
        const TensorId t = backend.plan().graph.layer_output[layer];
        if (t == kNoTensor) continue;
        const double scale = test::root_mean_square(expected[layer].view());
        REQUIRE(std::isfinite(scale));
        const test::Comparison c =
            test::compare(backend.view(t, slot.memory()), expected[layer].view(), 1e-4 * scale, 1e-4);
        INFO("layer " << layer << " (" << network.layers[layer].name() << "): " << c.message);
        REQUIRE(c.ok);
        ++compared;
    }
    CHECK(compared >= int(network.layers.size()) / 2);
}

/// Every node in bf16 against the same node in fp32, from the same numbers. A weight is known to a relative 2^-8, at
/// random, so that a sum of many products is known to 2^-8 / sqrt(3) = 0.0023 of their root sum of squares; the worst
/// of 10^6 numbers lies at five times that. What is written is rounded once more.
void check_nodes_in_bf16(const Network& network) {
    CpuBackend half(layered_plan(network, 1, BatchNormFormula::alexeyab, Precision::bf16), {}, 2, Precision::bf16);
    CpuBackend full(layered_plan(network, 1), {}, 2);
    CpuSlot half_slot(half), full_slot(full);
    const test::OwnedTensor x = test::noise_input(network, 0);
    set_input(half, half_slot, 0, x);
    set_input(full, full_slot, 0, x);
    half_slot.run(1);
    half_slot.wait();
    const Graph& graph = full.plan().graph;
    const auto as_floats = [](const kernels::HostTensor& t) {
        test::OwnedTensor values(t.n, t.h, t.w, t.c);
        kernels::cpu::convert(t, {values.view().data, kernels::DataType::fp32, t.n, t.h, t.w, t.c, t.c});
        return values;
    };
    int compared = 0;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node& node = graph.nodes[i];
        if (node.output == kNoTensor || std::holds_alternative<InputOp>(node.op)) continue;
        for (const TensorId t : node.inputs)
            kernels::cpu::convert(half.tensor(t, half_slot.memory()), full.tensor(t, full_slot.memory()));
        full.run_layer(int(i), full_slot.memory(), 0);
        const test::OwnedTensor actual = as_floats(half.tensor(node.output, half_slot.memory()));
        const kernels::Tensor expected = full.view(node.output, full_slot.memory());
        const double scale = test::root_mean_square(expected);
        REQUIRE(std::isfinite(scale));
        const test::Comparison c = test::compare(actual.view(), expected, .025 * scale, std::ldexp(1.001, -8));
        INFO(network.cfg_path << ", layer " << node.layer << " (" << node.name() << "): " << c.message);
        REQUIRE(c.ok);
        ++compared;
    }
    CHECK(compared > 0);
}

// The heads of every picture of two batches, whatever the lanes, against the oracle. The second holds the first one's
// pictures in reverse, and begins while that is at work.
void check_batch(const Network& network, int batch, int threads) {
    CompileOptions options;
    options.passes.traits = cpu_traits();
    options.max_batch = batch;
    CpuBackend backend(compile(network, options), {}, threads);
    CpuSlot forth(backend), back(backend);
    for (int n = 0; n < batch; ++n) {
        const test::OwnedTensor x = test::noise_input(network, n);
        set_input(backend, forth, n, x);
        set_input(backend, back, batch - 1 - n, x);
    }
    for (int round = 0; round < 2; ++round) {  // the second finds used arenas
        for (CpuSlot* slot : {&forth, &back}) slot->run(batch);
        for (CpuSlot* slot : {&forth, &back}) CHECK(slot->wait().value() > 0);
    }
    const auto check = [&](const CpuSlot& slot, int picture, const TensorId head, const test::OwnedTensor& expected) {
        const test::Comparison c = test::compare(backend.view(head, slot.memory(), picture), expected.view(),
                                                 1e-4 * test::root_mean_square(expected.view()), 1e-4);
        INFO("batch " << batch << ", " << threads << " threads, picture " << picture << ": " << c.message);
        REQUIRE(c.ok);
    };
    for (int n = 0; n < batch; ++n) {
        const std::vector<test::OwnedTensor> expected = test::run_reference(network, test::noise_input(network, n));
        for (const Node& node : backend.plan().graph.nodes) {
            if (!std::holds_alternative<YoloOp>(node.op)) continue;
            INFO("head " << node.layer);
            check(forth, n, node.inputs[0], expected[std::size_t(node.layer)]);
            check(back, batch - 1 - n, node.inputs[0], expected[std::size_t(node.layer)]);
        }
    }
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
        if (kernels::cpu::has_bf16()) check_nodes_in_bf16(network);
    }
}

TEST_CASE("every layer of the demo model in bf16 is fp32's but for rounding", "[backend][cpu][bf16]") {
    if (!kernels::cpu::has_bf16()) SKIP_TEST_CASE("this CPU has neither AMX nor AVX512-BF16");
    const std::string stem = test::source_dir() + "/models/yolov3-quarter";
    check_nodes_in_bf16(load_network(stem + ".cfg", stem + ".weights", "", {160, 160}));
}

TEST_CASE("a CPU says in what it computes, with how many threads, and by which library", "[backend][cpu]") {
    Network network = load_network(test::source_dir() + "/models/yolov3-quarter.cfg", "", "", {64, 64});
    randomize_weights(network, 3);
    const std::string library = kernels::cpu::library_version();
    CHECK(std::regex_match(library, std::regex("oneDNN [23]\\.[0-9]+\\.[0-9]+")));
    CHECK(CpuBackend(layered_plan(network, 1), {}, 1).description() == "cpu, fp32, 1 thread, " + library);
    CHECK(CpuBackend(layered_plan(network, 1), {}, 2).description() == "cpu, fp32, 2 threads, " + library);
}

TEST_CASE("what computes bf16 does so by default", "[backend][cpu]") {
    const bool can = kernels::cpu::has_bf16();
    CHECK(cpu_precision(Precision::automatic) == (can ? Precision::bf16 : Precision::fp32));
    CHECK(cpu_precision(Precision::fp32) == Precision::fp32);
    if (can)
        CHECK(cpu_precision(Precision::bf16) == Precision::bf16);
    else
        CHECK_THROWS_AS(cpu_precision(Precision::bf16), Error);
    CHECK_THROWS_AS(cpu_precision(Precision::fp16), Error);
}

// One that slept at every barrier of the networks that other threads run was left in each caller.
TEST_CASE("whoever makes a backend keeps no threads of OpenMP", "[backend][cpu]") {
    Network network = load_network(test::source_dir() + "/models/yolov3-quarter.cfg", "", "", {64, 64});
    randomize_weights(network, 3);
    const auto threads = [] {
        const std::filesystem::directory_iterator all("/proc/self/task");
        return std::distance(begin(all), end(all));
    };
    std::ptrdiff_t before = 0, after = 0;
    std::thread([&] {
        before = threads();
        const CpuBackend backend(layered_plan(network, 1), {}, 3);
        // A thread that has been joined may still be listed for a moment.
        for (int i = 0; i < 1000 && (after = threads()) > before; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }).join();
    CHECK(after <= before);
}

TEST_CASE("every batch size, number of threads and formula gives the oracle's numbers", "[backend][cpu][openmp]") {
    Network network = load_network(test::source_dir() + "/models/yolov3-quarter.cfg", "", "", {64, 64});
    randomize_weights(network, 3);
    for (int batch : {2, 3, 5})
        for (int threads : {1, 2, 5}) check_batch(network, batch, threads);
    check_layers(network, BatchNormFormula::pjreddie);
    check_layers(network, BatchNormFormula::opencv);
}

// With 24 threads oneDNN adds up some of this network's convolutions in another order than with two.
TEST_CASE("with same_bits pictures of a batch that is not full have the bits of a full one", "[backend][cpu]") {
    constexpr int kBatch = 12, kThreads = 24;
    const std::string cfg = test::data_or_skip("cfgs/yolov3-tiny.cfg");
    if (cfg.empty()) return;
    Network network = load_network(cfg, "", "", {224, 224});
    randomize_weights(network, 3);
    CompileOptions options;
    options.passes.traits = cpu_traits();
    options.max_batch = kBatch;
    CpuBackend backend(compile(network, options), {}, kThreads, Precision::fp32, nullptr, "cpu", true);
    CpuSlot full(backend), part(backend);
    for (CpuSlot* slot : {&full, &part})
        for (int n = 0; n < kBatch; ++n) set_input(backend, *slot, n, test::noise_input(network, n));
    full.run(kBatch);
    full.wait();
    for (const int count : {1, 2, 11}) {
        part.run(count);
        part.wait();
        for (const Node& node : backend.plan().graph.nodes) {
            if (!std::holds_alternative<YoloOp>(node.op)) continue;
            for (int n = 0; n < count; ++n) {
                INFO(count << " pictures, picture " << n << ", head " << node.layer);
                const test::Comparison c = test::compare(backend.view(node.inputs[0], part.memory(), n),
                                                         backend.view(node.inputs[0], full.memory(), n), 0, 0);
                INFO(c.message);
                REQUIRE(c.ok);
            }
        }
    }
}

TEST_CASE("a batch keeps all threads busy, of many frames and of few", "[backend][cpu]") {
    constexpr std::int64_t kMany = 1000;
    struct Case {
        int threads, many, few;
    };
    for (const Case& c :
         {Case{1, 1, 1}, {2, 2, 2}, {4, 4, 4}, {6, 6, 3}, {16, 16, 4}, {17, 16, 4}, {24, 12, 4}, {31, 15, 4}}) {
        CAPTURE(c.threads);
        CHECK(cpu_batch(c.threads, kMany) == c.many);
        CHECK(cpu_batch(c.threads, c.many) == c.many);
        CHECK(cpu_batch(c.threads, 0) == c.few);
        CHECK(cpu_batch(c.threads, 1) == 1);
        if (c.many > 2) CHECK(cpu_batch(c.threads, c.many - 1) == c.few);
    }
}

TEST_CASE("patience with batches is over half a second after one was seen to be asked to stop", "[backend][cpu]") {
    std::atomic<bool> stop{false};
    CpuBackend::Patience::Asked asked{0};
    CpuBackend::Patience first(asked), next(asked);
    for (CpuBackend::Patience* patience : {&first, &next}) {
        patience->restart(&stop);
        patience->begin();
        CHECK_FALSE(patience->is_over());
    }
    stop = true;
    CHECK_FALSE(first.is_over());
    std::this_thread::sleep_for(std::chrono::milliseconds(550));
    CHECK_FALSE(first.was_over());
    CHECK(first.is_over());
    CHECK(first.was_over());
    CHECK(next.is_over());  // it has no half second of its own
    stop = false;
    first.restart(&stop);
    stop = true;
    CHECK_FALSE(first.is_over());
    first.restart(nullptr);
    CHECK_FALSE(first.is_over());
}

TEST_CASE("after a stop a batch that is begun is finished, and the next is not begun", "[backend][cpu]") {
    Network network = load_network(test::source_dir() + "/models/yolov3-quarter.cfg", "", "", {256, 256});
    randomize_weights(network, 3);
    CpuBackend backend(layered_plan(network, 3), {}, 2);
    CpuSlot first(backend), next(backend);
    for (CpuSlot* slot : {&first, &next})
        for (int n = 0; n < 3; ++n) set_input(backend, *slot, n, test::noise_input(network, n));
    bool first_finished = false, next_left_out = false;
    for (int attempt = 0; attempt < 20 && !(first_finished && next_left_out); ++attempt) {  // this thread may be late
        std::atomic<bool> stop{false};
        first.run(3, &stop);
        next.run(3, &stop);
        stop = true;
        first_finished = first.wait().has_value();
        next_left_out = !next.wait();
    }
    CHECK(first_finished);
    CHECK(next_left_out);
    const std::atomic<bool> stopped{true};
    first.run(1, &stopped);
    CHECK_FALSE(first.wait());
    first.run(1);
    CHECK(first.wait());
}

TEST_CASE("sharing memory changes no bit", "[backend][cpu]") {
    const std::string stem = test::source_dir() + "/models/yolov3-quarter";
    const Network network = load_network(stem + ".cfg", stem + ".weights", "", {96, 96});
    CompileOptions shared;
    shared.passes.traits = cpu_traits();
    CpuBackend a(layered_plan(network, 1), {}, 2), b(compile(network, shared), {}, 2);
    CpuSlot sa(a), sb(b);
    const std::vector<float> x = test::random_floats(network.input.elements(), 5, 0, 1);
    std::copy(x.begin(), x.end(), a.view(0, sa.memory()).data);
    std::copy(x.begin(), x.end(), b.view(0, sb.memory()).data);
    sa.run(1);
    sa.wait();
    sb.run(1);
    sb.wait();
    for (const Node& node : b.plan().graph.nodes) {
        if (!std::holds_alternative<YoloOp>(node.op)) continue;
        const test::Comparison c =
            test::compare(b.view(node.inputs[0], sb.memory()), a.view(node.inputs[0], sa.memory()), 0, 0);
        INFO(c.message);
        CHECK(c.ok);
    }
}

TEST_CASE("timing the nodes computes the network", "[backend][cpu]") {
    Network network = load_network(test::source_dir() + "/models/yolov3-quarter.cfg", "", "", {64, 64});
    randomize_weights(network, 3);
    CpuBackend backend(layered_plan(network, 1), {}, 2);
    CpuSlot slot(backend);
    const test::OwnedTensor x = test::noise_input(network, 0);
    set_input(backend, slot, 0, x);
    const std::vector<double> ms = backend.node_ms(slot.memory(), 0, 3);
    REQUIRE(ms.size() == backend.plan().graph.nodes.size());
    const std::vector<test::OwnedTensor> expected = test::run_reference(network, x);
    for (std::size_t i = 0; i < ms.size(); ++i) {
        const Node& node = backend.plan().graph.nodes[i];
        if (std::holds_alternative<ConvOp>(node.op)) CHECK(ms[i] > 0);
        if (!std::holds_alternative<YoloOp>(node.op)) continue;
        const test::OwnedTensor& e = expected[std::size_t(node.layer)];
        const test::Comparison c = test::compare(backend.view(node.inputs[0], slot.memory()), e.view(),
                                                 1e-4 * test::root_mean_square(e.view()), 1e-4);
        INFO("head " << node.layer << ": " << c.message);
        CHECK(c.ok);
    }
}

TEST_CASE("a network without weights is refused", "[backend][cpu]") {
    const Network network = load_network(test::source_dir() + "/models/yolov3-quarter.cfg");
    CHECK_THROWS_AS(CpuBackend(layered_plan(network, 1), {}, 1), Error);
}

TEST_CASE("rare layers next to one another agree with the oracle", "[backend][cpu][openmp]") {
    const std::string net = "[net]\nwidth=30\nheight=22\nchannels=4\n";
    const auto conv = [](const std::string& more) { return "[conv]\nfilters=12\nsize=3\npad=1\n" + more; };
    for (const std::string& layers :
         {// Of this oneDNN gives each thread its share beforehand, whether or not it will be there: see [openmp].
          std::string("[conv]\nfilters=12\nsize=3\npadding=3\nstride_y=2\ngroups=2\nactivation=mish\n"),
          // A batch norm on top of biases, and one on top of another.
          conv("activation=linear\n") + "[batchnorm]\n" + conv("activation=linear\nbatch_normalize=1\n") +
              "[batchnorm]\n" + conv(""),
          // On top of blurs, which have no biases.
          conv("stride=2\nantialiasing=1\nactivation=linear\n") + "[batchnorm]\n" + conv(""),
          conv("") + "[maxpool]\nsize=2\nstride=2\nantialiasing=1\n[batchnorm]\n" + conv(""),
          // Inputs of both signs to be binarised.
          conv("activation=linear\n") + conv("xnor=1\nbatch_normalize=1\nactivation=linear\n") +
              conv("xnor=1\nactivation=leaky\n"),
          conv("stride=2\nantialiasing=2\nactivation=mish\n") + "[maxpool]\nsize=2\nstride=2\nantialiasing=1\n" +
              "[maxpool]\nsize=3\nstride=1\nantialiasing=2\n" + conv(""),
          conv("activation=linear\n") + "[shortcut]\nfrom=-1\nactivation=normalize_channels_softmax\n" + conv("")}) {
        INFO(layers);
        Network network = parse_network(net + layers, "rare.cfg");
        randomize_weights(network, 3);
        check_layers(network);
    }
}
