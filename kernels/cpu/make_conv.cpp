// SPDX-License-Identifier: MIT
//
// Which kernel computes a convolution on this processor.
#include <string>

#include "kernels/conv.h"
#include "kernels/cpu/onednn_compat.h"

namespace convoy::kernels::cpu {

bool has_bf16() {
    constexpr auto kIsa = unsigned(dnnl::cpu_isa::avx512_core_bf16);  // AMX has it, too
    return (unsigned(dnnl::get_effective_cpu_isa()) & kIsa) == kIsa;
}

std::string library_version() {
    const dnnl::version_t& v = *dnnl::version();
    return "oneDNN " + std::to_string(v.major) + '.' + std::to_string(v.minor) + '.' + std::to_string(v.patch);
}

std::unique_ptr<Conv> make_conv(const ConvProblem& problem, ConvTypes types) {
    if (ConvFirst::supports(problem, types)) return std::make_unique<ConvFirst>(problem);
    return std::make_unique<ConvOnednn>(problem, types);
}

}  // namespace convoy::kernels::cpu
