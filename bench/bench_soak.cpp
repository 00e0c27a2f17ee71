// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <atomic>
#include <thread>

#include "bench/commands.h"
#include "bench/harness.h"
#include "darknet_loader/load.h"
#include "engine/bind.h"
#include "engine/engine.h"

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

}  // namespace

nlohmann::json bench_soak(const BenchOptions& options) {
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
