// SPDX-License-Identifier: MIT
//
// What takes the place of engine/cuda/ in a build without CUDA.
#include "engine/cuda/gpu.h"

namespace convoy {
namespace {

[[noreturn]] void refuse() { throw Error(ErrorKind::unsupported, "this build has no CUDA backend"); }

}  // namespace

GpuCount cuda_gpus() { return {0, false, "this build has no CUDA backend"}; }
Precision cuda_precision(Precision, int) { refuse(); }
std::string cuda_why_unusable(int) { refuse(); }
BackendTraits cuda_traits(Precision) { refuse(); }
std::size_t cuda_timer_bytes(int) { refuse(); }
DeviceMemory cuda_memory(const Plan&, Precision, int) { refuse(); }
struct PackedPlan {};
std::shared_ptr<PackedPlan> cuda_pack(Plan, Precision, Trace*, const std::function<void()>&) { refuse(); }
int max_batch_of(const PackedPlan&) { refuse(); }
bool cuda_is_likely() { return false; }
CudaSet make_cuda_backends(std::shared_ptr<PackedPlan>, const DetectOptions&, const std::vector<int>&,
                           const CudaOptions&) {
    refuse();
}
std::vector<int> cpus_near_gpu(int) { return {}; }

}  // namespace convoy
