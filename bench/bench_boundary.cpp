// SPDX-License-Identifier: MIT
//
// convoy-bench boundary: what passes between two layers that compute nothing, by how the second learns that the first
// is done, and what it costs to fetch its instructions. A figure contains its share of what a graph or a kernel takes
// to start, and not what clears the memory.
#include <fmt/format.h>

#include <utility>
#include <vector>

#include "bench/boundary_chain.h"
#include "bench/commands.h"
#include "bench/gpu_harness.h"
#include "engine/bind.h"
#include "kernels/cuda/check.h"

namespace convoy::bench {

nlohmann::json bench_boundary(const BenchOptions& options) {
    GpuHarness harness(choose_gpu(options.engine));
    const DeviceInfo& device = harness.device();
    fmt::print("{}, {}; microseconds a layer, of {}\n", device.name, device.versions, kChainLayers);
    fmt::print("{:<36}{:>8}{:>10}{:>8}\n", "", "blocks", "median", "iqr%");
    nlohmann::json list = nlohmann::json::array();
    for (const int blocks : {device.caps.multiprocessors / 2, device.caps.multiprocessors}) {
        const std::size_t tensor = std::size_t(blocks) * kChainThreads * sizeof(uint4);
        DeviceBuffer tensors(tensor * (kChainLayers + 1)), counters(Chain{nullptr, nullptr, blocks}.counters_bytes());
        const Chain chain{reinterpret_cast<uint4*>(tensors.data()), reinterpret_cast<unsigned*>(counters.data()),
                          blocks};
        const auto graph = [&](bool dependent) {
            return capture(harness.stream(), [&](cudaStream_t stream) { chain.run_kernels(dependent, stream); });
        };
        const CudaGraph plain = graph(false), dependent = graph(true);
        const auto long_graph = [&](int functions) {
            return capture(harness.stream(), [&](cudaStream_t stream) { chain.run_long_kernels(functions, stream); });
        };
        const CudaGraph one = long_graph(1), two = long_graph(2), eight = long_graph(kChainFunctions);
        const auto launch = [](const CudaGraph& chained, cudaStream_t stream) {
            kernels::cuda::check(cudaGraphLaunch(chained.get(), stream), "cudaGraphLaunch");
        };
        const std::pair<const char*, GpuHarness::Work> ways[] = {
            {"nothing", [](cudaStream_t) {}},
            {"kernels one after the other", [&](cudaStream_t stream) { launch(plain, stream); }},
            {"programmatic dependent launch", [&](cudaStream_t stream) { launch(dependent, stream); }},
            {"the same, 25 KB of instructions more", [&](cudaStream_t stream) { launch(one, stream); }},
            {"the same, two functions in turn", [&](cudaStream_t stream) { launch(two, stream); }},
            {"the same, eight functions", [&](cudaStream_t stream) { launch(eight, stream); }},
            {"one kernel, a counter for a layer", [&](cudaStream_t stream) { chain.run_by_counters(stream); }},
            {"one kernel, flags of the blocks read", [&](cudaStream_t stream) { chain.run_by_flags(stream); }},
            {"one kernel, values that are awaited", [&](cudaStream_t stream) { chain.run_by_values(stream); }},
        };
        std::vector<GpuHarness::Work> works;
        for (const auto& [name, way] : ways)
            works.push_back([&chain, &way = way](cudaStream_t stream) { chain.reset(stream), way(stream); });
        const std::vector<GpuSamples> samples = harness.measure(works, options.warmup, options.passes);
        for (std::size_t i = 1; i < samples.size(); ++i) {
            const double us = (samples[i].median() - samples[0].median()) / kChainLayers;
            fmt::print("{:<36}{:>8}{:>10.2f}{:>8.1f}\n", ways[i].first, blocks, us, 100 * samples[i].spread());
            list.push_back({{"way", ways[i].first}, {"blocks", blocks}, {"us", us}, {"chain", samples[i].json()}});
        }
    }
    return {{"device", device.name}, {"layers", kChainLayers}, {"boundaries", list}};
}

}  // namespace convoy::bench
