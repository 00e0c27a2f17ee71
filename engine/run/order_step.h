// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <mutex>

#include <convoy/run.h>
#include "engine/run/reorder_buffer.h"
#include "engine/run/work_row.h"

namespace convoy {

/// Shows an observer that asks for it all results in order, while their pixels are still there:
/// RunObserver::in_order().
class OrderStep : public WorkPool::Strand {
public:
    OrderStep(RunObserver& observer, Scheduler& scheduler);

    // From the thread that hands out segments, never twice at once for one lane.
    void add(RunUnit& unit);

    // From anywhere; whoever calls wakes the strand then.
    void push(RunUnit& unit, PendingResult result);
    void close(RunUnit& unit);
    /// Whether its results are those that all later ones of its lane wait for.
    bool is_next(const RunUnit& unit) const { return in_.is_first(unit.id); }

    bool step(int thread) noexcept override;

private:
    void do_item(ReorderBuffer<PendingResult>::Item item, const std::string& track);
    void show(RunUnit& unit, Result& result);

    RunObserver& observer_;
    Scheduler& scheduler_;
    ReorderBuffer<PendingResult> in_;
    std::mutex mutex_;  // of what follows
    std::map<std::int64_t, std::shared_ptr<RunUnit>> units_;
};

}  // namespace convoy
