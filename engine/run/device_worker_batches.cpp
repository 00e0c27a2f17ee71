// SPDX-License-Identifier: MIT
//
// A device's two threads: batches through the network, and what was found in them.
#include <algorithm>
#include <optional>
#include <utility>

#include <convoy/error.h>
#include "engine/run/device_worker.h"
#include "engine/run/postprocess.h"
#include "engine/run/tiles.h"

namespace convoy {
namespace {

const std::string kNetworkTrack = "network (host)", kPostprocessTrack = "post-process";

}  // namespace

DeviceWorker::Clock::time_point DeviceWorker::deadline(const Batch& batch) const {
    if (options_.max_latency_ms < 0) return Clock::time_point::max();
    return batch.places.front().arrival->at + std::chrono::duration_cast<Clock::duration>(
                                                  std::chrono::duration<double, std::milli>(options_.max_latency_ms));
}

// Whether the oldest batch may go now.
bool DeviceWorker::is_due(const Batch& batch) const {
    if (batch.filled < batch.places.size()) return false;  // somebody is still writing into it
    if (batch.closed || dropping_ || !failure_.empty()) return true;
    if (eager_ && in_flight_ == 0 && held_up_ >= producers_) return true;
    return Clock::now() >= deadline(batch);
}

DeviceWorker::BatchPtr DeviceWorker::next_batch() {
    std::unique_lock lock(mutex_);
    for (;;) {
        if (open_.empty() && stopping_) return nullptr;
        if (!open_.empty() && is_due(*open_.front())) break;
        const bool timed =
            !open_.empty() && options_.max_latency_ms >= 0 && open_.front()->filled == open_.front()->places.size();
        if (timed)
            work_.wait_until(lock, deadline(*open_.front()));
        else
            work_.wait(lock);
    }
    BatchPtr batch = std::move(open_.front());
    open_.pop_front();
    batch->closed = true;
    batch->lost = dropping_ || !failure_.empty();
    ++in_flight_;
    return batch;
}

// What goes wrong beside a batch is the end of the device; the batch's frames are lost with it.
void DeviceWorker::network_loop() {
    while (BatchPtr batch = next_batch()) {
        try {
            if (!batch->lost) run_batch(*batch);
            hand_on(batch);
        } catch (...) {
            fail(std::current_exception());
            let_go(*batch);
        }
    }
    hand_on(nullptr);
}

void DeviceWorker::hand_on(BatchPtr batch) {
    {
        const std::lock_guard lock(mutex_);
        running_.push_back(std::move(batch));
    }
    ran_.notify_one();
}

DeviceWorker::BatchPtr DeviceWorker::next_ran() {
    std::unique_lock lock(mutex_);
    ran_.wait(lock, [&] { return !running_.empty(); });
    BatchPtr batch = std::move(running_.front());
    running_.pop_front();
    return batch;
}

void DeviceWorker::run_batch(Batch& batch) {
    const int count = int(batch.places.size());
    if (before_batch_) {
        try {
            before_batch_(options_.name, pictures_);
        } catch (...) {
            fail(std::current_exception());
            batch.lost = true;
            return;
        }
    }
    const auto start = Clock::now();
    try {
        const std::lock_guard alone(network_mutex_);
        batch.slot->run(count, &dropping_);
    } catch (...) {
        blame(batch, std::current_exception());
    }
    pictures_ += count;
    if (options_.trace)
        options_.trace->add(options_.name, kNetworkTrack, "batch of " + std::to_string(count), start, Clock::now());
}

void DeviceWorker::postprocess_loop() {
    while (const BatchPtr batch = next_ran()) {
        try {
            if (!batch->lost && !batch->error) wait_for(*batch);
            collect(*batch);
        } catch (...) {
            fail(std::current_exception());
        }
        let_go(*batch);
        for (const Place& place : batch->places) {
            Arrival& arrival = *place.arrival;
            arrival.outcome.lost = arrival.outcome.lost || batch->lost;
            if (place.is_last()) arrival.frame = {}, arrival.ticket.settle(std::move(arrival.outcome));
        }
    }
}

// An error is the device's when it answers nothing any more, else the batch's.
void DeviceWorker::blame(Batch& batch, std::exception_ptr error) {
    batch.error = error;
    if (takes_blame(error)) batch.lost = true;
}

void DeviceWorker::wait_for(Batch& batch) {
    try {
        const std::optional<double> ms = batch.slot->wait();
        if (!ms) {
            batch.lost = true;
            return;
        }
        network_clock_.add(*ms);
        const std::lock_guard lock(mutex_);
        network_s_ += *ms * 1e-3;
        network_pictures_ += std::int64_t(batch.places.size());
    } catch (...) {
        blame(batch, std::current_exception());
    }
}

void DeviceWorker::collect(Batch& batch) {
    const bool whole = !batch.lost && !batch.error;
    for (std::size_t i = 0; i < batch.places.size(); ++i) look_at(batch, int(i));
    // A device that falls while a batch is on it may seem to have finished it.
    if (whole && !backend_->alive())
        blame(batch, std::make_exception_ptr(Error(ErrorKind::device, options_.name + " has failed under a batch")));
}

void DeviceWorker::look_at(Batch& batch, int index) {
    const Place& place = batch.places[std::size_t(index)];
    Arrival& arrival = *place.arrival;
    FrameOutcome& out = arrival.outcome;
    if (place.is_last()) out.result.frame = std::move(arrival.frame);
    if (!out.error) out.error = place.error ? place.error : batch.error;
    // Batches are lost when all is dropped, so the rest of a batch goes with a frame that has lost a picture before.
    arrival.lost = batch.lost = batch.lost || arrival.lost;
    if (batch.lost || out.error) return;
    const StageScope timed(postprocess_clock_, options_.trace, options_.name, kPostprocessTrack, "post-process");
    try {
        if (!out.result.frame.undecodable && !find(*batch.slot, index, place)) arrival.lost = batch.lost = true;
    } catch (...) {
        out.error = std::current_exception();
        if (!backend_->alive()) blame(batch, out.error);
    }
    if (!place.is_last()) return;
    out.result.latency_ms = std::chrono::duration<double, std::milli>(Clock::now() - arrival.at).count();
    latency_clock_.add(out.result.latency_ms);
}

// False when frames are dropped and this one would take long.
bool DeviceWorker::find(Slot& slot, int index, const Place& place) {
    Arrival& arrival = *place.arrival;
    Result& result = arrival.outcome.result;
    const Area& area = arrival.areas[place.picture];
    std::vector<Detection>& found = arrival.found.emplace_back();
    const std::optional<std::int64_t> not_finite = slot.collect(index, found, dropping_);
    if (!not_finite) return false;
    result.not_finite += *not_finite;
    finish_picture(options_.detect, area.width, area.height, found);
    if (*not_finite > 0) {
        const std::string layer = seek_not_finite(slot, index);
        if (result.first_not_finite.empty()) result.first_not_finite = layer;
    }
    return !place.is_last() || finish(arrival);
}

// Of all its pictures it is known by now what was found.
bool DeviceWorker::finish(Arrival& arrival) {
    Result& result = arrival.outcome.result;
    const PixelView& picture = result.frame.pixels;
    if (arrival.found.size() == 1) {
        result.detections = std::move(arrival.found.front());
    } else {
        std::optional<std::vector<Detection>> joined =
            join_tiles(options_.detect, arrival.areas, arrival.found, dropping_);
        if (!joined) return false;
        result.detections = std::move(*joined);
    }
    finish_frame(options_.detect, picture.width, picture.height, result.detections);
    return true;
}

// Once a run, since it takes as long as a batch, and longer on a GPU.
std::string DeviceWorker::seek_not_finite(Slot& slot, int index) {
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(sought_, true)) return {};
    }
    const std::lock_guard alone(network_mutex_);
    return slot.first_not_finite(index);
}

// The slot is free before its results are taken, so that a slow reader does not hold the network up.
void DeviceWorker::let_go(Batch& batch) {
    if (batch.lost || batch.error) batch.slot->drop();
    {
        const std::lock_guard lock(mutex_);
        --in_flight_;
        free_.push_back(batch.slot);
        const bool whole = !batch.lost && !batch.error;
        batch.lost = batch.lost || !failure_.empty();
        if (whole) ++batch_counts_[batch.places.size()];
        if (whole && !batch.lost)
            frames_ +=
                std::count_if(batch.places.begin(), batch.places.end(), [](const Place& p) { return p.is_last(); });
    }
    room_.notify_all();
    work_.notify_one();
}

}  // namespace convoy
