// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "engine/cuda/handles.h"

namespace convoy {

/// Page-locked buffers that come back when their last user lets go, from any thread and in any order; the pool may be
/// gone by then. They are parts of slabs, since memory is slow to lock (milliseconds a megabyte) and to unlock it is to
/// wait for all that the GPU does: that happens in trim() and at the end alone.
class PinnedPool {
public:
    /// Of a GPU, by its CUDA number.
    PinnedPool(int gpu, std::shared_ptr<const Patience> patience);

    /// A buffer of `bytes` bytes, its contents undefined.
    std::shared_ptr<std::byte> take(std::size_t bytes);
    /// Frees the slabs of which nothing is in use. When nothing runs on the GPU.
    void trim();
    /// Of all slabs.
    std::size_t bytes() const;

private:
    class Shelf;
    std::shared_ptr<Shelf> shelf_;
};

}  // namespace convoy
