// SPDX-License-Identifier: MIT
#pragma once

#include "engine/cuda/backend_cuda.h"

namespace convoy {

/// Input, heads and candidates of a batch in device memory, survivors in host memory that the device writes, and a
/// graph for each batch size. Public for tests and benchmarks, which look at layers through memory().
class CudaSlot final : public Slot {
public:
    explicit CudaSlot(CudaBackend& backend);
    ~CudaSlot() override;
    void preprocess(int first, const Frame& frame, std::span<const Area> areas, DecoderSeat& seat) override;
    void drop() override;
    /// It never takes long.
    void run(int count, const std::atomic<bool>* stop = nullptr) override;
    std::optional<double> wait() override;
    std::optional<std::int64_t> collect(int index, std::vector<Detection>& out, const std::atomic<bool>& stop) override;
    std::string first_not_finite(int index) override;
    std::byte* memory() const;

    static constexpr kernels::cuda::CandidateCapacity kCapacity{};

private:
    struct Resources;

    void take_memory();
    void enqueue_postprocess(int batch, cudaStream_t stream) const;
    void capture_graphs();
    /// Where pictures lie in the network's input; and empties the lists of candidates.
    void send_transforms(cudaStream_t stream) const;
    /// Tensor `t` of picture `index` in host memory.
    std::vector<float> read(TensorId t, int index) const;
    /// Adds to candidates_.
    void decode_on_host(const Head& head, int index);
    /// All heads, and NMS; false when `stop` became true.
    bool decode_on_host(int index, const std::atomic<bool>& stop);

    CudaBackend& backend_;
    std::vector<Head> heads_;
    bool decodes_;  // the device does; with a tree of classes the host
    TensorId input_ = kNoTensor;
    int count_ = 0, batch_ = 1;  // of the last run: pictures, and the size that it ran at
    kernels::Candidates candidates_;
    std::vector<kernels::Survivor> survivors_;
    std::unique_ptr<Resources> resources_;
};

}  // namespace convoy
