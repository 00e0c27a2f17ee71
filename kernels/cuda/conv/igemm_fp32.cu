// SPDX-License-Identifier: MIT
#include "kernels/cuda/conv/igemm_kernel.cuh"

namespace convoy::kernels::cuda {

template IgemmKernel igemm_kernel<igemm::Fp32_128x128x32, false>();
template IgemmKernel igemm_kernel<igemm::Fp32_128x64x32, false>();
template IgemmKernel igemm_kernel<igemm::Fp32_128x64x16, false>();
template IgemmKernel igemm_kernel<igemm::Fp32_128x32x16, false>();
template IgemmKernel igemm_kernel<igemm::Fp32_64x64x32, false>();
template IgemmKernel igemm_kernel<igemm::Fp32_64x64x16, false>();
template IgemmKernel igemm_kernel<igemm::Fp32_64x64x32, true>();
template IgemmKernel igemm_kernel<igemm::Fp32_64x64x16, true>();

}  // namespace convoy::kernels::cuda
