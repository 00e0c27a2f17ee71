// SPDX-License-Identifier: MIT
#include "kernels/cuda/conv/igemm_kernel.cuh"

namespace convoy::kernels::cuda {

template IgemmKernel igemm_kernel<igemm::Half_256x128x64, false>();
template IgemmKernel igemm_kernel<igemm::Half_224x128x64, false>();
template IgemmKernel igemm_kernel<igemm::Half_256x64x32, false>();
template IgemmKernel igemm_kernel<igemm::Half_128x128x64, false>();
template IgemmKernel igemm_kernel<igemm::Half_96x128x64, false>();
template IgemmKernel igemm_kernel<igemm::Half_128x128x32, false>();

}  // namespace convoy::kernels::cuda
