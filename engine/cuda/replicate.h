// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/backend.h"

namespace convoy {

/// Memory on a GPU that is to hold the same bytes as the others'.
struct Replica {
    int gpu;
    void* data;
};

struct Replicated {
    std::string how;                    ///< for people: "by ncclBroadcast", "by copies"
    std::vector<std::string> failures;  ///< by replica: why it could not be reached; empty where it was
};

/// Copies `bytes` bytes of the first replica to all others and waits for that. With Replication::nccl
/// Error(unsupported) where NCCL cannot be used.
Replicated replicate(const std::vector<Replica>& replicas, std::size_t bytes, Replication how);

/// One ncclBroadcast from the first to all. Returns why NCCL cannot be used, or nothing when it is done; the library is
/// loaded at run time.
std::string nccl_broadcast(const std::vector<Replica>& replicas, std::size_t bytes);

}  // namespace convoy
