// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <optional>

#include <convoy/engine.h>
#include "bench/commands.h"
#include "bench/harness.h"
#include "engine/bind.h"
#include "engine/cpu/backend_cpu.h"

namespace convoy::bench {

namespace {

// What the engine's memory plan asks for, all lanes and slots.
std::size_t activation_bytes(const Network& network, const BenchOptions& options) {
    const CpuBackend backend(compile(network, cpu_compile_options(options.engine)), options.engine.detect,
                             options.engine.threads);
    return backend.working_bytes() + 2 * backend.plan().memory.slot_bytes;
}

}  // namespace

nlohmann::json bench_load(const BenchOptions& options) {
    const std::size_t before = peak_resident_bytes();
    const std::vector<std::uint8_t> grey(3 * 640 * 480, 128);
    Frame frame;
    frame.pixels.plane[0] = grey.data();
    frame.pixels.pitch[0] = 3 * 640;
    frame.pixels.width = 640, frame.pixels.height = 480;

    Samples parse, ready, first;
    std::size_t peak = 0;  // of the first time: later ones find a heap with holes
    for (int i = 0; i < options.passes; ++i) {
        std::optional<Network> network;
        std::optional<Engine> engine;
        parse.ms.push_back(measure(0, 1, [&] { network = options.model.load(); }).ms[0]);
        ready.ms.push_back(measure(0, 1, [&] { engine.emplace(*network, options.engine); }).ms[0]);
        network.reset();
        first.ms.push_back(measure(0, 1, [&] { engine->detect(frame); }).ms[0]);
        if (i == 0) peak = peak_resident_bytes();
    }
    const Network network = options.model.load();
    const std::size_t weights = network.weight_count() * sizeof(float),
                      activations = activation_bytes(network, options);
    const double budget = 2.0 * double(weights) + double(activations);
    fmt::print("parse and map      {}\n", parse.text());
    fmt::print("engine ready       {}\n", ready.text());
    fmt::print("first detections   {}\n", first.text());
    fmt::print("peak resident memory {:.0f} MB, of which {:.0f} MB before anything was loaded\n", double(peak) / 1e6,
               double(before) / 1e6);
    fmt::print("2 x weights + activations = 2 x {:.0f} + {:.0f} = {:.0f} MB; peak is {:.2f} of it\n",
               double(weights) / 1e6, double(activations) / 1e6, budget / 1e6, double(peak) / budget);
    return {
        {"parse", parse.json()},    {"ready", ready.json()},    {"first", first.json()},          {"peak_bytes", peak},
        {"baseline_bytes", before}, {"weights_bytes", weights}, {"activation_bytes", activations}};
}

}  // namespace convoy::bench
