// SPDX-License-Identifier: MIT
//
// The last word on the choice of kernels: the network itself.
#include <algorithm>

#include "engine/cuda/backend_resources.h"
#include "kernels/tuning.h"

namespace convoy {

DeviceBuffer CudaBackend::noisy_slot() const {
    DeviceBuffer slot(plan_.memory.slot_bytes, "slot", patience_.get());
    cuda_check(cudaMemset(slot.data(), 0, slot.bytes()), "memset");
    for (const Node& node : plan_.graph.nodes) {
        if (!std::holds_alternative<InputOp>(node.op)) continue;
        const kernels::DeviceTensor x = view(node.output, slot.data(), plan_.max_batch);
        with_layer_name(node, "the GPU", [&] {
            kernels::cuda::fill_noise(x.data, x.type, x.pixels() * std::size_t(x.pitch), 1, 1.f, compute_stream());
        });
    }
    return slot;
}

// Microseconds of the whole network, again and again: its weights push each other out of the L2 as they do in use.
double CudaBackend::time_network(std::byte* slot, int batch) const {
    constexpr int kRounds = 5, kMostRuns = 20;
    constexpr float kRoundMs = 4;
    const cudaStream_t stream = compute_stream();
    const CudaGraph graph = capture(stream, [&](cudaStream_t s) { enqueue(slot, batch, s); });
    const CudaEvent start = make_event(true), stop = make_event(true);
    const auto run = [&](int times) {
        cuda_check(cudaEventRecord(start.get(), stream), "cudaEventRecord");
        for (int i = 0; i < times; ++i) cuda_check(cudaGraphLaunch(graph.get(), stream), "cudaGraphLaunch");
        cuda_check(cudaEventRecord(stop.get(), stream), "cudaEventRecord");
        wait_for(*patience_, stop.get(), "the network");
        float ms = 0;
        cuda_check(cudaEventElapsedTime(&ms, start.get(), stop.get()), "cudaEventElapsedTime");
        return ms / float(times);
    };
    const int times = std::clamp(int(kRoundMs / run(2)), 1, kMostRuns);
    float best = run(times);
    for (int i = 1; i < kRounds; ++i) best = std::min(best, run(times));
    return double(best) * 1e3;
}

// What is fastest alone need not be so among others: only some kernels start while the one before them ends, say. So
// every problem's runners-up are tried in the network.
void CudaBackend::refine(Autotuner& tuner) {
    const DeviceBuffer slot = noisy_slot();
    for (int batch : batches_) {
        double best = 0;
        for (Bound& bound : resources_->kernels) {
            if (bound.conv.problem.n != batch || bound.others.empty()) continue;
            if (best == 0) best = time_network(slot.data(), batch);
            for (Autotuner::Choice& other : bound.others) {
                if (tuner.stopped()) break;
                std::swap(bound.choice, other);
                const double us = time_network(slot.data(), batch);
                if (us < kGain * best)
                    best = us;
                else
                    std::swap(bound.choice, other);
            }
            bound.others.clear();
            tuner.remember(bound.problem, bound.choice);
        }
    }
}

}  // namespace convoy
