// SPDX-License-Identifier: MIT
#include "engine/run/run_unit.h"

#include <utility>

#include "engine/run/scheduler.h"

namespace convoy {

RunUnit::RunUnit(Scheduler& scheduler, std::int64_t number, std::shared_ptr<OpenInput> from,
                 std::shared_ptr<const Segment> segment, std::shared_ptr<WorkRow> work_row)
    : id(number),
      input(std::move(from)),
      row(std::move(work_row)),
      endless(segment->kind() == SegmentKind::endless),
      newest(endless && input->newest ? std::make_unique<NewestFrame>() : nullptr),
      in_parts(segment->kind() == SegmentKind::first_part || segment->kind() == SegmentKind::next_part),
      bytes(segment->bytes()),
      scheduler_(scheduler),
      segment_(std::move(segment)) {}

std::int64_t RunUnit::delivered() const {
    const std::lock_guard lock(mutex_);
    return delivered_;
}

FrameTicket RunUnit::admit(MemoryBudget::Hold pixels) {
    const std::lock_guard lock(mutex_);
    ++under_way_;
    return {shared_from_this(), 0, std::move(pixels)};
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
    std::unique_lock lock(mutex_);
    lost_ = lost_ || outcome.lost;
    bool good = !lost_ && !outcome.error;
    lock.unlock();
    if (good) try {
            scheduler_.on_result(*this, std::move(outcome.result), std::move(outcome.pixels));
        } catch (...) {
            good = false;
            outcome.error = std::current_exception();
        }
    if (outcome.error && !outcome.lost) scheduler_.fail(outcome.error);
    outcome = {};  // before somebody may think that all is done
    if (!good && newest) newest->settled();
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
        scheduler_.on_lost(*this);
    else
        scheduler_.on_finished(*this);
}

}  // namespace convoy
