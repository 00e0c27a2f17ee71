// SPDX-License-Identifier: MIT
#include "kernels/cuda/conv/wgmma_kernel.cuh"

namespace convoy::kernels::cuda {

template WgmmaKernel wgmma_kernel<wgmma::Tile_128x168x64>(bool);
template WgmmaKernel wgmma_kernel<wgmma::Tile_128x128x64>(bool);
template WgmmaKernel wgmma_kernel<wgmma::Tile_128x88x64>(bool);
template WgmmaKernel wgmma_kernel<wgmma::Tile_128x64x64>(bool);

}  // namespace convoy::kernels::cuda
