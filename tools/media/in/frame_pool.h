// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace convoy::media {

/// Pixel buffers that come back when their last user lets go, from any thread and in any order; the pool may be gone
/// by then.
class FramePool {
public:
    /// A buffer of `bytes` bytes, its contents undefined.
    std::shared_ptr<std::uint8_t> take(std::size_t bytes) {
        std::unique_ptr<std::uint8_t[]> buffer;
        {
            std::lock_guard lock(free_->mutex);
            if (free_->bytes != bytes) {  // the video's size has changed
                free_->bytes = bytes;
                free_->buffers.clear();
            }
            free_->buffers.reserve(free_->buffers.size() + ++free_->taken);  // coming back must not fail
            if (!free_->buffers.empty()) {
                buffer = std::move(free_->buffers.back());
                free_->buffers.pop_back();
            }
        }
        if (!buffer) buffer.reset(new std::uint8_t[bytes]);
        return {buffer.release(), [free = free_, bytes](std::uint8_t* p) {
                    std::unique_ptr<std::uint8_t[]> back(p);
                    std::lock_guard lock(free->mutex);
                    --free->taken;
                    if (free->bytes == bytes) free->buffers.push_back(std::move(back));
                }};
    }

private:
    struct Free {
        std::mutex mutex;
        std::size_t bytes = 0, taken = 0;
        std::vector<std::unique_ptr<std::uint8_t[]>> buffers;
    };
    std::shared_ptr<Free> free_ = std::make_shared<Free>();
};

}  // namespace convoy::media
