// SPDX-License-Identifier: MIT
#include "bench/gpu_gate.h"

#include "kernels/cuda/check.h"

namespace convoy::bench {
namespace {

__device__ std::uint64_t globaltimer() {
    std::uint64_t ns;
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
    return ns;
}

__global__ void hold_kernel(volatile Gate* gate, std::uint64_t timeout_ns) {
    const std::uint64_t start = globaltimer();
    while (!gate->open)
        if (globaltimer() - start > timeout_ns) {
            gate->timed_out = 1;
            break;
        }
}

__global__ void read_clock_kernel(Gate* gate, std::uint64_t ns) {
    // The timer may tick as rarely as once a microsecond, so both readings are taken when it has just ticked.
    const std::uint64_t now = globaltimer();
    std::uint64_t start, end;
    while ((start = globaltimer()) == now) continue;
    const long long first_cycle = clock64();
    while ((end = globaltimer()) - start < ns) continue;
    gate->mhz = float(clock64() - first_cycle) * 1e3f / float(end - start);
}

}  // namespace

void hold(Gate* gate, std::uint64_t timeout_ns, cudaStream_t stream) {
    hold_kernel<<<1, 1, 0, stream>>>(gate, timeout_ns);
    kernels::cuda::check_launch("hold");
}

void read_clock(Gate* gate, std::uint64_t ns, cudaStream_t stream) {
    read_clock_kernel<<<1, 1, 0, stream>>>(gate, ns);
    kernels::cuda::check_launch("read_clock");
}

}  // namespace convoy::bench
