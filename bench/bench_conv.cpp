// SPDX-License-Identifier: MIT
//
// convoy-bench conv: every distinct convolution of a model, by every row of the table that computes it, and pairs of
// them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/commands.h"
#include "bench/conv_runner.h"
#include "engine/bind.h"
#include "engine/cuda/backend_cuda.h"

namespace convoy::bench {
namespace {

namespace k = kernels::cuda;

/// A convolution and the layers that it stands for.
struct Problem {
    k::Conv conv;
    std::vector<int> layers;
};

struct Peak {
    double flops, bytes;  // per second
    /// Microseconds that the card needs at least.
    double floor_us(const k::Conv& conv) const {
        return 1e6 * std::max(conv.problem.flops() / flops, bytes_moved(conv) / bytes);
    }
};

std::vector<Problem> distinct_problems(const Plan& plan, k::Math math, int batch) {
    std::vector<Problem> out;
    for (const Node& node : plan.graph.nodes) {
        if (!std::holds_alternative<ConvOp>(node.op)) continue;
        const k::Conv conv = cuda_conv(plan, node, math, batch);
        auto it = std::find_if(out.begin(), out.end(), [&](const Problem& p) { return p.conv == conv; });
        if (it == out.end()) it = out.insert(out.end(), Problem{conv, {}});
        it->layers.push_back(node.layer);
    }
    return out;
}

// "26x26 256->512 3x3 +res"; a pitch is named where there is more in a pixel than this convolution's channels, an
// activation where it is not the usual one.
std::string label(const k::Conv& conv) {
    const kernels::ConvProblem& p = conv.problem;
    const auto channels = [](int c, int packed, int pitch) {
        return pitch == packed ? std::to_string(c) : fmt::format("{}/{}", c, pitch);
    };
    std::string out =
        fmt::format("{}x{} {}->{} {}x{}", p.h, p.w, channels(p.c, conv.packed_c() * p.groups, conv.x_pitch),
                    channels(p.k, conv.packed_k(), conv.y_pitch), p.r, p.s);
    if (p.stride_h > 1) out += fmt::format("/{}", p.stride_h);
    if (p.groups > 1) out += fmt::format(" g{}", p.groups);
    if (p.activation != Activation::leaky) out += std::string(" ") + to_string(p.activation);
    if (p.residual) out += " +res";
    if (conv.upsample > 1) out += " up2";
    return out;
}

const RowTiming* fastest(const std::vector<RowTiming>& rows, bool library) {
    const RowTiming* best = nullptr;
    for (const RowTiming& row : rows)
        if (row.library == library && row.timed() && (!best || row.us() < best->us())) best = &row;
    return best;
}

nlohmann::json json_of(const RowTiming& row, const k::Conv& conv) {
    nlohmann::json out = row.timed() ? row.samples.json() : nlohmann::json::object();
    out["row"] = row.row;
    out["error"] = row.error;
    if (!row.fault.empty()) out["fault"] = row.fault;
    out["workspace_bytes"] = row.workspace;
    if (row.timed()) {
        out["tflops"] = conv.problem.flops() / row.us() / 1e6;
        out["gbs"] = bytes_moved(conv) / row.us() / 1e3;
    }
    return out;
}

/// Sums over all layers. The libraries are compared on the layers for which they have a row.
struct Sums {
    double ours = 0, ours_where_both = 0, library = 0, fastest = 0, floor = 0;
    int layers = 0, layers_of_libraries = 0;

