// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <utility>

#include "engine/cuda/autotune.h"
#include "engine/cuda/gpu.h"
#include "engine/cuda/gpu_clock.h"
#include "engine/cuda/pack_weights.h"
#include "engine/cuda/pinned_pool.h"
#include "engine/cuda/ready_seats.h"
#include "engine/plan/kernel_problem.h"
#include "engine/stage.h"
#include "kernels/conv_pair.h"

namespace convoy {

/// Number format and arithmetic of a precision that is not automatic.
kernels::cuda::Math math_of(Precision precision);

/// The kernels' view of a convolution node for a batch of n, pitches included: what is tuned and packed.
kernels::cuda::Conv cuda_conv(const Plan& plan, const Node& node, kernels::cuda::Math math, int n);

/// Of a batch, the pictures on which a kernel for two convolutions is checked: both checks' tensors are there at once.
constexpr int checked_batch(int batch) { return batch > 1 ? batch / 2 : 1; }

/// The same of two of them.
kernels::cuda::ConvPair cuda_pair(const Plan& plan, ConvPairNodes nodes, kernels::cuda::Math math, int n);

/// A plan bound to one GPU for the batch sizes 1, 2, 4, … max_batch, or for max_batch alone. One compute stream runs
/// the slots' graphs one after the other; uploads and preprocessing overlap them on streams of their own.
///
/// Made in three steps, between which the weights get to all GPUs (cuda_set.cpp): the constructor, take_weights(),
/// bind().
class CudaBackend final : public GpuBackend {
public:
    CudaBackend(int gpu, Plan plan, const DetectOptions& detect, const CudaOptions& options);
    ~CudaBackend() override;
    /// Takes memory for the packed weights; what is in it comes later.
    void take_weights(const PackedWeights& packed);
    DeviceBuffer& weights() const;
    /// What a choice of kernels depends on: the same for all GPUs of a kind.
    std::string tuning_key(const CudaOptions& options) const;
    /// How many convolutions bind() would measure.
    std::size_t to_measure(const CudaOptions& options, TuningCache& cache) const;
    /// The same of two convolutions by one kernel.
    std::size_t pairs_to_measure(const CudaOptions& options, TuningCache& cache) const;
    /// Chooses kernels, takes the rest of the memory, runs every layer once.
    void bind(const CudaOptions& options, TuningCache& cache);

    std::unique_ptr<Slot> make_slot() override;
    std::unique_ptr<DecoderSeat> make_seat(const std::string& name) override;
    /// Begins to make decoders, which take_ready_seat() hands out.
    void begin_early_readers(const CudaOptions& options);
    std::optional<ReadySeat> take_ready_seat(std::chrono::milliseconds wait) override { return ready_->take(wait); }
    void keep_ready_seat(ReadySeat seat) override { ready_->keep(std::move(seat)); }
    bool alive() override;
    bool hangs() const override { return patience_->exhausted(); }
    void trim() override;
    std::string description() const override;
    std::string kernel_choice() const override;
    std::vector<StageStats> stats() const override;
    std::vector<double> network_us(int count, int runs) override;
    PlanTiming profile(int count) override;
    std::vector<std::string> notes() const override { return notes_; }
    std::size_t device_bytes() const override { return device_bytes_; }
    /// Notes its lifetime as a step of the start.
    TraceScope start_step(const char* name) const;
    void count_device_bytes(std::size_t bytes) { device_bytes_ += bytes; }
    /// A number for another slot.
    int count_slot() { return slots_++; }

    const Plan& plan() const override { return plan_; }
    const DetectOptions& detect() const { return detect_; }
    int device() const { return device_.ordinal; }
    /// The bound batch sizes, ascending.
    const std::vector<int>& batches() const { return batches_; }
    /// The smallest of them that holds `count` pictures.
    int batch_for(int count) const;
    /// Where tensor `t` lies for a batch of n.
    kernels::DeviceTensor view(TensorId t, std::byte* slot, int n) const;
    /// Enqueues the network's layers for one of batches(): capturable.
    void enqueue(std::byte* slot, int batch, cudaStream_t stream) const;
    /// One of these layers alone, and waits for it.
    void run_layer(int node, std::byte* slot, int batch) const;
    /// What there is to say about a layer whose numbers are too large: ", in fp16, which ends at 65504", or nothing.
    std::string range_note() const;
    cudaStream_t compute_stream() const;
    /// How the end of a batch is waited for.
    Patience::Manner manner() const { return manner_; }
    bool tracing() const { return trace_ != nullptr; }
    /// Notes that `name` ran on `track` between two events that have happened.
    void add_span(const std::string& track, const std::string& name, cudaEvent_t start, cudaEvent_t stop);
    PinnedPool& pinned() { return pinned_; }
    /// With which everything on the GPU is waited for.
    Patience& patience() const { return *patience_; }
    /// Keeps what lies on the GPU and is not used any more until trim(): to free it is to wait for all that runs there,
    /// with a lock that everybody needs.
    void keep_until_trim(std::shared_ptr<void> unused) noexcept;
    /// Pictures whose candidates did not fit on the device, so that the host went through them.
    StageClock& host_decode_clock() const { return host_decode_clock_; }

private:
    static constexpr double kGain = .9985;  // of the network's time: less is noise
    struct Resources;                       // everything on the device
    struct Bound {
        kernels::cuda::Conv conv;
        Autotuner::Choice choice;
        std::vector<Autotuner::Choice> others;  // until refine() has tried them
        std::string problem;                    // in the tuning cache
    };

