// SPDX-License-Identifier: MIT
//
// Programmatic dependent launch: a kernel may start while its predecessor in the stream still runs. Before compute
// capability 9.0 there is no such thing, and nothing to do.
#pragma once

namespace convoy::kernels::cuda {

/// Returns when all earlier kernels have finished and their stores are visible.
__device__ __forceinline__ void griddepcontrol_wait() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// The next kernel may start once every block of this one has said so or ended.
__device__ __forceinline__ void griddepcontrol_launch_dependents() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;");
#endif
}

}  // namespace convoy::kernels::cuda
