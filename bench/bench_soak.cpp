// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <atomic>
#include <map>
#include <thread>

#include <convoy/engine.h>
#include <convoy/load.h>
#include <convoy/media/input.h>
#include "bench/commands.h"
#include "bench/harness.h"
#include "engine/bind.h"

namespace convoy::bench {
namespace {

constexpr int kSettle = 500;  // batches until every buffer has its size and every module is loaded

/// Watches the memory of the device that is in use, other programs' included, for its whole life.
class PeakWatch {
public:
    explicit PeakWatch(int device)
        : thread_([this, device] {
              while (!stop_) {
                  peak_ = std::max<std::size_t>(peak_, device_bytes_in_use(device));
                  std::this_thread::sleep_for(std::chrono::milliseconds(1));
              }
          }) {}
    ~PeakWatch() {
        stop_ = true;
        thread_.join();
    }
    std::size_t peak() const { return peak_; }

private:
    std::atomic<bool> stop_{false};
    std::atomic<std::size_t> peak_{0};
    std::thread thread_;
};

/// A video again and again in each of a few lanes, until it is stopped. Notes what a run of hours would suffer from.
class Soak : public RunObserver {
public:
    Soak(int device, double seconds, std::atomic<bool>& stop) : device_(device), seconds_(seconds), stop_(stop) {}
    void result(int, Result& result) override {
        ++frames_;
        latency_ += result.latency_ms;
        if (frames_ % 64) return;
        const double now = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
        if (now >= seconds_) stop_ = true;
        if (now < double(samples.size() + 1) * seconds_ / kSamples) return;
        samples.push_back({{"seconds", now},
                           {"frames", frames_},
                           {"frames_per_second", double(frames_ - last_frames_) / (now - last_s_)},
                           {"mean_latency_ms", latency_ / double(frames_ - last_frames_)},
                           {"host_bytes", resident_bytes()},
                           {"device_bytes", device_ < 0 ? 0 : device_bytes_in_use(device_)}});
        fmt::print("{}\n", samples.back().dump());
        last_frames_ = frames_, last_s_ = now, latency_ = 0;
    }
    void end_input(int, const InputEnd& end) override { ++ends[end.frames]; }

    std::map<std::int64_t, int> ends;  // how many inputs had so many frames
    nlohmann::json samples = nlohmann::json::array();

private:
    static constexpr int kSamples = 20;
    const int device_;
    const double seconds_;
    std::atomic<bool>& stop_;
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::int64_t frames_ = 0, last_frames_ = 0;
    double latency_ = 0, last_s_ = 0;
};

nlohmann::json soak_video(const BenchOptions& options) {
    constexpr int kRounds = 200'000;  // more than there is time for
    Network network = options.model.load(false);
    if (!network.weights_storage) randomize_weights(network, 1);
    const DeviceChoice choice = choose_devices(options.engine);
    EngineOptions engine_options = options.engine;
    engine_options.same_bits = true;
    Engine engine(network, engine_options);
    std::vector<RunInput> inputs;
    for (int i = 0; i < kRounds; ++i)
        inputs.push_back({[&](std::stop_token cancel) { return media::open_input(options.video, {}, cancel); },
                          i % options.streams});
    std::atomic<bool> stop = false;
    Soak soak(choice.gpus.empty() ? -1 : choice.gpus.front(), options.seconds, stop);
    const RunReport report = engine.run(std::move(inputs), soak, stop, {options.decoders, 0});
    nlohmann::json ends;
    for (const auto& [frames, count] : soak.ends) ends[std::to_string(frames)] = count;
    fmt::print("{}: {:.0f} s, {} streams; inputs by their number of frames (the last {} were stopped): {}\n",
               engine.description(), report.seconds, options.streams, options.streams, ends.dump());
    return {{"seconds", report.seconds}, {"streams", options.streams}, {"samples", soak.samples}, {"ends", ends}};
}

}  // namespace

nlohmann::json bench_soak(const BenchOptions& options) {
    if (!options.video.empty()) return soak_video(options);
    Network network = options.model.load(false);
    if (!network.weights_storage) randomize_weights(network, 1);
    const DeviceChoice choice = choose_devices(options.engine);
    const bool gpu = !choice.gpus.empty();
    const int device = gpu ? choice.gpus.front() : 0;
    const std::size_t before = gpu ? device_bytes_in_use(device) : 0;
    const PeakWatch watch(gpu ? device : -1);
    Engine engine(network, options.engine);
    const std::size_t ready = watch.peak();

    const std::vector<std::uint8_t> grey(3 * 640 * 480, 128);
    Frame frame;
    frame.pixels.plane[0] = grey.data();
    frame.pixels.pitch[0] = 3 * 640;
    frame.pixels.width = 640, frame.pixels.height = 480;
    const int batch = engine.max_batch(), batches = kSettle + options.passes;
    std::size_t settled_host = 0, settled_device = 0;
    std::thread producer([&] {
        for (int i = 0; i < batches * batch; ++i) engine.submit(frame);
        engine.finish();
    });
    for (int seen = 1; engine.next(); ++seen)
        if (seen == kSettle * batch) {
            settled_host = resident_bytes();
            settled_device = gpu ? device_bytes_in_use(device) : 0;
        }
    producer.join();
    const double host = double(resident_bytes()) - double(settled_host);
    const double on_device = gpu ? double(device_bytes_in_use(device)) - double(settled_device) : 0;
    fmt::print("{}, {} batches after the first {}: host memory {:+.1f} MB, device memory {:+.1f} MB\n",
               engine.description(), options.passes, kSettle, host / 1e6, on_device / 1e6);
    if (gpu)
        fmt::print(
            "device memory in use: {:.1f} MB more than before at the end, {:.1f} MB at its peak ({:.1f} MB until "
            "it was ready)\n",
            (double(device_bytes_in_use(device)) - double(before)) / 1e6, (double(watch.peak()) - double(before)) / 1e6,
            (double(ready) - double(before)) / 1e6);
    return {{"batches", options.passes},
            {"host_growth_bytes", host},
            {"device_growth_bytes", on_device},
            {"device_peak_bytes", double(watch.peak()) - double(before)}};
}

}  // namespace convoy::bench
