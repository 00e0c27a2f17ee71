// SPDX-License-Identifier: MIT
//
// Which candidate computes a convolution: measured, remembered, or by rule.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/cuda/conv_check.h"
#include "engine/cuda/device.h"
#include "engine/cuda/handles.h"
#include "engine/cuda/tuning_cache.h"
#include "kernels/conv.h"
#include "kernels/conv_pair.h"

namespace convoy {

/// A Conv on one line, without spaces: the cache's key and a name for people.
std::string to_string(const kernels::cuda::Conv& conv);
std::string to_string(const kernels::cuda::ConvPair& pair);

/// Times work on a stream with a cold L2: between two samples a buffer larger than it is overwritten, which also keeps
/// the stream busy while the host enqueues what follows.
class ColdTimer {
public:
    /// `patience` outlives the timer.
    ColdTimer(std::size_t l2_bytes, cudaStream_t stream, Patience& patience);
    /// Microseconds of `samples` single runs.
    std::vector<float> run(int samples, const std::function<void(cudaStream_t)>& work);

private:
    cudaStream_t stream_;
    Patience& patience_;
    DeviceBuffer flush_;
    CudaEvent start_, stop_;
};

class Autotuner {
public:
    struct Choice {
        std::string row;
        std::unique_ptr<kernels::cuda::PreparedConv> kernel;
        float us = 0;  ///< as measured when it was chosen; 0 when it was not
    };

    static constexpr std::size_t kMaxWorkspace = std::size_t(512) << 20;
    /// Device memory that it holds.
    static std::size_t device_bytes(const DeviceInfo& device);

    /// All references outlive the tuner. Kernels that want more workspace do not take part. `stop`: see
    /// EngineOptions::stop_measuring.
    Autotuner(const DeviceInfo& device, const kernels::cuda::ConvLibraries& libraries, TuningCache& cache,
              cudaStream_t stream, Patience& patience, bool libraries_compete,
              std::size_t max_workspace = kMaxWorkspace, std::function<bool()> stop = {});

    struct Problem {
        kernels::cuda::Conv conv;
        bool few_rows = false;  ///< an answer that was found without all of the libraries' rows will do
    };
    /// What the cache says of a convolution; null: it is not known.
    static const TuningCache::Entry* known(TuningCache& cache, const Problem& problem);
    /// Of the kernels of ours, what the cache knows to be the fastest; null: nothing.
    static const TuningCache::Entry* known_ours(TuningCache& cache, const kernels::cuda::Conv& conv);
    static bool is_library(const std::string& row);

    /// From now on recall() takes those, where they are known.
    void take_ours() { ours_ = true; }
    /// Prepares what the cache knows of these, on several threads: the libraries take long to make a plan.
    void prepare_known(const std::vector<Problem>& problems);
    /// What the cache knows, without a kernel if it knows nothing that serves.
    Choice recall(const Problem& problem);
    /// A row that is named; without a kernel where it does not serve.
    Choice prepare(const kernels::cuda::Conv& conv, const std::string& row) const;

    /// The fastest of those that agree with the oracle, and what came close.
    struct Contest {
        Choice winner;               ///< without a kernel when measuring was stopped
        std::vector<Choice> others;  ///< the best first, one of ours among them
        std::string problem = {};    ///< its name in the cache
    };
    /// Measures and remembers. With `few_rows`, of the libraries' rows only `library_rows` are looked at: making them
    /// ready takes longer than all the rest. Throws std::runtime_error.
    Contest measure(const Problem& problem, const std::vector<std::string>& library_rows = {});
    bool stopped() const { return stop_ && stop_(); }
    /// What is to be found in the cache from now on.
    void remember(const std::string& problem, const Choice& choice);
    /// Always the same for a kind of GPU: kernels::cuda::fixed_choice(), nothing measured.
    Choice choose_fixed(const kernels::cuda::Conv& conv) const;
    /// Floating-point operations per second of the fastest candidate on a large matrix product.
    double peak_flops(kernels::cuda::Math math);

private:
    std::unique_ptr<kernels::cuda::PreparedConv> restore(const kernels::cuda::Conv& conv,
                                                         const kernels::cuda::ConvCandidate& candidate) const;
    const TuningCache::Entry* entry_for(const Problem& problem) const;
    std::string why_not(ConvCheck& check, const kernels::cuda::PreparedConv& kernel) const;
    float in_a_row(ConvCheck& check, const kernels::cuda::PreparedConv& kernel);
    std::vector<Choice> shortlist(const kernels::cuda::Conv& conv, ConvCheck& check,
                                  const std::function<bool(const kernels::cuda::ConvCandidate&)>& takes_part);

    const DeviceInfo& device_;
    const kernels::cuda::ConvLibraries& libraries_;
    TuningCache& cache_;
    cudaStream_t stream_;
    Patience& patience_;
    bool libraries_compete_;
    bool ours_ = false;
    std::size_t max_workspace_;
    std::function<bool()> stop_;
    ColdTimer timer_;
    std::map<std::string, Choice> ready_;  // by row and problem
};

}  // namespace convoy
