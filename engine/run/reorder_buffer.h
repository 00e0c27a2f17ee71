// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace convoy {

/// Puts what is made at once back in order. Items belong to units; units follow each other in a lane; a unit's items
/// come in order. The reader gets a lane's units one after the other, each with its items and then its end, and takes
/// turns between lanes. Items of a unit that is first in its lane go through at once.
///
/// Memory is bounded by whoever makes items asking wait_for_room() before: over `bound` bytes only the first unit of a
/// lane goes on, and it only when the reader has nothing left of it; so it always comes to an end.
template <typename T>
class ReorderBuffer {
public:
    using Clock = std::chrono::steady_clock;
    using Unit = std::int64_t;

    explicit ReorderBuffer(std::size_t bound) : bound_(bound) {}

    /// `unit`, a number of its own, comes next in its lane.
    void open(Unit unit, int lane) {
        const std::lock_guard lock(mutex_);
        lanes_[lane].push_back(unit);
        states_[unit].lane = lane;
    }

    void push(Unit unit, T item, std::size_t bytes) {
        {
            const std::lock_guard lock(mutex_);
            State& state = states_.at(unit);
            state.items.push_back({std::move(item), bytes});
            held_ += bytes;
            if (!is_first(unit, state)) return;
        }
        readable_.notify_one();
    }

    void close(Unit unit) {
        {
            const std::lock_guard lock(mutex_);
            states_.at(unit).closed = true;
        }
        readable_.notify_one();
    }

    struct Item {
        Unit unit;
        std::optional<T> value;  ///< nothing: the unit's end
    };

    /// The next item or end, or nothing if there is none until `deadline`.
    std::optional<Item> next(Clock::time_point deadline) {
        std::unique_lock lock(mutex_);
        std::optional<Item> item;
        readable_.wait_until(lock, deadline, [&] { return (item = take()).has_value(); });
        if (item && waiting_ > 0) room_.notify_all();
        return item;
    }

    /// Whether another item of this unit may be made now.
    bool has_room(Unit unit) const {
        const std::lock_guard lock(mutex_);
        return may_go_on(unit);
    }

    /// Waits until it may, cancel() was called, or `gives_up` answers with true; look_again() when it comes to do so.
    void wait_for_room(Unit unit, const std::function<bool()>& gives_up = {}) {
        std::unique_lock lock(mutex_);
        ++waiting_;
        room_.wait(lock, [&] { return cancelled_ || may_go_on(unit) || (gives_up && gives_up()); });
        --waiting_;
    }
    void look_again() {
        {
            const std::lock_guard lock(mutex_);  // whoever looks at this moment looks again
        }
        room_.notify_all();
    }

    /// Nobody waits for room any more.
    void cancel() {
        {
            const std::lock_guard lock(mutex_);
            cancelled_ = true;
        }
        room_.notify_all();
    }

    /// Whether it is the first in its lane of those whose ends have not been read.
    bool is_first(Unit unit) const {
        const std::lock_guard lock(mutex_);
        const auto state = states_.find(unit);
        return state != states_.end() && is_first(unit, state->second);
    }

    std::size_t held_bytes() const {
        const std::lock_guard lock(mutex_);
        return held_;
    }

private:
    struct State {
        int lane = 0;
        bool closed = false;
        std::deque<std::pair<T, std::size_t>> items;
    };

    bool is_first(Unit unit, const State& state) const { return lanes_.at(state.lane).front() == unit; }

    bool may_go_on(Unit unit) const {
        if (held_ <= bound_) return true;
        const State& state = states_.at(unit);
        return is_first(unit, state) && state.items.empty();
    }

    std::optional<Item> take() {
        auto lane = lanes_.upper_bound(last_lane_);
        for (std::size_t turn = 0; turn < lanes_.size(); ++turn, ++lane) {
            if (lane == lanes_.end()) lane = lanes_.begin();
            if (lane->second.empty()) continue;
            const Unit unit = lane->second.front();
            State& state = states_.at(unit);
            if (state.items.empty() && !state.closed) continue;
            last_lane_ = lane->first;
            if (state.items.empty()) {
                lane->second.pop_front();
                if (lane->second.empty()) lanes_.erase(lane);
                states_.erase(unit);
                return Item{unit, std::nullopt};
            }
            auto [value, bytes] = std::move(state.items.front());
            state.items.pop_front();
            held_ -= bytes;
            return Item{unit, std::move(value)};
        }
        return std::nullopt;
    }

    const std::size_t bound_;
    mutable std::mutex mutex_;
    std::condition_variable readable_, room_;
    std::map<int, std::deque<Unit>> lanes_;
    std::map<Unit, State> states_;
    std::size_t held_ = 0;
    int last_lane_ = -1, waiting_ = 0;
    bool cancelled_ = false;
};

}  // namespace convoy