    void add(int times, const RowTiming* own, const RowTiming* lib, double floor_us) {
        layers += times;
        floor += times * floor_us;
        if (own) ours += times * own->us();
        if (own && lib) {
            layers_of_libraries += times;
            ours_where_both += times * own->us();
            library += times * lib->us();
        }
        fastest += times * std::min(own ? own->us() : INFINITY, lib ? lib->us() : INFINITY);
    }
    nlohmann::json json() const {
        return {{"layers", layers},
                {"ours_us", ours},
                {"fastest_us", fastest},
                {"floor_us", floor},
                {"layers_of_libraries", layers_of_libraries},
                {"ours_where_both_us", ours_where_both},
                {"library_us", library}};
    }
};

void print_line(const Problem& problem, const RowTiming* own, const RowTiming* lib, double floor_us) {
    const k::Conv& conv = problem.conv;
    std::string line = fmt::format("{:<34}{:>4}", label(conv), problem.layers.size());
    if (own)
        line += fmt::format("  {:<26}{:>9.1f}{:>6.1f}{:>7.0f}{:>7.0f}{:>6.0f}", own->row, own->us(),
                            100 * own->samples.spread(), conv.problem.flops() / own->us() / 1e6,
                            bytes_moved(conv) / own->us() / 1e3, 100 * floor_us / own->us());
    else
        line += fmt::format("  {:<26}{:>35}", "none", "");
    if (lib) line += fmt::format("  {:<11}{:>9.1f}{:>6.1f}", lib->row, lib->us(), 100 * lib->samples.spread());
    if (lib && own) line += fmt::format("{:>7.2f}", lib->us() / own->us());
    fmt::print("{}\n", line);
}

using OwnTimes = std::vector<std::pair<k::Conv, double>>;  // microseconds of the fastest row of ours

// Two convolutions by one kernel, beside the fastest kernels of ours for each.
nlohmann::json bench_pairs(const Plan& plan, k::Math math, ConvRunner& runner, const RowChoice& choice,
                           const OwnTimes& apart) {
    nlohmann::json list = nlohmann::json::array();
    std::vector<k::ConvPair> seen;
    for (const ConvPairNodes& nodes : plan.pairs) {
        const k::ConvPair pair = cuda_pair(plan, nodes, math, plan.max_batch);
        if (std::find(seen.begin(), seen.end(), pair) != seen.end()) continue;
        seen.push_back(pair);
        double us = 0;
        for (const auto& [conv, time] : apart)
            if (conv == pair.first || conv == pair.second) us += time;
        for (const RowTiming& row : runner.run(pair, choice)) {
            const std::string name = label(pair.first) + ", " + label(pair.second);
            if (!row.fault.empty()) fmt::print("  WRONG: {} {}: {}\n", name, row.row, row.fault);
            if (row.timed())
                fmt::print("{:<58}  {:<22}{:>9.1f}{:>6.1f}   apart{:>9.1f}\n", name, row.row, row.us(),
                           100 * row.samples.spread(), us);
            list.push_back({{"pair", name},
                            {"row", row.row},
                            {"fault", row.fault},
                            {"us", row.timed() ? row.samples.json() : nlohmann::json()},
                            {"apart_us", us}});
        }
    }
    return list;
}

}  // namespace

nlohmann::json bench_conv(const BenchOptions& options) {
    GpuHarness harness(choose_gpu(options.engine));
    const DeviceInfo& device = harness.device();
    const Precision precision = cuda_precision(options.engine.precision, device.ordinal);
    const k::Math math = math_of(precision);
    const Network network = options.model.load(false);
    const Plan plan = compile(network, cuda_compile_options(options.engine, precision));
    const int batch = plan.max_batch;

    const k::ConvLibraries libraries;
    ConvRunner runner(harness, libraries);
    const Peak peak{runner.peak_flops(math, options.passes), harness.copy_bytes_per_second()};
    fmt::print("{}, {}, {}; measured peaks {:.0f} TFLOP/s, {:.2f} TB/s; batch {}\n", device.name, device.versions,
               libraries.description(), peak.flops / 1e12, peak.bytes / 1e12, batch);
    fmt::print("{:<34}{:>4}  {:<26}{:>9}{:>6}{:>7}{:>7}{:>6}  {:<11}{:>9}{:>6}{:>7}\n", "convolution", "x", "ours",
               "us", "iqr%", "TFLOPs", "GB/s", "%peak", "library", "us", "iqr%", "ratio");

    const RowChoice choice{std::regex(options.rows), !options.rows.empty(), options.warmup, options.passes};
    nlohmann::json list = nlohmann::json::array();
    Sums sums;
    OwnTimes apart;
    for (const Problem& problem : distinct_problems(plan, math, batch)) {
        const std::vector<RowTiming> rows = runner.run(problem.conv, choice);
        const RowTiming *own = fastest(rows, false), *lib = fastest(rows, true);
        const double floor_us = peak.floor_us(problem.conv);
        print_line(problem, own, lib, floor_us);
        nlohmann::json entry = {
            {"problem", label(problem.conv)},     {"layers", problem.layers}, {"flops", problem.conv.problem.flops()},
            {"bytes", bytes_moved(problem.conv)}, {"floor_us", floor_us},     {"rows", nlohmann::json::array()}};
        for (const RowTiming& row : rows) {
            entry["rows"].push_back(json_of(row, problem.conv));
            if (!row.fault.empty()) fmt::print("  WRONG: {} {}\n", row.row, row.fault);
        }
        if (own) entry["ours"] = json_of(*own, problem.conv);
        if (lib) entry["library"] = json_of(*lib, problem.conv);
        if (own) apart.emplace_back(problem.conv, own->us());
        if (own || lib) sums.add(int(problem.layers.size()), own, lib, floor_us);
        list.push_back(std::move(entry));
    }
    fmt::print("all {} layers: ours {:.1f} us, fastest of all {:.1f} us, floor {:.1f} us\n", sums.layers, sums.ours,
               sums.fastest, sums.floor);
    if (sums.layers_of_libraries)
        fmt::print("{} layers that a library has a row for: ours {:.1f} us, library {:.1f} us, library/ours {:.3f}\n",
                   sums.layers_of_libraries, sums.ours_where_both, sums.library, sums.library / sums.ours_where_both);
    const nlohmann::json pairs = bench_pairs(plan, math, runner, choice, apart);
    nlohmann::json out = harness.facts(network, precision);
    out.update({{"bench", "conv"},
                {"libraries", libraries.description()},
                {"batch", batch},
                {"peak_tflops", peak.flops / 1e12},
                {"peak_gbs", peak.bytes / 1e9},
                {"convolutions", list},
                {"pairs", pairs},
                {"sums", sums.json()}});
    return out;
}

}  // namespace convoy::bench
