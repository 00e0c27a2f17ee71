// SPDX-License-Identifier: MIT
//
// convoy-bench preprocess: 1080p pictures in device memory to the network's input.
#include <fmt/format.h>

#include <algorithm>

#include "bench/commands.h"
#include "bench/gpu_harness.h"
#include "engine/bind.h"
#include "engine/cuda/backend_cuda.h"
#include "kernels/tuning.h"

namespace convoy::bench {
namespace {

namespace k = kernels::cuda;

constexpr int kWidth = 1920, kHeight = 1080;
constexpr int kInputPitch = 4;

/// `count` different pictures of noise, one after the other.
struct Pictures {
    DeviceBuffer memory;
    std::vector<k::PlacedPicture> placed;

    Pictures(PixelFormat format, int count, const BenchOptions& options, const Shape& input, cudaStream_t stream) {
        const bool nv12 = format == PixelFormat::nv12;
        const int pitch = nv12 ? kWidth : 3 * kWidth;
        const std::size_t luma = std::size_t(pitch) * kHeight, bytes = nv12 ? luma * 3 / 2 : luma;
        memory = DeviceBuffer(bytes * std::size_t(count), "pictures");
        // Any bits are pixels.
        k::fill_noise(memory.data(), kernels::DataType::fp32, memory.bytes() / sizeof(float), 1, 1, stream);
        for (int i = 0; i < count; ++i) {
            PixelView view;
            view.format = format;
            view.width = kWidth, view.height = kHeight;
            view.plane[0] = reinterpret_cast<const std::uint8_t*>(memory.data()) + bytes * std::size_t(i);
            view.pitch[0] = pitch;
            if (nv12) view.plane[1] = view.plane[0] + luma, view.pitch[1] = pitch;
            placed.push_back({view, kernels::place(options.engine.detect.fit, kWidth, kHeight, input.w, input.h)});
        }
    }
};

// What has to move: the input tensor, and of each picture the rows that the two rows of a sample point can touch.
double bytes_moved(PixelFormat format, const kernels::Placement& p, int count, std::size_t element) {
    const double luma_rows = std::min(kHeight, 2 * p.h), chroma_rows = std::min(kHeight / 2, 2 * p.h);
    const double read = format == PixelFormat::nv12 ? (luma_rows + chroma_rows) * kWidth : luma_rows * 3 * kWidth;
    return count * (read + double(p.net_w) * p.net_h * kInputPitch * double(element));
}

}  // namespace

nlohmann::json bench_preprocess(const BenchOptions& options) {
    GpuHarness harness(choose_gpu(options.engine));
    const Network network = options.model.load(false);
    const Shape input = network.input;
    const Precision precision = cuda_precision(options.engine.precision, harness.device().ordinal);
    const kernels::DataType type = k::storage(math_of(precision));
    const double copy = harness.copy_bytes_per_second();
    std::vector<int> batches = {1, 32};
    if (options.engine.max_batch > 0) batches = {options.engine.max_batch};

    fmt::print("{}: {}x{} to {}x{}, copy {:.2f} TB/s\n", harness.device().name, kWidth, kHeight, input.w, input.h,
               copy / 1e12);
    nlohmann::json cases = nlohmann::json::array();
    for (const PixelFormat format : {PixelFormat::nv12, PixelFormat::rgb8})
        for (const int batch : batches) {
            const Pictures pictures(format, batch, options, input, harness.stream());
            const DeviceBuffer y(std::size_t(batch) * input.w * input.h * kInputPitch * kernels::size_of(type),
                                 "input");
            const kernels::DeviceTensor tensor{y.data(), type, batch, input.h, input.w, 3, kInputPitch};
            const GpuSamples samples = harness.measure(
                [&](cudaStream_t stream) {
                    k::preprocess(pictures.placed.data(), batch, options.engine.detect.resize, tensor, stream);
                },
                options.warmup, options.passes);
            const double bytes = bytes_moved(format, pictures.placed[0].placement, batch, kernels::size_of(type));
            const double rate = bytes / samples.median() * 1e6;
            const std::string name = fmt::format("{} batch {}", format == PixelFormat::nv12 ? "nv12" : "rgb8", batch);
            fmt::print("{:<14}{:>9.2f} us (iqr {:.1f}%), {:>7.2f} us a picture, {:>6.0f} GB/s, {:.0f}% of copy\n", name,
                       samples.median(), 100 * samples.spread(), samples.median() / batch, rate / 1e9,
                       100 * rate / copy);
            nlohmann::json entry = samples.json();
            entry.update(
                {{"name", name}, {"us_per_picture", samples.median() / batch}, {"bytes", bytes}, {"gbs", rate / 1e9}});
            cases.push_back(std::move(entry));
        }
    nlohmann::json out = harness.facts(network, precision);
    out.update({{"bench", "preprocess"}, {"peak_gbs", copy / 1e9}, {"cases", cases}});
    return out;
}

}  // namespace convoy::bench
