// SPDX-License-Identifier: MIT
#pragma once

namespace convoy::kernels::cuda {

/// A whole warp: true for one of its threads. Behind it the compiler knows that there is one: operands of the copy
/// engine pass to uniform registers without a loop over threads. Compute capability 9.0 and later.
__device__ __forceinline__ bool elect_one() {
    int one;
    asm volatile("{\n\t.reg .pred one;\n\telect.sync _|one, 0xffffffff;\n\tselp.b32 %0, 1, 0, one;\n\t}"
                 : "=r"(one)::"memory");
    return one != 0;
}

}  // namespace convoy::kernels::cuda
