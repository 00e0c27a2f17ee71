// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "engine/device_worker.h"
#include "engine/dispatcher.h"

namespace convoy {

class WorkRow;

/// A segment that is being worked on: counts its frames from submission to result. A device may fail on the way; then
/// the unit is worked on again elsewhere, and results that were handed on already are not handed on again.
class RunUnit : public FrameReceiver {
public:
    /// What a unit tells whoever made it. on_result() comes in the order of frames; on_finished() once, after the last.
    class Owner {
    public:
        virtual ~Owner() = default;
        virtual void on_result(RunUnit& unit, Result result) = 0;
        virtual void on_error(std::exception_ptr error) = 0;
        /// All that will come has come.
        virtual void on_finished(RunUnit& unit) = 0;
        /// Its device has failed; nothing of it is under way any more.
        virtual void on_lost(RunUnit& unit) = 0;
    };

    RunUnit(Owner& owner, std::int64_t id, std::shared_ptr<OpenInput> input, std::shared_ptr<const Segment> segment,
            std::shared_ptr<WorkRow> row);

    const std::int64_t id;  ///< its place in the output
    const std::shared_ptr<OpenInput> input;
    const std::shared_ptr<WorkRow> row;  ///< where its frames are worked on, if they are
    const bool endless;
    const std::size_t bytes;  ///< of the segment

    /// Results that were handed on so far.
    std::int64_t delivered() const;
    std::shared_ptr<const Segment> segment() const { return segment_; }

    // For the thread that reads the segment.
    /// Counts a frame before it is submitted, with the pixels that will be kept for it.
    void add_frame(std::size_t pixel_bytes);
    /// Takes that back: the device does not take the frame.
    void remove_frame(std::size_t pixel_bytes);
    /// Whether more pixels may be kept now, and waiting for that.
    bool has_pixel_room(std::size_t budget) const;
    void wait_for_pixel_room(std::size_t budget);
    /// Nobody waits for room any more.
    void cancel_waiting();
    enum class Ending {
        complete,  ///< all frames were submitted
        cut_off,   ///< the run is being stopped
        lost,      ///< the device has failed
    };
    void end(SegmentNotes notes, Ending ending, std::string error = {});

    // For its row of work.
    void release_pixels(std::size_t bytes);
    /// Not all of its frames have gone through.
    void cut_off();

    // Once it is finished.
    const SegmentNotes& notes() const { return notes_; }
    const std::string& error() const { return error_; }  ///< why its input cannot be read any further
    bool was_cut_off() const;

    void take(FrameOutcome outcome) noexcept override;

private:
    void settle(std::unique_lock<std::mutex>& lock);

    Owner& owner_;
    std::shared_ptr<const Segment> segment_;
    mutable std::mutex mutex_;
    std::condition_variable pixel_room_;
    std::int64_t delivered_ = 0, under_way_ = 0;
    std::size_t pixel_bytes_ = 0;
    bool ended_ = false, lost_ = false, cut_off_ = false, cancelled_ = false;
    SegmentNotes notes_;
    std::string error_;
};

}  // namespace convoy
