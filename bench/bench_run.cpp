// SPDX-License-Identifier: MIT
//
// A whole video through an engine without any output, and its decoding alone: what the devices themselves can do.
#include <fmt/format.h>

#include <mutex>
#include <thread>

#include <convoy/engine.h>
#include <convoy/load.h>
#include <convoy/media/input.h>
#include "bench/commands.h"
#include "bench/harness.h"
#include "engine/bind.h"

namespace convoy::bench {
namespace {

/// Counts, and throws away.
class Counter : public RunObserver {
public:
    void result(int, Result&) override { ++frames; }
    void end_input(int, const InputEnd& input_end) override { end = input_end; }
    std::int64_t frames = 0;
    InputEnd end;
};

/// Decodes segments of one input on one device until none is left; frames are let go of at once.
std::int64_t decode_segments(Backend& backend, Input& input, std::mutex& cutting, int number) {
    const std::unique_ptr<DecoderSeat> seat = backend.make_seat("decoder " + std::to_string(number));
    const std::unique_ptr<SegmentReader> reader = input.make_reader(seat->target());
    for (std::int64_t frames = 0;;) {
        std::shared_ptr<const Segment> segment;
        {
            const std::lock_guard lock(cutting);
            segment = input.next_segment();
        }
        if (!segment) return frames;
        reader->open(std::move(segment));
        while (reader->next()) ++frames;
    }
}

}  // namespace

nlohmann::json bench_run(const BenchOptions& options) {
    Network network = options.model.load(false);
    if (!network.weights_storage) randomize_weights(network, 1);
    EngineOptions engine_options = options.engine;
    engine_options.same_bits = true;
    Engine engine(network, engine_options);
    std::vector<double> rates, medians, p99s, cpus;
    Counter counter;
    RunReport report;
    for (int pass = -options.warmup; pass < options.passes; ++pass) {
        counter = {};
        const std::atomic<bool> stop = false;
        const double cpu_before = cpu_seconds();
        report = engine.run({{[&](std::stop_token cancel) { return media::open_input(options.video, {}, cancel); }, 0}},
                            counter, stop, {options.decoders, 0, options.cpu_decoders});
        if (pass < 0) continue;
        rates.push_back(double(counter.frames) / report.seconds);
        medians.push_back(report.latency.median_ms);
        p99s.push_back(report.latency.p99_ms);
        cpus.push_back((cpu_seconds() - cpu_before) / report.seconds);
    }
    const double rate = median_of(rates), latency = median_of(medians);
    const int tiles = engine_options.detect.tiles.count();
    fmt::print(
        "{}, ready in {:.2f} s: {} frames, {:.1f} frames/s ({:.1f} … {:.1f}, {} runs), {:.1f} pictures/s, latency "
        "median {:.2f} ms, p99 {:.2f} ms, {:.1f} cores busy, {} of {} segments decoded on the GPU\n",
        engine.description(), engine.start().seconds, counter.frames, rate,
        *std::min_element(rates.begin(), rates.end()), *std::max_element(rates.begin(), rates.end()), rates.size(),
        rate * tiles, latency, median_of(p99s), median_of(cpus), counter.end.on_gpu, counter.end.segments);
    nlohmann::json out = {{"bench", "run"},
                          {"devices", engine.devices()},
                          {"start_s", engine.start().seconds},
                          {"replication", engine.start().replication},
                          {"replication_s", engine.start().replication_s},
                          {"cores_busy", median_of(cpus)},
                          {"frames", counter.frames},
                          {"fps", rate},
                          {"fps_of_each", rates},
                          {"pictures_per_s", rate * tiles},
                          {"latency_ms", latency},
                          {"latency_p99_ms", median_of(p99s)},
                          {"on_gpu", counter.end.on_gpu},
                          {"segments", counter.end.segments}};
    for (const DeviceReport& device : report.devices)
        for (const StageStats& stage : device.stages)
            out["busy"][device.name][stage.name] = stage.total_s / report.seconds;
    return out;
}

nlohmann::json bench_decode(const BenchOptions& options) {
    Network network = options.model.load(false);
    if (!network.weights_storage) randomize_weights(network, 1);
    EngineOptions engine = options.engine;
    engine.max_batch = 1;  // the network is not used
    engine.tuning = Tuning::fixed;
    const BoundEngine bound = bind(network, engine);
    const int decoders = options.decoders ? options.decoders : 8;
    std::vector<double> rates;
    std::int64_t frames = 0;
    for (int pass = -options.warmup; pass < options.passes; ++pass) {
        const std::unique_ptr<Input> input = media::open_input(options.video);
        std::mutex cutting;
        std::atomic<std::int64_t> decoded = 0;
        const double ms = measure(0, 1, [&] {
                              std::vector<std::jthread> threads;
                              for (const BoundDevice& device : bound.devices)
                                  for (int i = 0; i < decoders; ++i)
                                      threads.emplace_back(
                                          [&, i] { decoded += decode_segments(*device.backend, *input, cutting, i); });
                          }).ms[0];
        frames = decoded;
        if (pass >= 0) rates.push_back(double(frames) / ms * 1e3);
    }
    const double rate = median_of(rates);
    fmt::print("{} devices, {} decoders each: {} frames, decoding alone {:.1f} frames/s ({:.1f} … {:.1f}, {} runs)\n",
               bound.devices.size(), decoders, frames, rate, *std::min_element(rates.begin(), rates.end()),
               *std::max_element(rates.begin(), rates.end()), rates.size());
    return {{"bench", "decode"},
            {"devices", bound.devices.size()},
            {"decoders", decoders},
            {"fps", rate},
            {"fps_of_each", rates}};
}

}  // namespace convoy::bench
