// SPDX-License-Identifier: MIT
#include "engine/run_unit.h"

#include <utility>

namespace convoy {

RunUnit::RunUnit(Owner& owner, std::int64_t number, std::shared_ptr<OpenInput> from,
                 std::shared_ptr<const Segment> segment, std::shared_ptr<WorkRow> work_row)
    : id(number),
      input(std::move(from)),
      row(std::move(work_row)),
      endless(segment->kind() == SegmentKind::endless),
      bytes(segment->bytes()),
      owner_(owner),
      segment_(std::move(segment)) {}

std::int64_t RunUnit::delivered() const {
    const std::lock_guard lock(mutex_);
    return delivered_;
}

void RunUnit::add_frame(std::size_t pixel_bytes) {
    const std::lock_guard lock(mutex_);
    ++under_way_;
    pixel_bytes_ += pixel_bytes;
}

void RunUnit::remove_frame(std::size_t pixel_bytes) {
    const std::lock_guard lock(mutex_);
    --under_way_;
    pixel_bytes_ -= pixel_bytes;
}

bool RunUnit::has_pixel_room(std::size_t budget) const {
    const std::lock_guard lock(mutex_);
    return pixel_bytes_ <= budget;
}

void RunUnit::wait_for_pixel_room(std::size_t budget) {
    std::unique_lock lock(mutex_);
    pixel_room_.wait(lock, [&] { return cancelled_ || pixel_bytes_ <= budget; });
}

void RunUnit::cancel_waiting() {
    {
        const std::lock_guard lock(mutex_);
        cancelled_ = true;
    }
    pixel_room_.notify_all();
}

void RunUnit::release_pixels(std::size_t released) {
    {
        const std::lock_guard lock(mutex_);
        pixel_bytes_ -= released;
    }
    pixel_room_.notify_all();
}

void RunUnit::cut_off() {
    const std::lock_guard lock(mutex_);
    cut_off_ = true;
}

bool RunUnit::was_cut_off() const {
    const std::lock_guard lock(mutex_);
    return cut_off_;
}

void RunUnit::end(SegmentNotes notes, Ending ending, std::string error) {
    std::unique_lock lock(mutex_);
    notes_ = std::move(notes);
    error_ = std::move(error);
    cut_off_ = cut_off_ || ending == Ending::cut_off;
    lost_ = lost_ || ending == Ending::lost;
    ended_ = true;
    settle(lock);
}

// Results come one after the other. After one that is lost none counts: the frames from there on are done again.
void RunUnit::take(FrameOutcome outcome) noexcept {
    const std::size_t pixels = outcome.tag;  // what add_frame() was told
    std::unique_lock lock(mutex_);
    lost_ = lost_ || outcome.lost;
    const bool good = !lost_ && !outcome.error;
    if (!good) pixel_bytes_ -= pixels;
    lock.unlock();
    if (good)
        owner_.on_result(*this, std::move(outcome.result));
    else if (outcome.error && !outcome.lost)
        owner_.on_error(outcome.error);
    if (!good) pixel_room_.notify_all();
    lock.lock();
    delivered_ += good;
    --under_way_;
    settle(lock);
}

void RunUnit::settle(std::unique_lock<std::mutex>& lock) {
    if (!ended_ || under_way_ > 0) return;
    const bool again = lost_ && !cut_off_;
    ended_ = lost_ = false;
    if (!again) segment_.reset();
    lock.unlock();
    if (again)
        owner_.on_lost(*this);
    else
        owner_.on_finished(*this);
}

}  // namespace convoy
