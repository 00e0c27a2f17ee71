// SPDX-License-Identifier: MIT
#include "engine/run/memory_budget.h"

#include <utility>

namespace convoy {

struct MemoryBudget::Account {
    Account(std::size_t all, int sharers, std::size_t in_turn)
        : reserved(in_turn), limit(all - in_turn), share(limit / std::size_t(sharers)) {}

    const std::size_t reserved, limit, share;  // limit and share: out of turn, of all, of each
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t used = 0;
    std::map<User, std::size_t> users;  // those that hold something
    bool cancelled = false;
};

MemoryBudget::Hold::Hold(Hold&& other) noexcept
    : account_(std::move(other.account_)), user_(other.user_), bytes_(other.bytes_) {}

MemoryBudget::Hold& MemoryBudget::Hold::operator=(Hold&& other) noexcept {
    if (this == &other) return *this;
    release();
    account_ = std::move(other.account_);
    user_ = other.user_;
    bytes_ = other.bytes_;
    return *this;
}

void MemoryBudget::Hold::release() noexcept {
    const std::shared_ptr<Account> account = std::move(account_);
    if (!account) return;
    {
        const std::lock_guard lock(account->mutex);
        account->used -= bytes_;
        const auto user = account->users.find(user_);
        if ((user->second -= bytes_) == 0) account->users.erase(user);
    }
    account->changed.notify_all();
}

MemoryBudget::MemoryBudget(std::size_t bytes, int users, std::size_t reserved)
    : account_(std::make_shared<Account>(bytes, users, reserved)) {}

bool MemoryBudget::fits(User user, std::size_t bytes, const std::function<bool()>& its_turn) const {
    const Account& a = *account_;
    if (a.cancelled || a.used == 0) return true;
    const auto held = a.users.find(user);
    const std::size_t then = a.used + bytes;
    if (held == a.users.end()) return then <= a.limit || its_turn();
    if (then <= a.limit && held->second + bytes <= a.share) return true;
    return a.reserved > 0 && then <= a.limit + a.reserved && its_turn();
}

MemoryBudget::Hold MemoryBudget::take(User user, std::size_t bytes, const std::function<bool()>& its_turn,
                                      const std::function<void(bool)>& waiting, const std::function<bool()>& gives_up) {
    if (bytes == 0) return {};
    Account& a = *account_;
    std::unique_lock lock(a.mutex);
    bool waited = false, fitting = false;
    while (!(fitting = fits(user, bytes, its_turn)) && !(gives_up && gives_up())) {
        if (!std::exchange(waited, true) && waiting) {
            lock.unlock();
            waiting(true);
            lock.lock();
            continue;
        }
        a.changed.wait(lock);
    }
    Hold hold;
    if (fitting) {
        a.users[user] += bytes;
        a.used += bytes;
        hold = Hold(account_, user, bytes);
    }
    lock.unlock();
    if (waited && waiting) waiting(false);
    return hold;
}

void MemoryBudget::look_again() {
    {
        const std::lock_guard lock(account_->mutex);  // whoever looks at this moment looks again
    }
    account_->changed.notify_all();
}

void MemoryBudget::cancel() {
    {
        const std::lock_guard lock(account_->mutex);
        account_->cancelled = true;
    }
    account_->changed.notify_all();
}

std::size_t MemoryBudget::used() const {
    const std::lock_guard lock(account_->mutex);
    return account_->used;
}

}  // namespace convoy
