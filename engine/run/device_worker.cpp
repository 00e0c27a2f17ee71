// SPDX-License-Identifier: MIT
#include "engine/run/device_worker.h"

#include <algorithm>
#include <new>
#include <utility>

#include "engine/run/thread_affinity.h"
#include "engine/run/tiles.h"
#include "engine/start_thread.h"

namespace convoy {
namespace {

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

bool DeviceWorker::submit(Frame frame, Clock::time_point decoded_at, DecoderSeat& seat, Keep keep, FrameTicket ticket,
                          const Refresh& refresh) {
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
        if (refresh && next == 0) refresh(arrival->frame, arrival->at);  // nobody looks at it until it is filled in
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

void DeviceWorker::count_held_up(int more) {
    {
        const std::lock_guard lock(mutex_);
        held_up_ += more;
    }
    if (more > 0) work_.notify_one();
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
