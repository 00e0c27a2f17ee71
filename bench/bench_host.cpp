// SPDX-License-Identifier: MIT
//
// convoy-bench host: what one thread does for the frames of all devices: a video is read and cut, records are written.
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>

#include <convoy/media/input.h>
#include <convoy/network.h>
#include "bench/commands.h"
#include "bench/harness.h"
#include "tools/sinks/formats/record_format.h"

namespace convoy::bench {
namespace {

constexpr int kRecords = 10000;

/// Frames that a video's segments say they have.
std::int64_t cut(const std::string& video) {
    const std::unique_ptr<Input> input = media::open_input(video);
    std::int64_t frames = 0;
    while (const auto segment = input->next_segment()) frames += segment->frames();
    return frames;
}

Result boxes(int count, int classes) {
    std::mt19937 random(1);
    const auto noise = [&](float most) { return float(random() >> 8) * 0x1p-24f * most; };
    Result result;
    result.frame.pixels.width = 1920, result.frame.pixels.height = 1080;
    for (int i = 0; i < count; ++i)
        result.detections.push_back(
            {i % classes, noise(1), {noise(1800), noise(1000), noise(100), noise(80)}, std::int64_t(i + 1)});
    return result;
}

nlohmann::json case_of(const std::string& name, const Samples& samples, double frames, double bytes) {
    const double fps = frames / samples.median() * 1e3;
    fmt::print("{:<36}{:>12.0f} frames/s, {:.2f} GB/s, {}\n", name, fps, bytes / samples.median() / 1e6,
               samples.text());
    nlohmann::json out = samples.json();
    out.update({{"name", name}, {"fps", fps}, {"bytes_per_frame", bytes / frames}});
    return out;
}

}  // namespace

nlohmann::json bench_host(const BenchOptions& options) {
    nlohmann::json cases = nlohmann::json::array();
    std::int64_t frames = 0;
    const Samples reading = measure(options.warmup, options.passes, [&] { frames = cut(options.video); });
    cases.push_back(
        case_of("a video read and cut", reading, double(frames), double(std::filesystem::file_size(options.video))));
    const Network network = options.model.load(false);
    for (const int count : {0, 5, 20, 100}) {
        Result result = boxes(count, int(network.names.size()));
        const InputInfo info{.path = options.video};
        std::size_t bytes = 0;
        const Samples writing = measure(options.warmup, options.passes, [&] {
            const auto format = tools::jsonl_format({.classes = network.names});
            bytes = 0;
            for (result.frame.index = 0; result.frame.index < kRecords; ++result.frame.index) {
                result.frame.time_s = double(result.frame.index) / 30;
                bytes += format->frame({info, 0, result}).size();
            }
        });
        cases.push_back(case_of(fmt::format("a JSON record with {} boxes", count), writing, kRecords, double(bytes)));
    }
    return {{"bench", "host"}, {"cases", cases}};
}

}  // namespace convoy::bench
