// SPDX-License-Identifier: MIT
#include "kernels/cuda/conv/igemm_kernel.cuh"

namespace convoy::kernels::cuda {

template IgemmKernel igemm_kernel<igemm::Half_128x64x64, false>();
template IgemmKernel igemm_kernel<igemm::Half_128x64x64, true>();
template IgemmKernel igemm_kernel<igemm::Half_128x64x32, false>();
template IgemmKernel igemm_kernel<igemm::Half_128x32x64, false>();
template IgemmKernel igemm_kernel<igemm::Half_64x128x64, false>();
template IgemmKernel igemm_kernel<igemm::Half_64x128x64, true>();
template IgemmKernel igemm_kernel<igemm::Half_64x128x32, false>();
template IgemmKernel igemm_kernel<igemm::Half_64x64x64, false>();
template IgemmKernel igemm_kernel<igemm::Half_64x64x64, true>();
template IgemmKernel igemm_kernel<igemm::Half_64x32x64, false>();
template IgemmKernel igemm_kernel<igemm::Half_64x32x64, true>();
template IgemmKernel igemm_kernel<igemm::Half_32x64x64, false>();
template IgemmKernel igemm_kernel<igemm::Half_32x64x64, true>();
template IgemmKernel igemm_kernel<igemm::Plain_128x128x32, false>();
template IgemmKernel igemm_kernel<igemm::Plain_128x64x32, false>();
template IgemmKernel igemm_kernel<igemm::Plain_128x32x32, false>();
template IgemmKernel igemm_kernel<igemm::Plain_64x64x32, false>();
template IgemmKernel igemm_kernel<igemm::Plain_64x64x32, true>();

}  // namespace convoy::kernels::cuda
