// SPDX-License-Identifier: MIT
#include "kernels/cuda/conv/wgmma_kernel.cuh"

namespace convoy::kernels::cuda {

template WgmmaKernel wgmma_kernel<wgmma::Tf32_128x168x32>(bool);
template WgmmaKernel wgmma_kernel<wgmma::Tf32_128x128x32>(bool);
template WgmmaKernel wgmma_kernel<wgmma::Tf32_128x88x32>(bool);
template WgmmaKernel wgmma_kernel<wgmma::Tf32_64x128x32>(bool);

}  // namespace convoy::kernels::cuda
