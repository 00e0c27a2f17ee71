// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <mutex>
#include <string>

#include "engine/run/device_worker.h"
#include "engine/run/dispatcher.h"
#include "engine/run/newest_frame.h"

namespace convoy {

class Scheduler;
class WorkRow;

/// A segment that is being worked on: counts its frames from submission to result. A device may fail on the way; then
/// the unit is worked on again elsewhere, and results that were handed on already are not handed on again.
class RunUnit : public FrameReceiver, public std::enable_shared_from_this<RunUnit> {
public:
    RunUnit(Scheduler& scheduler, std::int64_t id, std::shared_ptr<OpenInput> input,
            std::shared_ptr<const Segment> segment, std::shared_ptr<WorkRow> row);

    const std::int64_t id;  ///< its place in the output
    const std::shared_ptr<OpenInput> input;
    const std::shared_ptr<WorkRow> row;  ///< where its frames are worked on, if they are
    const bool endless;
    const std::unique_ptr<NewestFrame> newest;  ///< where it keeps to that, else null
    const bool in_parts;                        ///< others share its row
    const std::size_t bytes;                    ///< of the segment

    /// See Timeline::number().
    double first_stamp_s() const { return newest ? newest->first_stamp_s() : std::numeric_limits<double>::quiet_NaN(); }
    /// Results that were handed on so far.
    std::int64_t delivered() const;
    std::shared_ptr<const Segment> segment() const { return segment_; }

    // For the thread that reads the segment.
    /// Counts a frame from here until its ticket is settled; `pixels` are those that will be kept for it.
    FrameTicket admit(MemoryBudget::Hold pixels);
    enum class Ending {
        complete,  ///< all frames were submitted
        cut_off,   ///< the run is being stopped
        lost,      ///< the device has failed
    };
    void end(SegmentNotes notes, Ending ending, std::string error = {});

    // For its row of work.
    /// Whether others of its row wait for its frames, and all before them are done.
    bool holds_row_up() const { return in_parts && is_next_in_row_; }
    void set_next_in_row() { is_next_in_row_ = true; }
    /// Not all of its frames have gone through.
    void cut_off();

    // Once it is finished.
    const SegmentNotes& notes() const { return notes_; }
    const std::string& error() const { return error_; }  ///< why its input cannot be read any further
    bool was_cut_off() const;

    void take(FrameOutcome outcome) noexcept override;

private:
    void settle(std::unique_lock<std::mutex>& lock);

    Scheduler& scheduler_;
    std::shared_ptr<const Segment> segment_;
    mutable std::mutex mutex_;
    std::int64_t delivered_ = 0, under_way_ = 0;
    bool ended_ = false, lost_ = false, cut_off_ = false;
    std::atomic<bool> is_next_in_row_ = false;
    SegmentNotes notes_;
    std::string error_;
};

}  // namespace convoy
