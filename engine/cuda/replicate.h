// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/cuda/gpu.h"
#include "engine/cuda/patience.h"

namespace convoy {

/// Memory on a GPU that is to hold the same bytes as the others'.
struct Replica {
    int gpu;
    void* data;
    Patience* patience;  ///< with which that GPU is waited for
};

/// How bytes get there. Each call waits until they have, and throws Error where they cannot.
struct ReplicaCopies {
    std::function<void(const Replica& to)> from_host;
    std::function<void(const Replica& from, const Replica& to)> from_gpu;
    std::function<void(const std::vector<Replica>&)> broadcast;  ///< from the first to all others; empty: one by one
};

/// CUDA's copies of `bytes`, which outlive them. With Replication::nccl the others are reached by ncclBroadcast, or
/// Error(unsupported) says why NCCL cannot be used.
ReplicaCopies cuda_copies(std::span<const std::byte> bytes, Replication how);

struct Replicated {
    std::string how;     ///< for people: "by ncclBroadcast", "by copies"; empty with a single one to reach
    double seconds = 0;  ///< from the first that has the bytes to the last
    std::vector<std::string> failures;  ///< by replica: why it could not be reached; empty where it was
};

/// Brings the bytes to the first replica that takes them and from there to the others. What goes wrong with one costs
/// that one alone: where a copy between two fails, the host's bytes are taken, and the next copies start from there.
/// Throws what broadcast() throws.
Replicated replicate(const std::vector<Replica>& replicas, const ReplicaCopies& copies);

/// One ncclBroadcast from the first to all. Returns why NCCL cannot be used, or nothing when it is done; the library is
/// loaded at run time.
std::string nccl_broadcast(const std::vector<Replica>& replicas, std::size_t bytes);

}  // namespace convoy
