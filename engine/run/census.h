// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

namespace convoy {

/// Counts objects that several threads share, so that somebody can wait until the last of them is gone, from whichever
/// thread. Shared itself, since the thread that lets go last still speaks to it.
class Census : public std::enable_shared_from_this<Census> {
public:
    /// As std::make_shared<T>(arguments...), and counted until its destructor has returned.
    template <typename T, typename... Arguments>
    std::shared_ptr<T> make(Arguments&&... arguments) {
        auto object = std::make_unique<T>(std::forward<Arguments>(arguments)...);
        count(1);
        return {object.release(), [self = shared_from_this()](T* last) {
                    delete last;
                    self->count(-1);
                }};
    }
    void wait_for_none() {
        std::unique_lock lock(mutex_);
        none_.wait(lock, [&] { return living_ == 0; });
    }

private:
    void count(int more) {
        const std::lock_guard lock(mutex_);
        living_ += more;
        if (living_ == 0) none_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable none_;
    int living_ = 0;
};

}  // namespace convoy
