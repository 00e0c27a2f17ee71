// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>
#include <map>

#include "engine/backend.h"
#include "kernels/conv.h"
#include "kernels/nms.h"

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

/// The kernel's view of a convolution node that reads `x`, for a batch of n.
kernels::ConvProblem conv_problem(const ConvOp& op, const Shape& x, int n);

class CpuSlot;

class CpuBackend final : public Backend {
public:
    CpuBackend(Plan plan, const DetectOptions& detect, int threads);
    ~CpuBackend() override;
    std::unique_ptr<Slot> make_slot() override;
    std::string description() const override;

    const Plan& plan() const { return plan_; }
    /// Where `t` of a batch of `batch` pictures lies; `slot` is the slot's memory.
    kernels::Tensor view(TensorId t, int batch, std::byte* slot) const;

private:
    friend class CpuSlot;
    struct Conv;       // one convolution, prepared for every batch size
    struct BatchNorm;  // one that could not be folded

    void prepare(int node, const ConvOp& op);
    void prepare(int node, const BatchNormOp& op, BatchNormFormula formula);
    void run(std::byte* slot, int count);
    void run_node(int index, int size_index, std::byte* slot);
    void run_conv(int node, const ConvOp& op, int size_index, std::byte* slot);
    void concat(const Node& node, int batch, std::byte* slot) const;

    Plan plan_;
    DetectOptions detect_;
    int threads_;
    std::vector<int> batch_sizes_;  // 1, 2, 4, …, max_batch
    std::map<int, Conv> convs_;     // by node
    std::map<int, BatchNorm> batchnorms_;
    HostBuffer arena_, scratch_;
};

/// A slot in host memory. Public for tests, which look at layers through view().
class CpuSlot final : public Slot {
public:
    explicit CpuSlot(CpuBackend& backend);
    void preprocess(int index, const PixelView& picture) override;
    void run(int count) override { backend_.run(memory_.data(), count); }
    void collect(int index, std::vector<Detection>& out) override;
    std::byte* memory() const { return memory_.data(); }

private:
    struct Head {
        kernels::YoloHead decode;
        TensorId tensor;
    };
    CpuBackend& backend_;
    HostBuffer memory_;
    TensorId input_;
    std::vector<Head> heads_;
    std::vector<kernels::BoxTransform> transforms_;  // by picture of the batch
    kernels::Candidates candidates_;
    std::vector<kernels::Survivor> survivors_;
};

}  // namespace convoy
