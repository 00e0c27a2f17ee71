// SPDX-License-Identifier: MIT
#include "engine/cuda/replicate.h"

#include "engine/cuda/handles.h"

namespace convoy {
namespace {

// CUDA goes by way of the host where two GPUs cannot reach each other.
void copy(const Replica& from, const Replica& to, std::size_t bytes) {
    const DeviceScope scope(to.gpu);
    const CudaStream stream = make_stream();
    cuda_check(cudaMemcpyPeerAsync(to.data, to.gpu, from.data, from.gpu, bytes, stream.get()), "copy of the weights");
    cuda_check(cudaStreamSynchronize(stream.get()), "copy of the weights");
}

}  // namespace

std::string replicate(const std::vector<Replica>& replicas, std::size_t bytes, Replication how) {
    if (how != Replication::copy) {
        const std::string why_not = nccl_broadcast(replicas, bytes);
        if (why_not.empty()) return "by ncclBroadcast";
        if (how == Replication::nccl) throw Error(ErrorKind::unsupported, "NCCL cannot be used: " + why_not);
    }
    for (std::size_t i = 1; i < replicas.size(); ++i) copy(replicas.front(), replicas[i], bytes);
    return "by copies";
}

}  // namespace convoy
