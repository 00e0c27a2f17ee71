// SPDX-License-Identifier: MIT
#include "engine/run/scheduler.h"

#include <algorithm>
#include <utility>

#include <convoy/error.h>

namespace convoy {
namespace {

constexpr std::size_t kResultBytes = 256;  // of a result without detections, roughly

constexpr int kThreadsAtEnd = 4;  // more would take more of each other's time than they save

std::size_t bytes_of(const Result& result) { return kResultBytes + result.detections.size() * sizeof(Detection); }

// Enough to keep every decoder, or every encoder, at work while the first segment of a lane takes its time. Each one
// that is drawn on holds an encoder, which is many megabytes, until it has ended.
int segments_ahead(std::size_t devices, const SchedulerOptions& options, bool draws) {
    const int decoders = int(devices) * (options.decoders + options.cpu_decoders);
    return draws ? std::max(decoders, options.work_threads) * 3 / 2 + 4 : decoders * 4 + 8;
}

// An encoder for each core, one segment each, is what makes the most of them: there are threads to read so many
// segments on the CPU, until GPUs have decoders and wherever these are too few.
SchedulerOptions adapted(SchedulerOptions options, bool draws, std::size_t devices) {
    if (draws && options.as_needed)
        options.cpu_decoders = std::max(0, (options.work_threads + int(devices) - 1) / int(devices) - options.decoders);
    return options;
}

}  // namespace

Scheduler::Scheduler(const std::vector<std::unique_ptr<DeviceWorker>>& devices, std::shared_ptr<InputFeed::Impl> feed,
                     RunObserver& observer, const std::atomic<bool>& stop, const SchedulerOptions& options)
    : observer_(observer),
      stop_(stop),
      wants_pixels_(observer.wants_pixels()),
      wants_order_(observer.wants_order()),
      options_(adapted(options, wants_pixels_, std::max<std::size_t>(devices.size(), 1))),
      feed_(std::move(feed)),
      dispatcher_({segments_ahead(devices.size(), options_, wants_pixels_), options.segment_bytes}, *this, demux_clock_,
                  options.trace),
      output_(options.result_bytes),
      living_units_(std::make_shared<Census>()) {
    const std::size_t pixel_bytes =
        wants_order_ ? options_.ordered_pixel_bytes / std::max<std::size_t>(devices.size(), 1) : options_.pixel_bytes;
    for (const auto& worker : devices)
        if (!worker->failed())
            devices_.emplace_back(worker.get(), pixel_bytes, options_.decoders + options_.cpu_decoders,
                                  wants_order_ ? pixel_bytes / 2 : 0);
    if (!wants_pixels_) return;
    pool_ = std::make_unique<WorkPool>(options.work_threads);
    if (wants_order_) order_ = std::make_shared<OrderStep>(observer_, *this);
}

Scheduler::~Scheduler() = default;

RunReport Scheduler::run() {
    for (Device& device : devices_) {
        device.worker->clear_statistics();
        device.worker->set_eager(true);
    }
    try {
        if (devices_.empty()) throw Error(ErrorKind::device, "every device of this engine has failed; make a new one");
        feed_->attach(*this);
        start_decoders();
        consume();
    } catch (...) {
        fail(std::current_exception());
    }
    feed_->detach(*this);  // nobody starts a thread any more but those that there are
    join_threads();
    {
        std::unique_lock lock(mutex_);
        settled_.wait(lock, [&] { return running_ == 0; });
    }
    if (pool_) pool_->stop();  // its threads may still be ending the run
    pool_.reset();
    order_.reset();
    let_go_of_all();
    for (Device& device : devices_) {
        device.worker->set_eager(false);
        device.worker->backend().trim();
    }
    if (error_) std::rethrow_exception(error_);
    return report();
}

// Inputs and works are the caller's: none of them is alive when it gets the word again.
void Scheduler::let_go_of_all() {
    units_.clear();
    progress_.clear();
    open_rows_.clear();
    row_ends_.clear();
    input_ends_.clear();
    living_units_->wait_for_none();
}

void Scheduler::join_threads() {
    for (;;) {
        std::list<Started> threads;
        {
            const std::lock_guard lock(mutex_);
            threads.swap(threads_);
        }
        if (threads.empty()) return;
        for (Started& started : threads) started.thread.front().join();
    }
}

void Scheduler::add_input(int index, RunInput input) {
    ++inputs_;
    dispatcher_.add(index, std::move(input));
    start_decoder_for_lanes();
}

void Scheduler::no_more_inputs() {
    feeding_ = false;
    dispatcher_.close();
}

std::int64_t Scheduler::new_id() {
    const std::lock_guard lock(mutex_);
    return next_id_++;
}

std::shared_ptr<RunUnit> Scheduler::begin_segment(const std::shared_ptr<OpenInput>& input,
                                                  std::shared_ptr<const Segment> segment) {
    const SegmentKind kind = segment->kind();
    if (!std::exchange(input->counted, true)) {
        const std::int64_t frames = input->input->info().frames_estimate;
        expected_ += frames;
        if (frames == 0) endless_length_ = true;
    }
    const std::shared_ptr<WorkRow> row = row_for(input, *segment);
    auto unit = living_units_->make<RunUnit>(*this, new_id(), input, std::move(segment), row);
    {
        const std::lock_guard lock(mutex_);
        units_[unit->id] = unit;
    }
    output_.open(unit->id, input->lane);
    if (order_) order_->add(*unit);
    if (row) row->add(*unit);
    if (row && (kind == SegmentKind::closed || kind == SegmentKind::endless)) close_row({row, input});
    if (!unit->endless) return unit;
    start_endless(std::move(unit));
    return nullptr;
}

void Scheduler::end_input(const std::shared_ptr<OpenInput>& input) {
    close_open_row(input->lane);
    const std::int64_t id = new_id();
    {
        const std::lock_guard lock(mutex_);
        input_ends_[id] = input;
    }
    output_.open(id, input->lane);
    output_.close(id);
}

// The row of work that a segment's frames go through; null where the observer has none for them.
std::shared_ptr<WorkRow> Scheduler::row_for(const std::shared_ptr<OpenInput>& input, const Segment& segment) {
    if (!wants_pixels_) return nullptr;
    const SegmentKind kind = segment.kind();
    if (kind == SegmentKind::next_part) {
        const std::lock_guard lock(mutex_);
        const auto open = open_rows_.find(input->lane);
        return open == open_rows_.end() ? nullptr : open->second.row;
    }
    close_open_row(input->lane);
    std::unique_ptr<SegmentWork> work =
        observer_.work(input->index, input->input->info(), threads_for(*input, segment));
    if (!work) return nullptr;
    auto row = std::make_shared<WorkRow>(std::move(work), new_id(), *this);
    ++rows_;
    if (kind == SegmentKind::first_part) {
        const std::lock_guard lock(mutex_);
        open_rows_[input->lane] = {row, input};
    }
    return row;
}

// About as many segments are worked on at once as are read, or as there are. The last ones get a few threads more, for
// cores that have nothing else to do then.
int Scheduler::threads_for(OpenInput& input, const Segment& segment) const {
    if (segment.kind() != SegmentKind::closed) return pool_->size();
    std::int64_t at_once = std::int64_t(devices_.size()) * (options_.decoders + options_.cpu_decoders);
    const std::int64_t all = input.input->info().frames_estimate, own = segment.frames();
    const std::int64_t left = all - std::exchange(input.frames, input.frames + own);
    const bool last_input = all > 0 && own > 0 && !dispatcher_.has_unopened();
    if (last_input) at_once = std::clamp<std::int64_t>(all / own, 1, at_once);
    const auto among = [&](std::int64_t segments) { return int((pool_->size() + segments - 1) / segments); };
    const bool ends = last_input && left > 0 && left / own < pool_->size();
    return std::max(among(at_once), ends ? std::min(kThreadsAtEnd, among(std::max<std::int64_t>(left / own, 1))) : 1);
}

void Scheduler::close_row(const RowOfInput& ending) {
    {
        const std::lock_guard lock(mutex_);
        row_ends_[ending.row->end_unit] = ending;
    }
    output_.open(ending.row->end_unit, ending.input->lane);
    ending.row->no_more_units();
    pool_->wake(ending.row);
}

void Scheduler::close_open_row(int lane) {
    RowOfInput ending;
    {
        const std::lock_guard lock(mutex_);
        const auto open = open_rows_.find(lane);
        if (open == open_rows_.end()) return;
        ending = std::move(open->second);
        open_rows_.erase(open);
    }
    close_row(ending);
}

void Scheduler::on_result(RunUnit& unit, Result result, MemoryBudget::Hold pixels) {
    latency_clock_.add(result.latency_ms);
    PendingResult pending{std::move(result), Clock::now(), std::move(pixels)};
    if (!order_) return on_ordered(unit, std::move(pending));
    order_->push(unit, std::move(pending));
    pool_->wake(order_);
}

void Scheduler::on_ordered(RunUnit& unit, PendingResult result) {
    if (!unit.row) return on_worked(unit.id, std::move(result));
    unit.row->push(unit, std::move(result));
    pool_->wake(unit.row);
}

void Scheduler::on_unit_ordered(RunUnit& unit) {
    if (unit.row) {
        unit.row->close(unit);
        pool_->wake(unit.row);
    } else {
        output_.close(unit.id);
    }
    if (order_) look_again_for_pixels();
}

void Scheduler::on_worked(std::int64_t unit, PendingResult result) {
    const std::size_t bytes = bytes_of(result.result);
    output_.push(unit, std::move(result), bytes);
}

void Scheduler::on_unit_worked(std::int64_t unit) {
    output_.close(unit);
    look_again_for_pixels();
}

// Another unit is the next one now.
void Scheduler::look_again_for_pixels() {
    for (Device& device : devices_) device.pixels.look_again();
}

StageScope Scheduler::time_work(const std::string& track, const char* name) {
    static const std::string group = "host";
    return {work_clock_, options_.trace, group, track, name};
}

StageScope Scheduler::time_order(const std::string& track) {
    static const std::string group = "host";
    return {order_clock_, options_.trace, group, track, "in order"};
}

// Nothing of the run may be touched after the last one: whoever waits for that ends it.
void Scheduler::count_running(int more) {
    const std::lock_guard lock(mutex_);
    running_ += more;
    if (more < 0) settled_.notify_all();
}

void Scheduler::on_finished(RunUnit& unit) {
    dispatcher_.finished(unit.bytes);
    if (order_) {
        order_->close(unit);
        pool_->wake(order_);
    } else {
        on_unit_ordered(unit);
    }
    count_running(-1);
}

// Stops the run if that was the last of them: what has come out so far stays whole.
void Scheduler::device_lost() {
    for (const Device& device : devices_)
        if (!device.worker->failed()) return start_decoder_for_lanes();
    if (stopping_) return;
    {
        const std::lock_guard lock(mutex_);
        if (failure_.empty()) failure_ = devices_.front().worker->failure();
    }
    begin_stop();
}

// On another device again, unless there is none or everything is ending.
void Scheduler::on_lost(RunUnit& unit) {
    bool goes_on = false;
    try {
        device_lost();
        goes_on = !stopping_ && begin_again(unit);
    } catch (...) {
        fail(std::current_exception());
    }
    if (!goes_on) return give_up(unit);
    count_running(-1);
}

bool Scheduler::begin_again(RunUnit& unit) {
    std::shared_ptr<RunUnit> again;
    {
        const std::lock_guard lock(mutex_);
        ++repeated_;
        again = units_.at(unit.id);
    }
    if (again->endless) {
        start_endless(std::move(again));
        return true;
    }
    if (!dispatcher_.give_back(std::move(again))) return false;
    output_.look_again();  // whoever waits for this unit reads it, if nobody else does
    look_again_for_pixels();
    return true;
}

// Nobody will take it up again.
void Scheduler::give_up(RunUnit& unit) {
    unit.cut_off();
    on_finished(unit);
}

void Scheduler::fail(std::exception_ptr error) {
    {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::move(error);
    }
    begin_stop();
}

// Nothing more is read; what has not reached a network is dropped; whoever waits goes on and ends.
void Scheduler::begin_stop() {
    if (stopping_.exchange(true)) return;
    for (const auto& [number, unit] : dispatcher_.stop()) {
        count_running(1);
        give_up(*unit);
    }
    output_.cancel();
    look_for_newest();
    for (Device& device : devices_) {
        device.pixels.cancel();
        device.worker->drop_pending();
    }
}

// Whether, after a stop, all that can still come out has come.
bool Scheduler::settled() {
    const std::lock_guard lock(mutex_);
    return decoding_ == 0 && running_ == 0 && (!pool_ || pool_->idle());
}

RunReport Scheduler::report() const {
    RunReport out;
    for (const Device& device : devices_) {
        out.devices.push_back(device.worker->report());
        out.devices.back().segments = device.segments;
        out.devices.back().decoders = device.decoders + device.most_endless;
    }
    out.stages = {demux_clock_.stats(), order_clock_.stats(), work_clock_.stats(), output_clock_.stats()};
    out.latency = latency_clock_.stats();
    out.reorder = reorder_clock_.stats();
    out.age = age_clock_.stats();
    out.packet_age = packet_clock_.stats();
    out.work_threads = wants_pixels_ ? options_.work_threads : 0;
    out.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    const bool early = stopping_ && (feeding_ || inputs_ended_ < inputs_);
    if (early) out.failure = failure_;
    out.stopped = early && failure_.empty();
    out.repeated_segments = repeated_;
    return out;
}

}  // namespace convoy
