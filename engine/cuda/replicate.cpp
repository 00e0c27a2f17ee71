// SPDX-License-Identifier: MIT
#include "engine/cuda/replicate.h"

#include <chrono>

#include "engine/cuda/handles.h"

namespace convoy {

namespace {

// Waits for the copy: a plain cudaMemcpy() may return while bytes are still on their way from CUDA's own buffers.
template <typename F>
void copy(const Replica& to, F enqueue) {
    const DeviceScope scope(to.gpu);
    const CudaStream stream = make_stream();
    cuda_check(enqueue(stream.get()), "copy of the weights");
    wait_for(*to.patience, stream.get(), "copy of the weights");
}

}  // namespace

ReplicaCopies cuda_copies(std::span<const std::byte> bytes, Replication how) {
    ReplicaCopies copies;
    copies.from_host = [bytes](const Replica& to) {
        copy(to, [&](cudaStream_t stream) {
            return cudaMemcpyAsync(to.data, bytes.data(), bytes.size(), cudaMemcpyHostToDevice, stream);
        });
    };
    // CUDA goes by way of the host where two GPUs cannot reach each other.
    copies.from_gpu = [size = bytes.size()](const Replica& from, const Replica& to) {
        copy(to, [&](cudaStream_t stream) {
            return cudaMemcpyPeerAsync(to.data, to.gpu, from.data, from.gpu, size, stream);
        });
    };
    if (how != Replication::nccl) return copies;
    copies.broadcast = [size = bytes.size()](const std::vector<Replica>& replicas) {
        const std::string why_not = nccl_broadcast(replicas, size);
        if (!why_not.empty()) throw Error(ErrorKind::unsupported, "NCCL cannot be used: " + why_not);
    };
    return copies;
}

Replicated replicate(const std::vector<Replica>& replicas, const ReplicaCopies& copies) {
    Replicated out{{}, 0, std::vector<std::string>(replicas.size())};
    const auto reaches = [&](std::size_t i, const auto& copy) {
        try {
            copy(replicas[i]);
            out.failures[i].clear();
        } catch (const Error& error) {
            out.failures[i] = error.what();
        }
        return out.failures[i].empty();
    };
    std::size_t source = 0;
    while (source < replicas.size() && !reaches(source, copies.from_host)) ++source;
    if (source + 1 >= replicas.size()) return out;

    const auto start = std::chrono::steady_clock::now();
    out.how = copies.broadcast ? "by ncclBroadcast" : "by copies";
    if (copies.broadcast) {
        copies.broadcast({replicas.begin() + std::ptrdiff_t(source), replicas.end()});
    } else {
        for (std::size_t i = source + 1; i < replicas.size(); ++i) {
            const auto from_source = [&](const Replica& to) { copies.from_gpu(replicas[source], to); };
            if (!reaches(i, from_source) && reaches(i, copies.from_host)) source = i;
        }
    }
    out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return out;
}

}  // namespace convoy
