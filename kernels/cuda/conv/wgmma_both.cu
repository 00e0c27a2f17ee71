// SPDX-License-Identifier: MIT
#include "kernels/cuda/conv/wgmma_kernel.cuh"

namespace convoy::kernels::cuda {

template WgmmaKernel wgmma_kernel<wgmma::Both_128x168x64>();
template WgmmaKernel wgmma_kernel<wgmma::Both_128x128x64>();
template WgmmaKernel wgmma_kernel<wgmma::Both_128x88x64>();
template WgmmaKernel wgmma_kernel<wgmma::Both_128x64x64>();

}  // namespace convoy::kernels::cuda
