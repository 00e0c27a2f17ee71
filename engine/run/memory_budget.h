// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

namespace convoy {

/// Bounds the bytes that several users hold at a time. A user whose turn it is and who holds nothing gets what it asks
/// for all the same, and so does whoever asks while nobody holds anything: so whatever waits for one of the two always
/// goes on. Where users are many, each holds a fair share at most; but what is reserved is for those whose turn it is,
/// who then may hold more.
class MemoryBudget {
    struct Account;

public:
    using User = std::int64_t;

    /// Bytes that are in use until this is gone. May outlive the budget; from any thread.
    class Hold {
    public:
        Hold() = default;
        Hold(Hold&& other) noexcept;
        Hold& operator=(Hold&& other) noexcept;
        ~Hold() { release(); }
        void release() noexcept;

    private:
        friend class MemoryBudget;
        Hold(std::shared_ptr<Account> account, User user, std::size_t bytes)
            : account_(std::move(account)), user_(user), bytes_(bytes) {}
        std::shared_ptr<Account> account_;
        User user_ = 0;
        std::size_t bytes_ = 0;
    };

    /// `users`: how many may hold something at a time, as a rule. `reserved`: of `bytes`.
    explicit MemoryBudget(std::size_t bytes, int users = 1, std::size_t reserved = 0);

    /// Takes `bytes` for `user`; waits for them if need be. `waiting`, if there is one, is told true before that and
    /// false after it. `its_turn` may be asked at any time, from this thread, and so may `gives_up`, whose "true" ends
    /// the waiting with nothing held; look_again() when one answers otherwise.
    Hold take(User user, std::size_t bytes, const std::function<bool()>& its_turn,
              const std::function<void(bool)>& waiting = {}, const std::function<bool()>& gives_up = {});
    void look_again();
    /// Nobody waits any more: whoever asks gets what it asks for.
    void cancel();

    std::size_t used() const;

private:
    bool fits(User user, std::size_t bytes, const std::function<bool()>& its_turn) const;

    std::shared_ptr<Account> account_;
};

}  // namespace convoy
