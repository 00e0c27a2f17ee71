// SPDX-License-Identifier: MIT
#include "engine/run/order_step.h"

#include <limits>
#include <utility>

#include "engine/run/scheduler.h"

namespace convoy {

OrderStep::OrderStep(RunObserver& observer, Scheduler& scheduler)
    : Strand(std::numeric_limits<std::int64_t>::min()),  // before all drawing, which waits for it
      observer_(observer),
      scheduler_(scheduler),
      in_(std::numeric_limits<std::size_t>::max()) {}  // bounded by the pixels that a unit may keep

void OrderStep::add(RunUnit& unit) {
    const std::lock_guard lock(mutex_);
    units_[unit.id] = unit.shared_from_this();
    in_.open(unit.id, unit.input->lane);
}

void OrderStep::push(RunUnit& unit, PendingResult result) { in_.push(unit.id, std::move(result), 0); }
void OrderStep::close(RunUnit& unit) { in_.close(unit.id); }

bool OrderStep::step(int thread) noexcept {
    try {
        std::optional<ReorderBuffer<PendingResult>::Item> item = in_.next({});
        if (!item) return false;
        do_item(std::move(*item), "worker " + std::to_string(thread));
    } catch (...) {
        scheduler_.fail(std::current_exception());
    }
    return true;
}

void OrderStep::do_item(ReorderBuffer<PendingResult>::Item item, const std::string& track) {
    std::shared_ptr<RunUnit> unit;  // others may be done with it as soon as its end has gone on
    {
        const std::lock_guard lock(mutex_);
        const auto found = units_.find(item.unit);
        unit = found->second;
        if (!item.value) units_.erase(found);
    }
    if (!item.value) return scheduler_.on_unit_ordered(*unit);
    if (scheduler_.stopping() || unit->was_cut_off()) return unit->cut_off();
    {
        const StageScope timed = scheduler_.time_order(track);
        show(*unit, item.value->result);
    }
    scheduler_.on_ordered(*unit, std::move(*item.value));
}

// Number and time are given for good when the result comes out.
void OrderStep::show(RunUnit& unit, Result& result) {
    const InputInfo& info = unit.input->input->info();
    const Frame& frame = result.frame;
    const std::int64_t index = frame.index;
    const double time_s = frame.time_s;
    if (!unit.input->shown) unit.input->shown.emplace(info);
    unit.input->shown->number(result.frame, unit.first_stamp_s());
    result.frame.stream = unit.input->index;
    observer_.in_order(unit.input->index, info, result);
    result.frame.index = index, result.frame.time_s = time_s;
}

}  // namespace convoy
