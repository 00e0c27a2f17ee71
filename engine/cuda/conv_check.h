// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "engine/cuda/handles.h"
#include "kernels/conv_pair.h"
#include "kernels/tuning.h"

namespace convoy {

/// One convolution on noise: what the oracle, "direct", makes of it, and whether another kernel keeps to the rules of
/// ConvPointers. Before and behind every tensor there is room of the check's own, and where a pitch leaves room for
/// neighbours of a slice, these are the check's as well:
///   - x has noise in its channels and surplus lanes; all around, numbers so large that they show in any sum;
///   - the residual has noise, all around NaN;
///   - y is NaN all over, or the residual where it is added in place. What is around it must stay as it is.
class ConvCheck {
public:
    struct Verdict {
        float error = 0;    ///< largest difference from the oracle as a share of what is tolerated; infinity: no number
        std::string fault;  ///< the rules that were broken, after "this kernel"; empty when it serves
    };

    /// Takes device memory for the tensors and runs the oracle. `stream` and `patience` outlive the check.
    ConvCheck(const kernels::cuda::Conv& conv, const kernels::cuda::DeviceCaps& caps,
              const kernels::cuda::ConvLibraries& libraries, cudaStream_t stream, Patience& patience);

    /// The same of a convolution that reads what `before` computes: its x is that oracle's output, its residual what
    /// that one reads.
    ConvCheck(const ConvCheck& before, const kernels::cuda::Conv& conv, const kernels::cuda::DeviceCaps& caps,
              const kernels::cuda::ConvLibraries& libraries);

    /// Device memory that a check takes, workspace aside.
    static std::size_t device_bytes(const kernels::cuda::Conv& conv);
    /// Runs the kernel and waits for it. With a residual it runs a second time, in place, where pitches allow that, as
    /// the memory plan likes it.
    Verdict judge(const kernels::cuda::PreparedConv& kernel);
    /// The same of a kernel that computes this convolution and the one `before` it. Never in place.
    Verdict judge(const kernels::cuda::PreparedConvPair& kernel, const ConvCheck& before);
    /// Enqueues one run, for timing: residual and output apart. Runs with different `copy` read weights of their own,
    /// as the layers of a network do.
    void launch(const kernels::cuda::PreparedConv& kernel, cudaStream_t stream, int copy = 0);
    /// The same of a kernel that computes this convolution and the one `before` it.
    void launch(const kernels::cuda::PreparedConvPair& kernel, const ConvCheck& before, cudaStream_t stream) const;

    static constexpr int kCopies = 8;

private:
    /// Where the tensors lie in their buffers.
    struct Layouts {
        kernels::cuda::GuardedSlice x, residual, y;
        explicit Layouts(const kernels::cuda::Conv& conv);
    };

    std::byte* first_pixel(const DeviceBuffer& buffer, const kernels::cuda::GuardedSlice& layout) const;
    kernels::cuda::ConvPointers pointers(const DeviceBuffer& to) const;
    void need_workspace(const kernels::cuda::PreparedConv& kernel);
    /// Weights, bias and outputs, and the oracle's run.
    void prepare(const kernels::cuda::DeviceCaps& caps, const kernels::cuda::ConvLibraries& libraries);
    void run(const kernels::cuda::PreparedConv& kernel, bool in_place);
    void find_faults();
    Verdict verdict();

    kernels::cuda::Conv conv_;
    Layouts layouts_;
    cudaStream_t stream_;
    Patience& patience_;
    DeviceBuffer x_, weights_, bias_, residual_, y_, expected_, faults_, workspace_;
};

}  // namespace convoy
