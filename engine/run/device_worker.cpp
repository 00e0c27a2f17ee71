// SPDX-License-Identifier: MIT
#include "engine/run/device_worker.h"

#include <algorithm>
#include <new>
#include <utility>

#include <convoy/error.h>
#include "engine/run/postprocess.h"
#include "engine/run/thread_affinity.h"
#include "engine/run/tiles.h"
#include "engine/start_thread.h"

namespace convoy {
namespace {

const std::string kNetworkTrack = "network (host)", kPostprocessTrack = "post-process";

std::string what(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::bad_alloc&) {
        return "out of memory";
    } catch (const std::exception& e) {
        return e.what();
    } catch (...) {
        return "an unknown exception";
    }
}

// Lets its seat know when the frame that it was submitted from is in its places, or given up.
struct FrameDone {
    explicit FrameDone(DecoderSeat& its_seat) : seat(its_seat) {}
    ~FrameDone() { seat.frame_done(); }
    FrameDone(const FrameDone&) = delete;
    FrameDone& operator=(const FrameDone&) = delete;
    DecoderSeat& seat;
};

}  // namespace

DeviceWorker::DeviceWorker(std::unique_ptr<Backend> backend, WorkerOptions options)
    : backend_(std::move(backend)), options_(std::move(options)), batch_counts_(std::size_t(options_.max_batch) + 1) {
    free_.reserve(std::size_t(options_.slots));
    for (int i = 0; i < options_.slots; ++i) {
        slots_.push_back(backend_->make_slot());
        free_.push_back(slots_.back().get());
    }
    const auto start = [this](void (DeviceWorker::*loop)()) {
        start_thread(threads_, [this, loop] {
            become_device_thread(options_.cpus);
            (this->*loop)();
        });
    };
    try {
        start(&DeviceWorker::network_loop);
        start(&DeviceWorker::postprocess_loop);
    } catch (...) {
        stop();
        throw;
    }
}

DeviceWorker::~DeviceWorker() { stop(); }

void DeviceWorker::stop() {
    {
        const std::lock_guard lock(mutex_);
        dropping_ = stopping_ = true;
    }
    room_.notify_all();
    work_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

bool DeviceWorker::submit(Frame frame, Clock::time_point decoded_at, DecoderSeat& seat, Keep keep, FrameTicket ticket) {
    const PixelView& p = frame.pixels;
    std::vector<Area> areas =
        frame.undecodable ? std::vector{whole_area(p)} : tile_areas(options_.detect.tiles, p.width, p.height);
    const std::size_t pictures = areas.size();
    const auto arrival =
        std::make_shared<Arrival>(Arrival{std::move(ticket), std::move(frame), decoded_at, std::move(areas)});
    const FrameDone done(seat);
    for (std::size_t next = 0; next < pictures;) {
        const Reserved reserved = reserve(arrival, next, seat);
        if (!reserved.batch) return false;
        next += reserved.places.size();
        fill(reserved, seat, keep);
        filled(reserved);
    }
    return true;
}

// For as many of a frame's pictures, from `picture` on, as find places in one batch: they are to run together. No batch
// once the device has failed or frames are dropped.
DeviceWorker::Reserved DeviceWorker::reserve(const std::shared_ptr<Arrival>& arrival, std::size_t picture,
                                             DecoderSeat& seat) {
    std::unique_lock lock(mutex_);
    const BatchPtr batch = open_batch(seat, lock);
    if (!batch) return {};
    std::vector<Place>& places = batch->places;
    const std::size_t first = places.size();
    const auto most = std::size_t(options_.max_batch);
    const std::size_t end = std::min(most, first + arrival->areas.size() - picture);
    while (places.size() < end) places.push_back({arrival, picture++});
    batch->closed = places.size() == most;
    return {batch, int(first), std::span(places).subspan(first)};
}

void DeviceWorker::filled(const Reserved& reserved) {
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        reserved.batch->filled += reserved.places.size();
        const Batch& oldest = *open_.front();
        wake = is_due(oldest) || (options_.max_latency_ms >= 0 && oldest.filled == oldest.places.size());
    }
    if (wake) work_.notify_one();
}

DeviceWorker::BatchPtr DeviceWorker::open_batch(DecoderSeat& seat, std::unique_lock<std::mutex>& lock) {
    const auto over = [&] { return dropping_ || !failure_.empty(); };
    const auto open = [&] { return !open_.empty() && !open_.back()->closed; };
    if (!over() && !open() && free_.empty()) {
        lock.unlock();
        seat.release();  // its decoder may need what is still held to go on
        const StageScope timed(wait_clock_, options_.trace, options_.name, seat.name(), "wait");
        lock.lock();
        ++waiting_;
        room_.wait(lock, [&] { return over() || open() || !free_.empty(); });
        --waiting_;
    }
    if (over()) return nullptr;
    if (!open()) {
        const BatchPtr batch = living_batches_->make<Batch>();
        batch->places.reserve(std::size_t(options_.max_batch));
        open_.push_back(batch);
        batch->slot = free_.back();
        free_.pop_back();
    }
    return open_.back();
}

