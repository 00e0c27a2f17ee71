// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <convoy/run.h>
#include "engine/run/timeline.h"
#include "engine/stage.h"

namespace convoy {

/// An input whose turn has come. `input` is null when it could not be opened.
struct OpenInput {
    int index = 0;  ///< in the run
    int lane = 0;
    decltype(RunInput::open) open;
    std::stop_source cancel;  ///< of it alone, or of the whole run
    std::unique_ptr<Input> input;
    std::string error;              ///< why it could not be opened or read to its end
    bool newest = false;            ///< RunInput::newest
    bool counted = false;           ///< its length, by the scheduler
    std::int64_t frames = 0;        ///< of the segments that were cut so far, as far as that is known
    std::optional<Timeline> shown;  ///< the order step's
};

class RunUnit;
class Scheduler;

/// Hands out segments to whoever asks, in each lane's order, a lane after the other: a device that is slower, or shared
/// with others, simply asks less often. Cutting happens in the thread that asks, one thread a lane at a time; the
/// scheduler makes a unit of each segment.
class Dispatcher {
public:
    /// How far a lane's reading may be ahead of its results.
    struct Limits {
        int segments = 8;  ///< begun and not yet taken()
        std::size_t bytes = std::size_t(1)
                            << 31;  ///< of all lanes' segments that are not yet finished(); one a lane may exceed it
    };

    using Returned = std::map<std::int64_t, std::shared_ptr<RunUnit>>;  ///< by their numbers: the oldest first

    /// `clock` is told how long cutting takes.
    Dispatcher(Limits limits, Scheduler& scheduler, StageClock& clock, Trace* trace);

    /// An input by its number, which is new.
    void add(int index, RunInput input);
    /// Nothing more comes of it than what was cut; it ends in its turn.
    void end(int index);
    /// Its end has been told.
    void forget(int index);
    /// Nothing more will be added.
    void close();
    /// How many lanes have inputs or results: so many threads at most may wait inside an input at once.
    int lanes() const;
    /// The next unit, or null when no more will come. `waiting` is told true before the thread may have to wait, for an
    /// input or for others, false after; from outside of any lock.
    std::shared_ptr<RunUnit> pull(const std::function<void(bool)>& waiting);
    /// A unit that could not be finished: it is handed out again, before all others. False after stop().
    bool give_back(std::shared_ptr<RunUnit> unit);
    /// Whether one of those, begun before `unit`, waits for somebody to take it.
    bool has_returned_before(std::int64_t unit) const;
    /// All frames of a segment have their results: what it held is free.
    void finished(std::size_t bytes);
    /// A unit's results have been taken.
    void taken(int lane);
    /// A segment of an input that is being handed out, which may be read beside whoever has it; none where there is no
    /// such segment. Waits until the first was cut, but not for longer: all who cut may wait for their inputs.
    struct Sample {
        std::shared_ptr<OpenInput> input;
        std::shared_ptr<const Segment> segment;
    };
    Sample sample(std::chrono::milliseconds most);
    /// Whether nothing more will come; waits for that, but not for longer.
    bool wait_for_end(std::chrono::milliseconds most);
    /// Whether there are inputs whose turn has not come, or there may be.
    bool has_unopened() const;
    /// Nothing more is handed out; inputs that are being opened or read are told to end. Returns the units that were
    /// given back and wait.
    Returned stop();

private:
    // Until its end is told.
    struct Wanted {
        RunInput input;
        std::stop_source cancel;
    };
    struct Lane {
        std::deque<int> inputs;  // not yet opened, indices
        std::shared_ptr<OpenInput> current;
        bool busy = false;  // somebody is cutting its next segment
        int ahead = 0;
    };

    Lane* choose();
    std::shared_ptr<RunUnit> advance(Lane& lane, std::unique_lock<std::mutex>& lock);
    std::shared_ptr<const Segment> cut(OpenInput& input);
    void drop_if_done(int lane);
    bool exhausted() const;

    const Limits limits_;
    Scheduler& scheduler_;
    StageClock& clock_;
    Trace* const trace_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<int, Wanted> inputs_;
    std::map<int, Lane> lanes_;  // that have something to do
    bool open_ = true;           // more may be added
    int last_lane_ = -1;
    bool cut_any_ = false;  // something was cut, or an input has ended
    Sample sample_;         // the last that was cut, of a kind that anybody may decode
    Returned returned_;
    int unfinished_ = 0;  // segments that may still come back
    std::size_t bytes_ = 0;
    bool stopped_ = false;
};

}  // namespace convoy
