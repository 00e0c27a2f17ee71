// SPDX-License-Identifier: MIT
#include "kernels/cuda/conv/wgmma_kernel.cuh"

namespace convoy::kernels::cuda {

template WgmmaKernel wgmma_kernel<wgmma::Tile_64x256x64>(bool);
template WgmmaKernel wgmma_kernel<wgmma::Tile_64x256x32>(bool);
template WgmmaKernel wgmma_kernel<wgmma::Tile_64x168x64>(bool);
template WgmmaKernel wgmma_kernel<wgmma::Tile_64x128x64>(bool);
template WgmmaKernel wgmma_kernel<wgmma::Tile_64x88x64_Twice>(bool);

}  // namespace convoy::kernels::cuda
