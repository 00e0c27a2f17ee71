// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdlib>
#include <map>

#include <convoy/trace.h>
#include "engine/cpu/cpu.h"
#include "engine/cpu/lane_team.h"
#include "engine/plan/kernel_problem.h"

namespace convoy {

/// Cache-line aligned bytes that are not touched before they are used.
class HostBuffer {
public:
    HostBuffer() = default;
    explicit HostBuffer(std::size_t bytes);
    std::byte* data() const { return data_.get(); }

private:
    struct Free {
        void operator()(std::byte* p) const { std::free(p); }
    };
    std::unique_ptr<std::byte, Free> data_;
};

class CpuSlot;

/// A batch is run picture by picture, several side by side in *lanes* of a few threads each: no thread waits for
/// another inside a layer, and a picture's activations stay in the cache. A lone picture gets all threads, unless all
/// are to have the same bits.
class CpuBackend final : public Backend {
public:
    /// `name` is that of the device in `trace`, which may be null and outlives the backend.
    CpuBackend(Plan plan, const DetectOptions& detect, int threads, Precision precision = Precision::fp32,
               Trace* trace = nullptr, std::string name = "cpu", bool same_bits = false);
    ~CpuBackend() override;
    std::unique_ptr<Slot> make_slot() override;
    std::unique_ptr<DecoderSeat> make_seat(const std::string& name) override;
    std::string description() const override;

    const Plan& plan() const { return plan_; }
    /// Bytes of working memory: arenas and scratch of all lanes.
    std::size_t working_bytes() const;
    /// Where tensor `t` of picture `picture` lies: in the slot, or, until the lane's next picture, in the lane's arena.
    kernels::HostTensor tensor(TensorId t, std::byte* slot, int picture = 0, int lane = 0) const;
    /// The same of one that is fp32, as all in a slot are.
    kernels::Tensor view(TensorId t, std::byte* slot, int picture = 0, int lane = 0) const {
        return tensor(t, slot, picture, lane).floats();
    }

    /// Milliseconds that each node of the plan takes for the first picture of `slot`, with all threads: the least of
    /// `passes` runs of the whole network, after `warmup` more. Other programs on the machine delay every barrier.
    std::vector<double> node_ms(std::byte* slot, int warmup, int passes);
    /// One node of the plan for one picture of `slot`, in the first lane's arena with all threads.
    void run_layer(int node, std::byte* slot, int picture);

    /// Whether to go on with a batch, as seen by all threads that work on it. Public for tests.
    class Patience {
    public:
        using Asked = std::atomic<LaneTeam::Clock::rep>;  ///< when a stop was first seen; 0 while there is none
        /// `asked` is that of all batches of a backend.
        explicit Patience(Asked& asked) : asked_(asked) {}
        /// For another batch. A null pointer is never true.
        void restart(const std::atomic<bool>* stop);
        /// The first picture's turn has come: if that is after the stop, it is over.
        void begin() {
            if (stop_ && *stop_) is_over_ = true;
        }
        /// A while after a stop it is.
        bool is_over();
        bool was_over() const { return is_over_; }  ///< when it was last asked

    private:
        Asked& asked_;
        const std::atomic<bool>* stop_ = nullptr;
        std::atomic<bool> is_over_{false};
    };

private:
    friend class CpuSlot;
    struct Kernels {                                              // of a convolution's problem
        std::unique_ptr<kernels::cpu::Conv> wide;                 // all threads on one picture
        std::vector<std::unique_ptr<kernels::cpu::Conv>> narrow;  // by lane: a kernel serves one thread at a time
    };
    struct Conv {                                 // one convolution, packed
        const Kernels& kernels;                   // many layers are the same problem
        HostBuffer wide_weights, narrow_weights;  // the second only where the kernels want different layouts
        std::vector<float> bias;
    };
    struct BatchNorm {  // one that could not be folded
        std::vector<float> scale, bias;
    };
    struct Lane {
        HostBuffer arena, scratch;
    };
    struct Place {  // of a picture in the works
        std::byte* slot;
        int picture, lane;
        bool wide;  // with all threads
    };

    kernels::DataType type_of(TensorId t) const;
    Kernels& kernels_for(const kernels::ConvProblem& problem, kernels::cpu::ConvTypes types);
    void prepare(int node, const ConvOp& op);
    void prepare(int node, const BatchNormOp& op, BatchNormFormula formula);
    void run(CpuSlot& slot, int count);
    void run_picture(const Place& place, Patience& patience);
    void run_node(int index, const Place& place);
    void run_conv(int index, const ConvOp& op, const Place& place);
    bool run_in_bf16(const Node& node, const Place& place) const;
    void run_in_floats(int index, const Place& place) const;
    void run_floats(int index, const std::vector<kernels::Tensor>& in, const kernels::Tensor& out) const;
    void run_rare(const Node& node, const std::vector<kernels::Tensor>& in, const kernels::Tensor& out) const;
    void concat(const Node& node, const Place& place) const;
    kernels::HostTensor tensor(TensorId t, const Place& p) const { return tensor(t, p.slot, p.picture, p.lane); }

    Plan plan_;
    DetectOptions detect_;
    Precision precision_;
    int threads_;       // in all
    int wide_threads_;  // of a lone picture
    int lane_threads_;  // of each lane
    bool same_bits_;
    Trace* trace_;
    std::string name_;
    std::map<std::pair<kernels::ConvProblem, kernels::cpu::ConvTypes>, Kernels> kernels_;
    std::map<int, Conv> convs_;  // by node
    std::map<int, BatchNorm> batchnorms_;
    std::map<const LocalOp*, std::pair<std::vector<float>, std::vector<float>>> locals_;  // weights, bias
    std::vector<Lane> lanes_;
    std::size_t scratch_bytes_ = 0;
    Patience::Asked asked_to_stop_{0};
    LaneTeam team_;
};

/// A slot in host memory. Public for tests, which look at layers through view().
class CpuSlot final : public Slot {
public:
    explicit CpuSlot(CpuBackend& backend);
    ~CpuSlot() override;
    void preprocess(int first, const Frame& frame, std::span<const Area> areas, DecoderSeat& seat) override;
    void run(int count, const std::atomic<bool>* stop = nullptr) override;
    std::optional<double> wait() override;
    std::optional<std::int64_t> collect(int index, std::vector<Detection>& out, const std::atomic<bool>& stop) override;
    std::string first_not_finite(int index) override;
    std::byte* memory() const { return memory_.data(); }

private:
    friend class CpuBackend;
    void decode(const Head& head, int index);

    CpuBackend& backend_;
    LaneTeam::Batch batch_;
    CpuBackend::Patience patience_;
    HostBuffer memory_;
    TensorId input_;
    std::vector<Head> heads_;
    std::vector<kernels::BoxTransform> transforms_;  // by picture of the batch
    kernels::Candidates candidates_;
    std::vector<kernels::Survivor> survivors_;
};

}  // namespace convoy
