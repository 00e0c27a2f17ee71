// SPDX-License-Identifier: MIT
#include "engine/cuda/gpu_trail.h"

namespace convoy {

void GpuTrail::start(cudaStream_t stream) {
    if (!backend_.tracing()) return;
    collect();
    if (spare_.empty()) spare_.push_back({make_event(true), make_event(true), nullptr});
    under_way_.push_back(std::move(spare_.back()));
    spare_.pop_back();
    cuda_check(cudaEventRecord(under_way_.back().start.get(), stream), "cudaEventRecord");
}

void GpuTrail::stop(cudaStream_t stream, const char* name) {
    if (!backend_.tracing()) return;
    under_way_.back().name = name;
    cuda_check(cudaEventRecord(under_way_.back().stop.get(), stream), "cudaEventRecord");
}

void GpuTrail::collect(bool all) {
    while (!under_way_.empty() && under_way_.front().name) {
        Span& span = under_way_.front();
        if (all)
            wait_for(backend_.patience(), span.stop.get(), span.name);
        else if (cudaEventQuery(span.stop.get()) != cudaSuccess)
            return;
        backend_.add_span(track_, span.name, span.start.get(), span.stop.get());
        spare_.push_back(std::move(span));
        spare_.back().name = nullptr;
        under_way_.pop_front();
    }
}

}  // namespace convoy
