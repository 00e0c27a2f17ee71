// SPDX-License-Identifier: MIT
#include <cuda_fp16.h>

#include <algorithm>

#include "kernels/conv.h"

namespace convoy::kernels::cuda {
namespace {

template <typename T>
void pack(const Conv& conv, const float* w, const double* scale, T* packed) {
    const ConvProblem& p = conv.problem;
    const int c = p.c / p.groups, packed_c = conv.packed_c(), packed_k = conv.packed_k(), taps = p.r * p.s;
    const bool depthwise = conv.depthwise();
#pragma omp parallel for
    for (int k = 0; k < packed_k; ++k) {
        const double factor = k < p.k && scale ? scale[k] : 1;
        for (int rs = 0; rs < taps; ++rs)
            for (int ic = 0; ic < packed_c; ++ic) {
                const bool surplus = k >= p.k || ic >= c;
                const float value = surplus ? 0.f : float(w[(std::size_t(k) * c + ic) * taps + rs] * factor);
                const std::size_t at =
                    depthwise ? std::size_t(rs) * packed_k + k : (std::size_t(k) * taps + rs) * packed_c + ic;
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
