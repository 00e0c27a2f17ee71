// SPDX-License-Identifier: MIT
//
// What takes the place of the GPU's benchmarks in a build without CUDA.
#include <convoy/error.h>
#include "bench/commands.h"
#include "bench/harness.h"

namespace convoy::bench {
namespace {

[[noreturn]] void refuse() { throw Error(ErrorKind::unsupported, "this build has no CUDA backend"); }

}  // namespace

std::size_t device_bytes_in_use(int) { return 0; }
nlohmann::json bench_boundary(const BenchOptions&) { refuse(); }
nlohmann::json bench_conv(const BenchOptions&) { refuse(); }
nlohmann::json bench_preprocess(const BenchOptions&) { refuse(); }
nlohmann::json bench_postprocess(const BenchOptions&) { refuse(); }

}  // namespace convoy::bench
