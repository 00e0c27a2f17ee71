// SPDX-License-Identifier: MIT
//
// GPUs as devices, and what can be learnt of them. A build without CUDA has it too (no_cuda.cpp), and no GPU.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <convoy/error.h>
#include <convoy/options.h>
#include "engine/backend.h"
#include "engine/plan/compile.h"

namespace convoy {

/// GPUs that this build and machine can use.
struct GpuCount {
    int count = 0;
    bool backend = false;  ///< this build has the CUDA backend
    std::string why_none;
};
GpuCount cuda_gpus();
/// Why that GPU, which is there, cannot be used; nothing if it can.
std::string cuda_why_unusable(int device);

/// Batches in flight on a GPU: one in the network, one being filled, and one whose results are being read.
constexpr int kGpuSlots = 3;
/// Threads that decode for a GPU: it has up to seven decoders, and eight threads keep them busy (docs/measurements.md).
constexpr int kGpuDecoders = 8;

/// What the kernels in kernels/cuda/ can do with activations of `precision` (fp32, tf32 or fp16).
BackendTraits cuda_traits(Precision precision);

struct CudaOptions {
    Precision precision = Precision::automatic;      ///< automatic: fp16 where there are tensor cores, else fp32
    Tuning tuning = Tuning::fixed;                   ///< see EngineOptions
    bool same_bits = false;                          ///< every batch by the largest one's kernels: see EngineOptions
    bool eager = false;                              ///< the end of a batch is waited for in Patience::Manner::eager
    bool libraries = true;                           ///< cuDNN and cuBLASLt compete with our own kernels
    std::int64_t expected_frames = 0;                ///< see EngineOptions; 0: many
    std::size_t memory_limit = 0;                    ///< see EngineOptions::gpu_memory
    std::string tuning_cache;                        ///< folder; empty: nothing is kept
    std::function<bool()> stop_measuring;            ///< see EngineOptions
    std::function<void(const std::string&)> notice;  ///< see EngineOptions
    std::function<std::unique_ptr<SegmentReader>(const DecodeTarget&)> early_reader;  ///< see EngineOptions
    Trace* trace = nullptr;  ///< told when everything ran; outlives the backends
    Replication replication = Replication::automatic;
};

/// `asked`, or what automatic means on that GPU. Throws Error(device) when there is none.
Precision cuda_precision(Precision asked, int device);

/// One layer of a bound plan, measured alone with a cold L2.
struct LayerTiming {
    int layer = -1;
    std::string op;      ///< "conv", "maxpool", …: Node::name()
    std::string kernel;  ///< the candidate that was chosen, or the name of the plain kernel
    double us = 0, flops = 0, bytes = 0;
};
struct PlanTiming {
    std::vector<LayerTiming> layers;
    double network_us = 0;  ///< all of them as they run
    double peak_flops = 0;  ///< per second: the fastest candidate on a large matrix product
    double peak_bytes = 0;  ///< per second: a large copy, read and written
};

/// Device memory that a backend with `slots` slots takes, in bytes, as far as it is known before kernels are chosen.
struct DeviceMemory {
    std::size_t weights = 0, arena = 0, slots = 0;
    std::size_t tuning = 0;  ///< for a while at a start that measures kernels, before all but the weights is taken
    std::size_t total() const { return weights + arena + slots; }
    /// The most that is taken at any time of a start, but for the workspace of the kernels that will be chosen; `timer`
    /// is what measuring them takes all the while.
    std::size_t at_start(std::size_t timer) const { return weights + timer + std::max(tuning, arena + slots); }
};
/// Device memory that measuring kernels takes on that GPU beside the tensors.
std::size_t cuda_timer_bytes(int gpu);
DeviceMemory cuda_memory(const Plan& plan, Precision precision, int slots);

/// A backend on a GPU that can be looked into.
class GpuBackend : public Backend {
public:
    virtual const Plan& plan() const = 0;
    /// Microseconds of each of `runs` single runs of the network, without decode and NMS, at the batch size for `count`
    /// pictures; the host waits after each.
    virtual std::vector<double> network_us(int count, int runs) = 0;
    /// Times every layer for the batch size that `count` pictures run at.
    virtual PlanTiming profile(int count) = 0;
    /// Device memory that it has taken so far, its slots included, in bytes; the driver's and libraries' own not.
    virtual std::size_t device_bytes() const = 0;
    /// What went wrong without harm: a cache that could not be written, say.
    virtual std::vector<std::string> notes() const = 0;
};

/// One plan bound to several GPUs.
struct CudaSet {
    std::vector<std::unique_ptr<GpuBackend>> backends;  ///< one for each GPU asked for; null where it could not be made
    std::vector<std::string> failures;                  ///< why not, a sentence each; empty where it could
    ErrorKind error_kind = ErrorKind::device;           ///< of the first failure
    std::string replication;                            ///< how the weights got to the others; empty with one GPU
    double replication_s = 0;
};

/// A plan and its weights, folded and packed.
struct PackedPlan;
/// Packs a plan's weights as GPUs that compute in `precision` (not automatic) want them; needs no GPU. Throws
/// Error(unsupported) when this build has no CUDA, Error(model) when the plan has no weights. `memory_is_there` is
/// called when no page of memory will be asked for any more: while a driver starts, that takes long.
std::shared_ptr<PackedPlan> cuda_pack(Plan plan, Precision precision, Trace* trace = nullptr,
                                      const std::function<void()>& memory_is_there = {});
int max_batch_of(const PackedPlan& packed);
/// Whether it is likely that there is a usable GPU: a question of microseconds, where cuda_gpus() takes a quarter of a
/// second. Not true on some systems that have one.
bool cuda_is_likely();

/// Brings the weights to every GPU, chooses kernels once for each kind of GPU. A GPU that cannot be used or has no room
/// is a failure of its own.
CudaSet make_cuda_backends(std::shared_ptr<PackedPlan> packed, const DetectOptions& detect,
                           const std::vector<int>& gpus, const CudaOptions& options);

/// CPUs that are nearer to that GPU than others; none where all are equally near, or nothing is known.
std::vector<int> cpus_near_gpu(int gpu);

}  // namespace convoy
