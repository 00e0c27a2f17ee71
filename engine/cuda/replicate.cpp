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

Replicated replicate(const std::vector<Replica>& replicas, std::size_t bytes, Replication how) {
    Replicated out{"by copies", std::vector<std::string>(replicas.size())};
    if (how == Replication::nccl) {
        const std::string why_not = nccl_broadcast(replicas, bytes);
        if (!why_not.empty()) throw Error(ErrorKind::unsupported, "NCCL cannot be used: " + why_not);
        out.how = "by ncclBroadcast";
        return out;
    }
    for (std::size_t i = 1; i < replicas.size(); ++i) {
        try {
            copy(replicas.front(), replicas[i], bytes);
        } catch (const Error& error) {
            out.failures[i] = error.what();
        }
    }
    return out;
}

}  // namespace convoy