    /// Two convolutions by one kernel.
    struct BoundPair {
        ConvPairNodes nodes;
        kernels::cuda::ConvPair pair;
        std::string row;
        std::unique_ptr<kernels::cuda::PreparedConvPair> kernel;
    };

    /// A pair whose rows are not known to be faster than the two apart.
    struct UntriedPair {
        kernels::cuda::ConvPair pair;
        int batch;
        std::vector<std::string> rows;  // that keep to the rules
        std::vector<ConvPairNodes> uses;
    };

    /// A convolution, once however many nodes and batch sizes want it.
    struct Wanted {
        Autotuner::Problem problem;
        std::vector<std::pair<int, int>> uses;  // node and batch size
    };

    // choose_kernels.cpp
    std::size_t max_workspace(const CudaOptions& options) const;
    std::vector<Wanted> wanted() const;
    bool libraries_pay(const CudaOptions& options, TuningCache& cache, const std::vector<Wanted>& wanted) const;
    void choose_kernels(const CudaOptions& options, Autotuner& tuner, TuningCache& cache);
    void bind_smaller_batches(const Autotuner& tuner);
    void keep_plans(const TuningCache& cache);
    // conv_pairs.cpp
    void choose_pairs(const CudaOptions& options, const Autotuner& tuner, TuningCache& cache);
    std::vector<std::string> sound_rows(const std::vector<const kernels::cuda::ConvPairCandidate*>& rows,
                                        const kernels::cuda::ConvPair& pair) const;
    void refine_pairs(const Autotuner& tuner, TuningCache& cache);
    /// Makes `row` compute the pair that ends with this node in a batch of this size; false: it does not serve.
    bool bind_pair(ConvPairNodes nodes, int batch, const std::string& row);
    void unbind_pair(ConvPairNodes nodes, int batch);
    /// The pair that begins or ends with this node and has a kernel; null: the node stands alone.
    const BoundPair* pair_from(int node, int batch) const;
    const BoundPair* pair_to(int node, int batch) const;
    void enqueue_pair(int second, std::byte* slot, int batch, cudaStream_t stream, bool backwards) const;
    void choose_and_check(const CudaOptions& options, TuningCache& cache);
    void take_workspace();
    void refine(Autotuner& tuner);
    /// Memory of a slot with noise for an input: nothing that is timed may run on zeros, on which a GPU runs faster.
    DeviceBuffer noisy_slot() const;
    double time_network(std::byte* slot, int batch) const;
    void self_check();
    const Bound& bound_to(int node, int batch) const;
    double peak_flops() const;
    /// Apart from its neighbours. `backwards`: see ConvPointers.
    void enqueue_node(int node, std::byte* slot, int batch, cudaStream_t stream, bool backwards = false) const;
    void enqueue_rare(int node, std::byte* slot, int batch, cudaStream_t stream) const;
    /// Whether a side branch is computed beside what comes behind it.
    bool goes_beside(const NodeRange& branch, int batch) const;
    void enqueue_conv(int node, std::byte* slot, int batch, cudaStream_t stream, bool backwards) const;
    void concat(const Node& node, std::byte* slot, int batch, cudaStream_t stream) const;

    DeviceInfo device_;
    Plan plan_;
    DetectOptions detect_;
    Precision precision_;
    std::vector<int> batches_;
    std::vector<std::string> notes_;
    std::size_t device_bytes_ = 0;
    int slots_ = 0;  // made so far
    Trace* trace_;
    const Patience::Manner manner_;
    const std::shared_ptr<Patience> patience_;  // shared with page-locked buffers, which may outlive the backend
    PinnedPool pinned_;
    std::mutex unused_mutex_;
    std::vector<std::shared_ptr<void>> unused_;
    mutable StageClock host_decode_clock_{"decode on the host"};
    std::unique_ptr<Resources> resources_;
    std::unique_ptr<ReadySeats> ready_ = std::make_unique<ReadySeats>(*this);  // goes first
};

/// The end of what lies on a GPU: `last_steps` before it, as far as that goes. What lies on one that hangs is left
/// there.
template <typename T, typename F>
void release_or_leave(CudaBackend& backend, std::unique_ptr<T>& resources, F&& last_steps) noexcept {
    try {
        const DeviceScope scope(backend.device());
        try {
            last_steps();
        } catch (const Error&) {
            // It has failed, or hangs.
        }
        if (!backend.hangs()) resources.reset();
    } catch (const Error&) {
        // A device that has failed takes its memory with it.
    }
    if (backend.hangs()) static_cast<void>(resources.release());
}

}  // namespace convoy
