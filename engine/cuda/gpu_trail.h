// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "engine/cuda/backend_cuda.h"

namespace convoy {

/// What one stream does, for the trace: pairs of events, read once they have happened. Does nothing without a trace.
class GpuTrail {
public:
    GpuTrail(CudaBackend& backend, std::string track) : backend_(backend), track_(std::move(track)) {}
    /// What is enqueued from here to stop() is a span.
    void start(cudaStream_t stream);
    void stop(cudaStream_t stream, const char* name);
    /// Notes the spans that have happened; `all` waits for the rest.
    void collect(bool all = false);

private:
    struct Span {
        CudaEvent start, stop;
        const char* name = nullptr;
    };
    CudaBackend& backend_;
    const std::string track_;
    std::deque<Span> under_way_;
    std::vector<Span> spare_;
};

}  // namespace convoy
