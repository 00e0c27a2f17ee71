// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include <convoy/frame.h>
#include "engine/stage.h"

namespace convoy {

/// Between the thread that decodes a live input and the one that submits its frames: keeps the newest, and lets few of
/// them be under way, so that none gets old where whatever comes behind is slower than the input. Counts those that are
/// dropped for that. Until it is numbered, a frame's index says how many before it were.
class NewestFrame {
public:
    using Clock = StageClock::Clock;
    static constexpr int kMostUnderWay = 4;  ///< enough for a batch in each slot, and one that is drawn or told

    struct Decoded {
        Frame frame;
        Clock::time_point at;  ///< when it was decoded
    };

    // For the thread that decodes.
    /// A reader begins: the first, or one on another device, which cannot see what lies in the memory of that before.
    void open() {
        std::optional<Decoded> dropped;  // goes when the lock has gone
        const std::lock_guard lock(mutex_);
        dropped.swap(held_);
        dropped_ += dropped.has_value();
        open_ = true;
    }
    bool is_open() const {
        const std::lock_guard lock(mutex_);
        return open_;
    }
    /// Takes the place of one that nobody has taken.
    void put(Decoded decoded) {
        std::optional<Decoded> dropped(std::move(decoded));  // goes when the lock has gone
        {
            const std::lock_guard lock(mutex_);
            if (!first_stamp_s_) first_stamp_s_ = dropped->frame.time_s;
            held_.swap(dropped);
            dropped_ += dropped.has_value();
        }
        changed_.notify_all();
    }
    /// Nothing more comes; or, from anywhere, nothing more is wanted.
    void close() {
        {
            const std::lock_guard lock(mutex_);
            open_ = false;
        }
        changed_.notify_all();
    }

    // For the thread that submits.
    /// The newest frame, once one is there and another one may be under way; it is then, until settled(). Nothing when
    /// no more will come, or frames are to be dropped: look_again() then.
    std::optional<Decoded> take(const std::atomic<bool>& stopping) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopping || (held_ ? under_way_ < kMostUnderWay : !open_); });
        if (stopping || !held_) return std::nullopt;
        ++under_way_;
        held_->frame.index = dropped_;
        return std::exchange(held_, std::nullopt);
    }
    /// A newer one in the place of one that was taken and has waited since, if there is one of the same shape.
    void refresh(Frame& frame, Clock::time_point& at) {
        std::optional<Decoded> newer;
        {
            const std::lock_guard lock(mutex_);
            if (!held_ || !same_shape(held_->frame, frame)) return;
            newer.swap(held_);
            newer->frame.index = ++dropped_;
        }
        std::swap(frame, newer->frame);
        at = newer->at;
    }

    // From anywhere.
    /// A frame that was taken has been told, or is lost.
    void settled() {
        {
            const std::lock_guard lock(mutex_);
            --under_way_;
        }
        changed_.notify_all();
    }
    void look_again() {
        { const std::lock_guard lock(mutex_); }  // whoever is about to wait does so first
        changed_.notify_all();
    }
    /// Of the first frame that came, told or dropped: NaN where it had none, or none has come.
    double first_stamp_s() const {
        const std::lock_guard lock(mutex_);
        return first_stamp_s_.value_or(std::numeric_limits<double>::quiet_NaN());
    }
    std::int64_t dropped() const {
        const std::lock_guard lock(mutex_);
        return dropped_;
    }

private:
    // An undecodable frame is one picture, whatever tiles others have.
    static bool same_shape(const Frame& one, const Frame& other) {
        const PixelView &a = one.pixels, &b = other.pixels;
        return a.width == b.width && a.height == b.height && a.format == b.format && a.on_device == b.on_device &&
               one.undecodable == other.undecodable;
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<Decoded> held_;
    std::optional<double> first_stamp_s_;
    bool open_ = false;
    int under_way_ = 0;
    std::int64_t dropped_ = 0;
};

}  // namespace convoy
