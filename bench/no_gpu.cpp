// SPDX-License-Identifier: MIT
//
// What takes the place of the GPU's benchmarks in a build without CUDA.
#include "bench/commands.h"
#include "darknet_loader/error.h"

namespace convoy::bench {
namespace {

[[noreturn]] void refuse() { throw Error(ErrorKind::unsupported, "this build has no CUDA backend"); }

}  // namespace

nlohmann::json bench_conv(const BenchOptions&) { refuse(); }
nlohmann::json bench_preprocess(const BenchOptions&) { refuse(); }
nlohmann::json bench_postprocess(const BenchOptions&) { refuse(); }

}  // namespace convoy::bench
