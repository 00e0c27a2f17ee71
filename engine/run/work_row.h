// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <mutex>

#include "engine/run/reorder_buffer.h"
#include "engine/run/run_unit.h"
#include "engine/run/work_pool.h"

namespace convoy {

/// A result on its way to its turn.
struct PendingResult {
    Result result;
    StageClock::Clock::time_point at;  ///< when it was there
    MemoryBudget::Hold pixels;         ///< until the frame has gone through its row
};

class Scheduler;

/// The frames of one segment, or of parts that follow each other, through one SegmentWork: in order, one at a time.
class WorkRow : public WorkPool::Strand {
public:
    /// `end_unit` is the number under which the row's own end is reported, after all its units.
    WorkRow(std::unique_ptr<SegmentWork> work, std::int64_t end_unit, Scheduler& scheduler);

    // From the thread that hands out segments, in order.
    /// The unit must live until its end has come out.
    void add(RunUnit& unit);
    void no_more_units();

    // From anywhere; whoever calls wakes the strand then.
    void push(RunUnit& unit, PendingResult result);
    void close(RunUnit& unit);

    bool step(int thread) noexcept override;
    /// Ends the work with what has gone through so far.
    void end_now();

    SegmentWork& work() { return *work_; }
    const std::int64_t end_unit;

private:
    void do_item(ReorderBuffer<PendingResult>::Item item, const std::string& track);

    const std::unique_ptr<SegmentWork> work_;
    Scheduler& scheduler_;
    ReorderBuffer<PendingResult> in_;
    std::mutex mutex_;                        // of what follows, and of the work
    std::map<std::int64_t, RunUnit*> units_;  // they own the row
    std::int64_t frames_ = 0;
    bool ended_ = false;
};

}  // namespace convoy
