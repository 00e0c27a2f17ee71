// SPDX-License-Identifier: MIT
#include "kernels/cuda/conv/libraries.h"

namespace convoy::kernels::cuda {

ConvLibraries::ConvLibraries() : impl_(std::make_unique<Impl>()) {
    std::string cudnn, cublaslt;
    impl_->cudnn = load_cudnn(cudnn);
    impl_->cublaslt = load_cublaslt(cublaslt);
    impl_->description = cudnn + ", " + cublaslt;
}

ConvLibraries::~ConvLibraries() = default;

const std::string& ConvLibraries::description() const { return impl_->description; }

}  // namespace convoy::kernels::cuda
