// SPDX-License-Identifier: MIT
//
// JPEGs of 1080p pictures in host memory, on 16 threads: nvJPEG's, or with --device cpu libjpeg's.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "bench/commands.h"
#include "tools/media/out/jpeg_encoders.h"

namespace convoy::bench {
namespace {

constexpr int kWidth = 1920, kHeight = 1080, kThreads = 16, kPictures = 100;  // a thread and pass

/// Edges and a little noise: about the bytes of a street.
std::vector<std::uint8_t> busy_rows(int row_bytes, int rows) {
    std::vector<std::uint8_t> bytes(std::size_t(row_bytes) * std::size_t(rows));
    std::uint32_t random = 1;
    for (int y = 0; y < rows; ++y)
        for (int x = 0; x < row_bytes; ++x)
            bytes[std::size_t(y) * std::size_t(row_bytes) + std::size_t(x)] =
                std::uint8_t(100 + 40 * ((x / 96 + y / 40) % 2) + 20 * std::sin(.05 * (x + y)) +
                             ((random = random * 1664525 + 1013904223) >> 29));
    return bytes;
}

PixelView view_of(const std::vector<std::uint8_t>& bytes, PixelFormat format) {
    PixelView view;
    view.format = format;
    view.width = kWidth, view.height = kHeight;
    view.pitch[0] = view.pitch[1] = format == PixelFormat::nv12 ? kWidth : 3 * kWidth;
    view.plane[0] = bytes.data();
    if (format == PixelFormat::nv12) view.plane[1] = bytes.data() + std::ptrdiff_t(kWidth) * kHeight;
    return view;
}

/// Pictures a second of all threads together, and a picture's bytes.
std::pair<double, std::size_t> encode_all(media::JpegEncoders& encoders, const PixelView& view) {
    std::atomic<std::size_t> bytes = 0;
    const auto start = std::chrono::steady_clock::now();
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < kThreads; ++i)
            threads.emplace_back([&] {
                for (int n = 0; n < kPictures; ++n)
                    bytes = encoders.encode("bench.jpg", view, media::kJpegQuality).size();
            });
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return {kThreads * kPictures / seconds, bytes};
}

}  // namespace

nlohmann::json bench_jpeg(const BenchOptions& options) {
    media::JpegEncoders encoders(options.engine.device == "cpu" ? std::vector<int>{} : std::vector<int>{0});
    nlohmann::json result = {{"bench", "jpeg"}, {"threads", kThreads}, {"cases", nlohmann::json::array()}};
    for (const PixelFormat format : {PixelFormat::nv12, PixelFormat::rgb8}) {
        const bool nv12 = format == PixelFormat::nv12;
        const auto bytes = busy_rows(nv12 ? kWidth : 3 * kWidth, nv12 ? kHeight * 3 / 2 : kHeight);
        const PixelView view = view_of(bytes, format);
        std::vector<double> rates;
        std::size_t size = 0;
        for (int pass = -options.warmup; pass < options.passes; ++pass) {
            const auto [rate, length] = encode_all(encoders, view);
            size = length;
            if (pass >= 0) rates.push_back(rate);
        }
        std::nth_element(rates.begin(), rates.begin() + std::ptrdiff_t(rates.size() / 2), rates.end());
        const double median = rates[rates.size() / 2];
        const char* name = nv12 ? "nv12" : "rgb8";
        fmt::print("{}: {:.0f} pictures/s of 1920x1080, {} kB each\n", name, median, size / 1000);
        result["cases"].push_back({{"name", name}, {"fps", median}, {"fps_of_each", rates}, {"bytes", size}});
    }
    const media::JpegEncoders::Tally tally = encoders.tally();
    fmt::print("{}\n", media::describe(tally));
    result["on_gpu"] = tally.on_gpu;
    result["on_cpu"] = tally.on_cpu;
    result["why_cpu"] = tally.why_cpu;
    return result;
}

}  // namespace convoy::bench
