// SPDX-License-Identifier: MIT
#include "engine/run/dispatcher.h"

#include <algorithm>
#include <utility>

#include <convoy/error.h>
#include "engine/run/scheduler.h"

namespace convoy {

Dispatcher::Dispatcher(Limits limits, Scheduler& scheduler, StageClock& clock, Trace* trace)
    : limits_(limits), scheduler_(scheduler), clock_(clock), trace_(trace) {}

void Dispatcher::add(int index, RunInput input) {
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) return;
        lanes_[input.lane].inputs.push_back(index);
        inputs_[index].input = std::move(input);
    }
    changed_.notify_all();
}

void Dispatcher::end(int index) {
    std::stop_source cancel(std::nostopstate);
    {
        const std::lock_guard lock(mutex_);
        if (const auto wanted = inputs_.find(index); wanted != inputs_.end()) cancel = wanted->second.cancel;
    }
    cancel.request_stop();  // calls what the input has asked to be called
}

void Dispatcher::forget(int index) {
    const std::lock_guard lock(mutex_);
    inputs_.erase(index);
}

void Dispatcher::close() {
    {
        const std::lock_guard lock(mutex_);
        open_ = false;
    }
    changed_.notify_all();
}

int Dispatcher::lanes() const {
    const std::lock_guard lock(mutex_);
    return int(lanes_.size());
}

std::shared_ptr<RunUnit> Dispatcher::pull(const std::function<void(bool)>& waiting) {
    std::unique_lock lock(mutex_);
    bool told = false;
    std::shared_ptr<RunUnit> unit;
    while (!stopped_) {
        if (!returned_.empty()) {
            unit = std::move(returned_.extract(returned_.begin()).mapped());
            break;
        }
        // What is being worked on may come back, so nobody leaves before all is done.
        if (exhausted() && unfinished_ == 0) break;
        if (!std::exchange(told, true)) {  // an input, too, may keep its thread waiting
            lock.unlock();                 // it may wait for a device
            waiting(true);
            lock.lock();
            continue;
        }
        if (Lane* lane = choose()) {
            if ((unit = advance(*lane, lock))) break;
            continue;
        }
        changed_.wait(lock);
    }
    lock.unlock();
    if (told) waiting(false);
    return unit;
}

// The next lane in turn that has something and may go on.
Dispatcher::Lane* Dispatcher::choose() {
    auto it = lanes_.upper_bound(last_lane_);
    for (std::size_t turn = 0; turn < lanes_.size(); ++turn, ++it) {
        if (it == lanes_.end()) it = lanes_.begin();
        Lane& lane = it->second;
        if (lane.busy || (lane.inputs.empty() && !lane.current) || lane.ahead >= limits_.segments) continue;
        if (bytes_ > limits_.bytes && lane.ahead > 0) continue;
        last_lane_ = it->first;
        return &lane;
    }
    return nullptr;
}

// Takes a lane a step further: a segment to hand out, or null: its input has ended, or a thread of its own works on the
// segment.
std::shared_ptr<RunUnit> Dispatcher::advance(Lane& lane, std::unique_lock<std::mutex>& lock) {
    lane.busy = true;
    if (!lane.current) {
        Wanted& wanted = inputs_.at(lane.inputs.front());
        lane.current = std::make_shared<OpenInput>();
        lane.current->index = lane.inputs.front();
        lane.current->lane = wanted.input.lane;
        lane.current->newest = wanted.input.newest;
        lane.current->open = std::move(wanted.input.open);
        lane.current->cancel = wanted.cancel;
        lane.inputs.pop_front();
    }
    const std::shared_ptr<OpenInput> input = lane.current;
    lock.unlock();
    std::shared_ptr<const Segment> segment = cut(*input);
    const bool ended = !segment;
    bool cancelled = false;
    {
        const std::lock_guard guard(mutex_);
        cancelled = stopped_;
    }
    std::shared_ptr<RunUnit> unit;
    if (ended && cancelled) {
        // Nobody knows whether that was its end.
    } else if (ended) {
        scheduler_.end_input(input);
    } else {
        {
            const std::lock_guard guard(mutex_);  // counted before anybody can have finished it
            ++lane.ahead;
            ++unfinished_;
            bytes_ += segment->bytes();
            cut_any_ = true;
            if (segment->kind() == SegmentKind::closed) sample_ = {input, segment};
        }
        unit = scheduler_.begin_segment(input, std::move(segment));
    }
    lock.lock();
    lane.busy = false;
    if (ended && !cancelled) lane.current.reset();
    cut_any_ = cut_any_ || ended;
    if (ended && sample_.input == input) sample_ = {};
    drop_if_done(input->lane);
    changed_.notify_all();
    return unit;
}

// Whoever has a lane in hand is cutting.
void Dispatcher::drop_if_done(int lane) {
    const auto found = lanes_.find(lane);
    const Lane& state = found->second;
    if (!state.busy && !state.current && state.inputs.empty() && state.ahead == 0) lanes_.erase(found);
}

std::shared_ptr<const Segment> Dispatcher::cut(OpenInput& input) {
    static const std::string group = "host";
    const std::string track = "demux lane " + std::to_string(input.lane);
    const StageScope timed(clock_, trace_, group, track, "demux");
    const std::stop_token cancel = input.cancel.get_token();
    if (cancel.stop_requested()) return nullptr;
    try {
        if (!input.input && input.open) input.input = input.open(cancel);
        if (!input.input) throw Error(ErrorKind::input, "RunInput::open gave no input " + std::to_string(input.index));
        return input.input->next_segment();
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::input && error.kind() != ErrorKind::unsupported) throw;
        if (cancel.stop_requested()) return nullptr;  // that is why
        input.error = error.what();
        return nullptr;
    }
}

bool Dispatcher::exhausted() const {
    if (open_) return false;
    for (const auto& [number, lane] : lanes_)
        if (!lane.inputs.empty() || lane.current) return false;
    return true;
}

Dispatcher::Sample Dispatcher::sample(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, most, [&] { return stopped_ || cut_any_ || (exhausted() && unfinished_ == 0); });
    return stopped_ ? Sample{} : sample_;
}

bool Dispatcher::wait_for_end(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, [&] { return stopped_ || (exhausted() && unfinished_ == 0); });
}

bool Dispatcher::has_unopened() const {
    const std::lock_guard lock(mutex_);
    return open_ ||
           std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return !lane.second.inputs.empty(); });
}

bool Dispatcher::give_back(std::shared_ptr<RunUnit> unit) {
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) return false;
        const std::int64_t number = unit->id;
        returned_[number] = std::move(unit);
    }
    changed_.notify_all();
    return true;
}

bool Dispatcher::has_returned_before(std::int64_t unit) const {
    const std::lock_guard lock(mutex_);
    return !returned_.empty() && returned_.begin()->first < unit;
}

void Dispatcher::finished(std::size_t bytes) {
    {
        const std::lock_guard lock(mutex_);
        --unfinished_;
        bytes_ -= bytes;
    }
    changed_.notify_all();
}

void Dispatcher::taken(int lane) {
    {
        const std::lock_guard lock(mutex_);
        --lanes_.at(lane).ahead;
        drop_if_done(lane);
    }
    changed_.notify_all();
}

Dispatcher::Returned Dispatcher::stop() {
    Returned waiting;
    std::vector<std::stop_source> cancels;
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
        waiting.swap(returned_);
        for (const auto& [index, wanted] : inputs_) cancels.push_back(wanted.cancel);
    }
    for (std::stop_source& cancel : cancels) cancel.request_stop();
    changed_.notify_all();
    return waiting;
}

}  // namespace convoy
