// SPDX-License-Identifier: MIT
//
// What stands behind ConvLibraries: one object per library, each known to its own file only.
#pragma once

#include <memory>
#include <string>

#include "kernels/conv.h"

namespace convoy::kernels::cuda {

class Cudnn;     // cudnn.cpp
class CublasLt;  // cublaslt.cpp

/// Null when the library cannot be used. `description` gets its name and version, or the reason.
std::shared_ptr<Cudnn> load_cudnn(std::string& description);
std::shared_ptr<CublasLt> load_cublaslt(std::string& description);

/// 91900 as "9.19.0", the way in which both libraries number themselves.
inline std::string version_text(std::size_t v) {
    return std::to_string(v / 10000) + '.' + std::to_string(v / 100 % 100) + '.' + std::to_string(v % 100);
}

/// The rows of a library share it with the kernels they prepare, so that neither has to be destroyed first.
struct ConvLibraries::Impl {
    std::string description;
    std::shared_ptr<Cudnn> cudnn;
    std::shared_ptr<CublasLt> cublaslt;
};

}  // namespace convoy::kernels::cuda