void DeviceWorker::fill(const Reserved& reserved, DecoderSeat& seat, Keep keep) {
    Place& first = reserved.places.front();
    Arrival& arrival = *first.arrival;
    Frame& frame = arrival.frame;
    const bool is_last = reserved.places.back().is_last();
    try {
        const StageScope timed(preprocess_clock_, options_.trace, options_.name, seat.name(), "preprocess");
        Frame picture = frame;
        if (keep == Keep::frame) picture.owner = nullptr;  // which the result holds; nobody else is to
        const std::span<const Area> areas = arrival.areas;
        reserved.batch->slot->preprocess(reserved.first, picture, areas.subspan(first.picture, reserved.places.size()),
                                         seat);
        if (is_last && keep == Keep::pixels && frame.pixels.on_device) seat.to_host(frame);
    } catch (...) {
        first.error = std::current_exception();
        takes_blame(first.error);
    }
    if (keep != Keep::nothing || !is_last) return;
    frame.owner.reset();
    frame.pixels.plane[0] = frame.pixels.plane[1] = nullptr;
}

void DeviceWorker::flush() {
    {
        const std::lock_guard lock(mutex_);
        for (const BatchPtr& batch : open_) batch->closed = true;
    }
    work_.notify_one();
}

void DeviceWorker::call_before_batches(std::function<void(const std::string&, std::int64_t)> call) {
    const std::lock_guard lock(mutex_);  // which the network's thread takes, too, before its next batch
    before_batch_ = std::move(call);
}

void DeviceWorker::set_eager(bool eager) {
    {
        const std::lock_guard lock(mutex_);
        eager_ = eager;
        dropping_ = stopping_;
    }
    work_.notify_one();
}

void DeviceWorker::count_producer(int more) {
    {
        const std::lock_guard lock(mutex_);
        producers_ += more;
    }
    if (more < 0) work_.notify_one();
}

void DeviceWorker::drop_pending() {
    {
        const std::lock_guard lock(mutex_);
        dropping_ = true;
    }
    room_.notify_all();
    work_.notify_one();
}

void DeviceWorker::fail(const std::string& why) noexcept {
    {
        const std::lock_guard lock(mutex_);
        try {
            if (failure_.empty()) failure_ = why.empty() ? "it has failed" : why;
        } catch (const std::bad_alloc&) {
            failure_ = "no memory";  // short enough to need none
        }
    }
    room_.notify_all();
    work_.notify_one();
}

void DeviceWorker::fail(const std::exception_ptr& error) noexcept {
    try {
        fail(what(error));
    } catch (const std::bad_alloc&) {
        fail(std::string("no memory"));
    }
}

bool DeviceWorker::takes_blame(const std::exception_ptr& error) {
    if (backend_->alive()) return false;
    fail(error);
    return true;
}

bool DeviceWorker::failed() const {
    const std::lock_guard lock(mutex_);
    return !failure_.empty();
}

std::string DeviceWorker::failure() const {
    const std::lock_guard lock(mutex_);
    return failure_;
}

double DeviceWorker::network_frames_per_second() const {
    const std::lock_guard lock(mutex_);
    return network_s_ > 0 ? double(network_pictures_) / options_.detect.tiles.count() / network_s_ : 0;
}

bool DeviceWorker::frames_wait() const {
    const std::lock_guard lock(mutex_);
    return waiting_ > 0;
}

DeviceWorker::Clock::time_point DeviceWorker::deadline(const Batch& batch) const {
    if (options_.max_latency_ms < 0) return Clock::time_point::max();
    return batch.places.front().arrival->at + std::chrono::duration_cast<Clock::duration>(
                                                  std::chrono::duration<double, std::milli>(options_.max_latency_ms));
}

// Whether the oldest batch may go now.
bool DeviceWorker::is_due(const Batch& batch) const {
    if (batch.filled < batch.places.size()) return false;  // somebody is still writing into it
    if (batch.closed || dropping_ || !failure_.empty()) return true;
    if (eager_ && producers_ == 0 && in_flight_ == 0) return true;
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
        if (!batch.slot->run(count, &dropping_)) batch.lost = true;
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
        const double ms = batch.slot->wait();
        network_clock_.add(ms);
        const std::lock_guard lock(mutex_);
        network_s_ += ms * 1e-3;
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
    if (batch.lost || out.error) return;
    const StageScope timed(postprocess_clock_, options_.trace, options_.name, kPostprocessTrack, "post-process");
    try {
        if (!out.result.frame.undecodable && !find(*batch.slot, index, place)) batch.lost = true;
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

void DeviceWorker::clear_statistics() {
    const std::lock_guard lock(mutex_);
    for (StageClock* clock :
         {&decode_clock_, &wait_clock_, &preprocess_clock_, &network_clock_, &postprocess_clock_, &latency_clock_})
        clock->clear();
    batch_counts_.assign(batch_counts_.size(), 0);
    frames_ = network_pictures_ = 0;
    sought_ = false;
    network_s_ = 0;
}

DeviceReport DeviceWorker::report() const {
    DeviceReport out;
    out.name = options_.name;
    out.description = backend_->description();
    out.kernels = backend_->kernel_choice();
    const std::lock_guard lock(mutex_);
    out.failure = failure_;
    out.frames = frames_;
    out.batch_counts = batch_counts_;
    for (std::size_t n = 1; n < batch_counts_.size(); ++n) out.pictures += std::int64_t(n) * batch_counts_[n];
    for (const StageClock* clock :
         {&decode_clock_, &wait_clock_, &preprocess_clock_, &network_clock_, &postprocess_clock_})
        out.stages.push_back(clock->stats());
    for (StageStats& more : backend_->stats()) out.stages.push_back(std::move(more));
    return out;
}

}  // namespace convoy
