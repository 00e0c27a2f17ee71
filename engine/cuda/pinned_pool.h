// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "engine/cuda/handles.h"

namespace convoy {

/// Page-locked buffers that come back when their last user lets go, from any thread and in any order; the pool may be
/// gone by then. Taking page-locked memory anew costs as much as copying a picture a hundred times.
class PinnedPool {
public:
    /// A buffer of `bytes` bytes, its contents undefined.
    std::shared_ptr<std::byte> take(std::size_t bytes) {
        std::unique_ptr<PinnedBuffer> buffer;
        {
            const std::lock_guard lock(free_->mutex);
            auto& same_size = free_->buffers[bytes];
            if (!same_size.empty()) {
                buffer = std::move(same_size.back());
                same_size.pop_back();
            }
        }
        if (!buffer) buffer = std::make_unique<PinnedBuffer>(bytes);
        std::byte* data = buffer->data();
        return {data, [free = free_, kept = std::shared_ptr(std::move(buffer))](std::byte*) mutable {
                    const std::lock_guard lock(free->mutex);
                    free->buffers[kept->bytes()].push_back(std::make_unique<PinnedBuffer>(std::move(*kept)));
                }};
    }

private:
    struct Free {
        std::mutex mutex;
        std::map<std::size_t, std::vector<std::unique_ptr<PinnedBuffer>>> buffers;
    };
    std::shared_ptr<Free> free_ = std::make_shared<Free>();
};

}  // namespace convoy
