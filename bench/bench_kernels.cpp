// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cstring>
#include <map>

#include "bench/commands.h"
#include "bench/harness.h"
#include "engine/bind.h"
#include "engine/cpu/backend_cpu.h"
#include "kernels/elementwise.h"
#include "kernels/pool.h"
#include "kernels/upsample.h"

namespace convoy::bench {
namespace {

std::vector<float> noise(std::size_t count) {
    std::vector<float> out(count);
    std::uint32_t state = 1;
    for (float& f : out) f = float((state = state * 1664525u + 1013904223u) >> 8) * 0x1p-24f - .5f;
    return out;
}

struct Timed {
    Samples samples;
    double flops, bytes;
    std::string kernel;
};

Timed time_conv(const kernels::ConvProblem& p, const BenchOptions& options) {
    const kernels::cpu::ConvOnednn conv(p);
    const std::vector<float> w = noise(p.weight_count()), x = noise(std::size_t(p.n) * p.h * p.w * p.c),
                             bias = noise(p.k);
    std::vector<float> y = noise(std::size_t(p.n) * p.p() * p.q() * p.k);
    const HostBuffer packed(conv.packed_bytes()), scratch(conv.scratch_bytes());
    conv.pack(w.data(), nullptr, packed.data());
    const Samples s = measure(options.warmup, options.passes,
                              [&] { conv.run(x.data(), packed.data(), bias.data(), y.data(), scratch.data()); });
    const double bytes = 4.0 * double(x.size() + w.size() + y.size() * (p.residual ? 2 : 1));
    return {s, p.flops(), bytes, conv.name()};
}

// The two ceilings of this machine as its libraries reach them.
double peak_gflops(const BenchOptions& options) {
    kernels::ConvProblem p;
    p.h = p.w = 48, p.c = p.k = 2048;
    const Timed t = time_conv(p, options);
    return t.flops / t.samples.min() / 1e6;
}
double peak_gbs(const BenchOptions& options) {
    std::vector<float> a = noise(64 << 20), b(a.size());
    const Samples s = measure(1, options.passes, [&] { std::memcpy(b.data(), a.data(), a.size() * sizeof(float)); });
    return 8.0 * double(a.size()) / s.min() / 1e6;
}

std::string key(const kernels::ConvProblem& p) {
    return fmt::format("{:>4}x{:<4} {:>5} -> {:<5} {}x{}/{}{}{}", p.h, p.w, p.c, p.k, p.r, p.s, p.stride_h,
                       p.groups > 1 ? fmt::format(" g{}", p.groups) : "", p.residual ? " +res" : "");
}

}  // namespace

nlohmann::json bench_kernels(const BenchOptions& options) {
    const Network network = options.model.load(false);
    const Plan plan = compile(network, cpu_compile_options(options.engine));
    std::map<std::string, std::pair<kernels::ConvProblem, int>> problems;
    for (const Node& node : plan.graph.nodes)
        if (const auto* conv = std::get_if<ConvOp>(&node.op)) {
            const Shape x = plan.graph.tensors[node.inputs[0]].shape;
            const kernels::ConvProblem p = conv_problem(*conv, x, std::max(1, options.engine.max_batch));
            ++problems.try_emplace(key(p), p, 0).first->second.second;
        }
    const double gflops = peak_gflops(options), gbs = peak_gbs(options);
    fmt::print("ceilings here: {:.0f} GFLOP/s (2048-channel 1x1), {:.1f} GB/s (copy, one thread)\n", gflops, gbs);
    fmt::print("{:<38}{:>6}{:>10}{:>10}{:>7}{:>8}  {}\n", "convolution", "times", "ms", "GFLOP/s", "peak", "GB/s",
               "kernel");
    nlohmann::json out = {{"peak_gflops", gflops}, {"peak_gbs", gbs}, {"convolutions", nlohmann::json::array()}};
    double total = 0;
    for (const auto& [name, entry] : problems) {
        const Timed t = time_conv(entry.first, options);
        const double ms = t.samples.median();
        total += ms * entry.second;
        fmt::print("{:<38}{:>6}{:>10.3f}{:>10.1f}{:>6.0f}%{:>8.1f}  {}\n", name, entry.second, ms, t.flops / ms / 1e6,
                   100 * t.flops / ms / 1e6 / gflops, t.bytes / ms / 1e6, t.kernel);
        out["convolutions"].push_back({{"problem", name},
                                       {"times", entry.second},
                                       {"ms", ms},
                                       {"kernel", t.kernel},
                                       {"gflops", t.flops / ms / 1e6}});
    }
    fmt::print("all convolutions one after another: {:.1f} ms\n", total);
    return out;
}

}  // namespace convoy::bench
