// SPDX-License-Identifier: MIT
#include "engine/cuda/pinned_pool.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "engine/cuda/slabs.h"

namespace convoy {
namespace {

constexpr std::size_t kLargestSlab = std::size_t(64) << 20;  // but for a buffer that is larger

}  // namespace

// What the pool and its buffers' users share.
class PinnedPool::Shelf {
public:
    Shelf(int gpu, std::shared_ptr<const Patience> patience) : gpu_(gpu), patience_(std::move(patience)) {}
    ~Shelf() { trim(); }

    Slabs::Place take(std::size_t bytes) {
        if (const std::optional<Slabs::Place> place = take_free(bytes)) return *place;
        const std::lock_guard one_grows(growing_);
        if (const std::optional<Slabs::Place> place = take_free(bytes)) return *place;
        // Small ones first, for a start without a wait; then ever fewer.
        const std::size_t wanted = std::max(Slabs::aligned(bytes), std::min(this->bytes(), kLargestSlab));
        PinnedBuffer more(wanted, patience_.get());
        const std::lock_guard lock(mutex_);
        memory_.resize(memory_.size() + 1);  // room for its number, whichever that is
        memory_[slabs_.add_slab(wanted)] = std::move(more);
        return *slabs_.take(bytes);
    }

    void put_back(const Slabs::Place& place) noexcept {
        try {
            const std::lock_guard lock(mutex_);
            slabs_.put_back(place);
        } catch (const std::bad_alloc&) {
            // Its slab is not freed before the end.
        }
    }

    void trim() noexcept {
        std::vector<PinnedBuffer> unused;
        try {
            const std::lock_guard lock(mutex_);
            unused.reserve(memory_.size());
            for (const std::size_t number : slabs_.remove_unused())
                unused.push_back(std::exchange(memory_[number], {}));
        } catch (const std::bad_alloc&) {
            // Then later.
        }
        free(std::move(unused));
    }

    std::byte* at(const Slabs::Place& place) const {
        const std::lock_guard lock(mutex_);
        return memory_[place.slab].data() + place.offset;
    }
    std::size_t bytes() const {
        const std::lock_guard lock(mutex_);
        return slabs_.bytes();
    }

private:
    void free(std::vector<PinnedBuffer> unused) const noexcept {
        if (unused.empty()) return;
        try {
            const DeviceScope scope(gpu_);  // else CUDA would make a context on the first GPU for this thread
            unused.clear();
        } catch (const Error&) {
            // A device that has failed takes its memory with it.
        }
    }

    std::optional<Slabs::Place> take_free(std::size_t bytes) {
        const std::lock_guard lock(mutex_);
        return slabs_.take(bytes);
    }

    const int gpu_;
    const std::shared_ptr<const Patience> patience_;
    std::mutex growing_;
    mutable std::mutex mutex_;
    Slabs slabs_;
    std::vector<PinnedBuffer> memory_;  // by slab
};

PinnedPool::PinnedPool(int gpu, std::shared_ptr<const Patience> patience)
    : shelf_(std::make_shared<Shelf>(gpu, std::move(patience))) {}

std::shared_ptr<std::byte> PinnedPool::take(std::size_t bytes) {
    const Slabs::Place place = shelf_->take(bytes);
    return {shelf_->at(place), [shelf = shelf_, place](std::byte*) { shelf->put_back(place); }};
}

void PinnedPool::trim() { shelf_->trim(); }
std::size_t PinnedPool::bytes() const { return shelf_->bytes(); }

}  // namespace convoy
