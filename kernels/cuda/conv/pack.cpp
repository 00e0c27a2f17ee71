// SPDX-License-Identifier: MIT
#include <cuda_fp16.h>

#include <algorithm>
#include <cstring>

#include "kernels/conv.h"

namespace convoy::kernels::cuda {
namespace {

template <typename T>
void pack(const Conv& conv, const float* w, const double* scale, T* packed) {
    const ConvProblem& p = conv.problem;
    const int c = p.c / p.groups, packed_c = conv.packed_c(), packed_k = conv.packed_k();
    const bool depthwise = conv.depthwise();
    std::memset(packed, 0, conv.packed_elements() * sizeof(T));
#pragma omp parallel for
    for (int k = 0; k < p.k; ++k) {
        const double factor = scale ? scale[k] : 1;
        for (int ic = 0; ic < c; ++ic)
            for (int rs = 0; rs < p.r * p.s; ++rs) {
                const float value = float(w[(std::size_t(k) * c + ic) * p.r * p.s + rs] * factor);
                const std::size_t at =
                    depthwise ? std::size_t(rs) * packed_k + k : (std::size_t(k) * p.r * p.s + rs) * packed_c + ic;
                packed[at] = T(value);
            }
    }
}

}  // namespace

int Conv::packed_c() const {
    if (problem.groups > 1) return problem.c / problem.groups;
    return std::min(padded_channels(problem.c, storage(math)), x_pitch);
}

std::size_t Conv::packed_elements() const {
    const std::size_t filters = std::size_t(packed_k()) * problem.r * problem.s;
    return depthwise() ? filters : filters * packed_c();
}

void pack_weights(const Conv& conv, const float* w, const double* scale, void* packed) {
    if (storage(conv.math) == DataType::fp16)
        pack(conv, w, scale, static_cast<__half*>(packed));
    else
        pack(conv, w, scale, static_cast<float*>(packed));
}

}  // namespace convoy::kernels::cuda
