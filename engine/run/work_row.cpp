// SPDX-License-Identifier: MIT
#include "engine/run/work_row.h"

#include <limits>
#include <utility>

#include "engine/run/scheduler.h"

namespace convoy {
WorkRow::WorkRow(std::unique_ptr<SegmentWork> work, std::int64_t row_end, Scheduler& scheduler)
    : Strand(row_end),  // the oldest first: what it holds comes out soonest
      end_unit(row_end),
      work_(std::move(work)),
      scheduler_(scheduler),
      in_(std::numeric_limits<std::size_t>::max()) {}  // bounded by the pixels that a unit may keep

void WorkRow::add(RunUnit& unit) {
    const std::lock_guard lock(mutex_);
    in_.open(unit.id, 0);
    units_[unit.id] = &unit;
    units_.begin()->second->set_next_in_row();
}

void WorkRow::no_more_units() {
    in_.open(end_unit, 0);
    in_.close(end_unit);
}

void WorkRow::push(RunUnit& unit, PendingResult result) { in_.push(unit.id, std::move(result), 0); }
void WorkRow::close(RunUnit& unit) { in_.close(unit.id); }

bool WorkRow::step(int thread) noexcept {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;
    try {
        std::optional<ReorderBuffer<PendingResult>::Item> item = in_.next({});
        if (!item) return false;
        do_item(std::move(*item), "worker " + std::to_string(thread));
    } catch (...) {
        ended_ = true;
        scheduler_.fail(std::current_exception());
    }
    return true;
}

void WorkRow::do_item(ReorderBuffer<PendingResult>::Item item, const std::string& track) {
    if (item.unit == end_unit) {
        ended_ = true;
        {
            const StageScope timed = scheduler_.time_work(track, "end");
            work_->end();
        }
        scheduler_.on_row_done(end_unit);
        return;
    }
    if (!item.value) {
        units_.erase(item.unit);
        if (!units_.empty()) units_.begin()->second->set_next_in_row();
        scheduler_.on_unit_worked(item.unit);
        return;
    }
    RunUnit& unit = *units_.at(item.unit);
    Result& result = item.value->result;
    const bool is_cut_off = scheduler_.stopping() || unit.was_cut_off();
    if (is_cut_off) {
        unit.cut_off();
    } else {
        const StageScope timed = scheduler_.time_work(track, "frame");
        const std::int64_t dropped = std::exchange(result.frame.index, frames_++);
        work_->frame(result);
        result.frame.index = dropped;
    }
    if (is_cut_off || !scheduler_.wants_picture(unit)) {
        result.frame.owner.reset();
        result.frame.pixels.plane[0] = result.frame.pixels.plane[1] = nullptr;
    }
    item.value->pixels.release();
    if (!is_cut_off) scheduler_.on_worked(item.unit, std::move(*item.value));
}

void WorkRow::end_now() {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    work_->end();
}

}  // namespace convoy
