// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <atomic>

#include <thread>

#include <convoy/engine.h>
#include <convoy/media/source.h>
#include "bench/commands.h"
#include "bench/harness.h"
#include "engine/bind.h"

namespace convoy::bench {
namespace {

double seconds(const std::function<void()>& work) { return measure(0, 1, work).ms[0] * 1e-3; }

std::vector<Frame> decode(const std::string& path) {
    const std::unique_ptr<media::Source> source = media::open_source(path);
    std::vector<Frame> frames;
    while (std::optional<Frame> f = source->next()) frames.push_back(std::move(*f));
    return frames;
}

}  // namespace

nlohmann::json bench_pipeline(const BenchOptions& options) {
    const Network network = options.model.load();
    const BoundEngine bound = bind(network, options.engine);
    Backend& backend = *bound.devices.front().backend;
    const int batch = bound.max_batch;
    const std::unique_ptr<Slot> slot = backend.make_slot();
    const std::unique_ptr<DecoderSeat> seat = backend.make_seat("bench");

    std::vector<Frame> frames;
    const double decode_s = seconds([&] { frames = decode(options.video); });
    const double n = double(frames.size());
    const double network_ms = time_batches(backend, batch, options.warmup, options.passes).median();
    const double network_s = network_ms * 1e-3 * n / batch;
    int last = 0;
    const auto run = [&] {
        slot->run(last + 1);
        slot->wait();
    };
    // What is only enqueued is waited for through the network, whose own time is taken off again.
    const double both_s = seconds([&] {
        for (std::size_t i = 0; i < frames.size(); ++i)
            slot->preprocess_whole(last = int(i % std::size_t(batch)), frames[i], *seat);
        run();
    });
    const double preprocess_s = both_s - seconds(run);
    std::vector<Detection> detections;
    const std::atomic<bool> never{false};
    const double post_s = seconds([&] {
        for (std::size_t i = 0; i < frames.size(); ++i) slot->collect(last, detections, never);
    });
    frames.clear();

    Engine engine(network, options.engine);
    const double all_s = seconds([&] {
        std::thread producer([&] {
            const std::unique_ptr<media::Source> source = media::open_source(options.video);
            while (std::optional<Frame> f = source->next()) engine.submit(std::move(*f));
            engine.finish();
        });
        while (engine.next()) {
        }
        producer.join();
    });
    const double slowest = std::max({decode_s, preprocess_s, network_s, post_s});
    fmt::print("{:.0f} frames, alone: decode {:.0f} frames/s, preprocess {:.0f}, network {:.1f}, post-process {:.0f}\n",
               n, n / decode_s, n / preprocess_s, n / network_s, n / post_s);
    fmt::print("overlapped: {:.1f} frames/s = {:.3f} of the slowest stage alone\n", n / all_s, slowest / all_s);
    return {{"frames", n},
            {"decode_fps", n / decode_s},
            {"preprocess_fps", n / preprocess_s},
            {"network_fps", n / network_s},
            {"postprocess_fps", n / post_s},
            {"pipeline_fps", n / all_s},
            {"share_of_slowest", slowest / all_s}};
}

}  // namespace convoy::bench
