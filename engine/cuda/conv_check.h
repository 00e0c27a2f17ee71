// SPDX-License-Identifier: MIT
#pragma once

#include "engine/cuda/handles.h"
#include "kernels/conv.h"

namespace convoy {

/// One convolution on noise: what the oracle, "direct", makes of it, and how far another kernel is from that.
class ConvCheck {
public:
    /// Takes device memory for the tensors and runs the oracle. `stream` outlives the check.
    ConvCheck(const kernels::cuda::Conv& conv, const kernels::cuda::DeviceCaps& caps,
              const kernels::cuda::ConvLibraries& libraries, cudaStream_t stream);

    /// Device memory that a check takes, workspace aside.
    static std::size_t device_bytes(const kernels::cuda::Conv& conv);
    /// Largest difference from the oracle as a share of what is tolerated: more than 1, or no number, is wrong. With a
    /// residual it is run in place where pitches allow, as the memory plan likes it.
    float error(const kernels::cuda::PreparedConv& kernel);
    /// Enqueues one run, for timing: residual and output apart. Runs with different `copy` read weights of their own,
    /// as the layers of a network do.
    void launch(const kernels::cuda::PreparedConv& kernel, cudaStream_t stream, int copy = 0);

    static constexpr int kCopies = 8;

private:
    kernels::cuda::ConvPointers pointers(const DeviceBuffer& to) const;
    kernels::DeviceTensor view(const DeviceBuffer& buffer) const;
    void need_workspace(const kernels::cuda::PreparedConv& kernel);

    kernels::cuda::Conv conv_;
    cudaStream_t stream_;
    DeviceBuffer x_, weights_, bias_, residual_, y_, expected_, worst_, workspace_;
};

}  // namespace convoy
