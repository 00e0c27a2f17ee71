// SPDX-License-Identifier: MIT
#include "bench/harness.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <fstream>

namespace convoy::bench {

double median_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
}

double Samples::median() const { return median_of(ms); }
double Samples::min() const { return *std::min_element(ms.begin(), ms.end()); }
double Samples::max() const { return *std::max_element(ms.begin(), ms.end()); }

nlohmann::json Samples::json() const {
    return {{"median_ms", median()}, {"min_ms", min()}, {"max_ms", max()}, {"samples", ms.size()}};
}

std::string Samples::text() const {
    return fmt::format("{:.3g} ms ({:.3g} … {:.3g}, {} runs)", median(), min(), max(), ms.size());
}

Samples measure(int warmup, int passes, const std::function<void()>& work) {
    using Clock = std::chrono::steady_clock;
    for (int i = 0; i < warmup; ++i) work();
    Samples samples;
    for (int i = 0; i < passes; ++i) {
        const Clock::time_point start = Clock::now();
        work();
        samples.ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    }
    return samples;
}

namespace {

constexpr int kNoiseSide = 416;

// Nothing that is timed may run on a flat picture, on which a GPU runs faster.
std::vector<std::uint8_t> noise_picture() {
    std::vector<std::uint8_t> bytes(3 * kNoiseSide * kNoiseSide);
    std::uint32_t state = 1;
    for (std::uint8_t& b : bytes) b = std::uint8_t((state = state * 1664525u + 1013904223u) >> 24);
    return bytes;
}

}  // namespace

Samples time_batches(Backend& backend, int batch, int warmup, int passes) {
    constexpr int kSlots = 3;
    std::vector<std::unique_ptr<Slot>> slots;
    const std::vector<std::uint8_t> noise = noise_picture();
    Frame frame;
    frame.pixels.plane[0] = noise.data();
    frame.pixels.width = frame.pixels.height = kNoiseSide;
    frame.pixels.pitch[0] = 3 * kNoiseSide;
    const std::unique_ptr<DecoderSeat> seat = backend.make_seat("bench");
    for (int i = 0; i < kSlots; ++i) {
        slots.push_back(backend.make_slot());
        for (int n = 0; n < batch; ++n) slots.back()->preprocess_whole(n, frame, *seat);
    }
    const auto run = [&](int batches) {
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < batches + kSlots; ++i) {
            Slot& slot = *slots[std::size_t(i % kSlots)];
            if (i >= kSlots) slot.wait();
            if (i < batches) slot.run(batch);
        }
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count() / batches;
    };
    run(std::max(kSlots, warmup));
    const int batches = std::clamp(int(100 / run(kSlots)), kSlots, 1000);
    Samples out;
    for (int i = 0; i < passes; ++i) out.ms.push_back(run(batches));
    return out;
}

namespace {

std::size_t status_bytes(const std::string& key) {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.rfind(key, 0) == 0) return std::stoull(line.substr(key.size())) * 1024;
    return 0;
}

}  // namespace

double cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) { return double(t.tv_sec) + double(t.tv_usec) * 1e-6; };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::size_t resident_bytes() { return status_bytes("VmRSS:"); }
std::size_t peak_resident_bytes() { return status_bytes("VmHWM:"); }

}  // namespace convoy::bench
