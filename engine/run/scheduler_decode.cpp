// SPDX-License-Identifier: MIT
//
// A run's decoder threads: segments to frames, frames into batches.
#include <algorithm>
#include <iterator>
#include <utility>

#include <convoy/error.h>
#include "engine/run/check_frame.h"
#include "engine/run/scheduler.h"
#include "engine/run/thread_affinity.h"
#include "engine/start_thread.h"

namespace convoy {
namespace {

constexpr std::chrono::milliseconds kLookAgain{5};  // whether helping has become worth while

struct SemaphoreLock {
    explicit SemaphoreLock(std::counting_semaphore<>& its_semaphore) : semaphore(its_semaphore) { semaphore.acquire(); }
    ~SemaphoreLock() { semaphore.release(); }
    SemaphoreLock(const SemaphoreLock&) = delete;
    SemaphoreLock& operator=(const SemaphoreLock&) = delete;
    std::counting_semaphore<>& semaphore;
};

// Of a picture, without padding.
std::size_t pixel_bytes(const PixelView& p) {
    const std::size_t pixels = std::size_t(p.width) * std::size_t(p.height);
    return p.format == PixelFormat::rgb8
               ? 3 * pixels
               : pixels + 2 * std::size_t((p.width + 1) / 2) * std::size_t((p.height + 1) / 2);
}

}  // namespace

void Scheduler::start_thread(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    for (auto started = threads_.begin(); started != threads_.end();) {
        if (started->ended) started->thread.front().join();
        started = started->ended ? threads_.erase(started) : std::next(started);
    }
    Started& started = threads_.emplace_back();
    try {
        convoy::start_thread(started.thread, [this, &started, work = std::move(work)]() mutable {
            try {
                work();
            } catch (...) {
                fail(std::current_exception());
            }
            work = nullptr;  // with what it holds
            const std::lock_guard guard(mutex_);
            --decoding_;
            started.ended = true;
        });
    } catch (...) {
        threads_.pop_back();
        throw;
    }
    ++decoding_;
}

void Scheduler::start_decoders() {
    // An input may keep a thread waiting for ever, one a lane: the others go on.
    const int devices = int(devices_.size());
    const int decoders = std::max(options_.decoders, (dispatcher_.lanes() + devices - 1) / devices);
    {
        const std::lock_guard lock(mutex_);
        for (Device& device : devices_) {
            device.decoders = device.threads = decoders;  // before an endless input adds its own
            device.waiting_for_decoders = decoders;
        }
    }
    const auto start = [&](int count, const std::string& name, bool helper) {
        for (int i = 0; i < count; ++i)
            for (Device& device : devices_) start_decoder(device, name + std::to_string(i), helper);
    };
    start(options_.cpu_decoders, "CPU decoder ", true);
    start(decoders, "decoder ", false);
    {
        const std::lock_guard lock(mutex_);
        decoders_started_ = true;
    }
    start_decoder_for_lanes();  // that were added meanwhile
}

void Scheduler::start_decoder(Device& device, const std::string& seat_name, bool helper) {
    start_thread([this, &device, seat_name, helper] {
        decode(device, seat_name, helper);
        if (device.worker->failed()) device_lost();
    });
}

// The same for lanes that came later, and for those that a device has left which failed. What that gives back needs a
// thread, too, when all others wait for inputs.
void Scheduler::start_decoder_for_lanes() {
    for (;;) {
        Device* chosen = nullptr;
        std::string name;
        {
            const std::lock_guard lock(mutex_);
            int decoders = 0, failed = 0;
            for (Device& device : devices_) {
                if (device.worker->failed()) {
                    failed = 1;
                    continue;
                }
                decoders += device.decoders;
                if (!chosen || device.decoders < chosen->decoders) chosen = &device;
            }
            if (!decoders_started_ || stopping_ || !chosen || decoders >= dispatcher_.lanes() + failed) return;
            ++chosen->decoders;
            name = "decoder " + std::to_string(chosen->threads++);
        }
        ++chosen->waiting_for_decoders;
        try {
            start_decoder(*chosen, name, false);
        } catch (const Error&) {  // there are others, and an input that waits for ever is rare
            --chosen->waiting_for_decoders;
            const std::lock_guard lock(mutex_);
            --chosen->decoders;
            return;
        }
    }
}

// Takes segment after segment until none is left or the device has failed. A helper decodes on the CPU for a GPU: until
// that has decoders of its own, and for as long as they are what limits the run, or where pictures are drawn on.
void Scheduler::decode(Device& device, const std::string& seat_name, bool helper) {
    DeviceWorker& worker = *device.worker;
    become_device_thread(worker.options().cpus);
    std::optional<ReadySeat> ready = helper ? ReadySeat{} : ready_seat(device);
    const bool has_decoder = ready && ready->reader;
    device.warm += has_decoder;
    if (!helper) --device.waiting_for_decoders;  // when its decoder counts already
    if (!ready) return;
    std::unique_ptr<DecoderSeat> seat = ready->seat ? std::move(ready->seat) : seat_on(worker, seat_name);
    if (!seat) return;
    DeviceWorker::Producer producer(worker);  // a batch waits for this thread's frames unless it waits itself
    const Waiting waiting = [&](bool waits) {
        if (waits) let_go(worker, *seat);
        producer.set_waiting(waits);
    };
    Reading reading(worker.backend(), helper ? DecodeTarget{} : seat->target());
    reading.reader = std::move(ready->reader);
    reading.warm = has_decoder;
    while (!worker.failed()) {
        if (helper && !helps(device)) {
            waiting(true);
            const bool over = dispatcher_.wait_for_end(kLookAgain);
            waiting(false);
            if (over) break;
            continue;
        }
        if (!helper && options_.cpu_decoders > 0 && !reading.warm) {
            waiting(true);
            warm_up(device, *seat, reading);
            waiting(false);
        }
        const std::shared_ptr<RunUnit> unit = dispatcher_.pull(waiting);
        if (!unit) break;
        helping_ += helper;
        process(device, unit, *seat, reading, waiting);
        helping_ -= helper;
    }
    if (reading.warm) --device.warm;
    if (helper || worker.failed() || !reading.reader || !reading.reader->outlives_run()) return;
    let_go(worker, *seat);
    worker.backend().keep_ready_seat({std::move(seat), std::move(reading.reader)});
}

// One that was made at the start, if any is left; nothing when the run is over before it is there.
std::optional<ReadySeat> Scheduler::ready_seat(Device& device) {
    for (;;) {
        std::optional<ReadySeat> ready = device.worker->backend().take_ready_seat(kLookAgain);
        if (ready) return ready;
        if (device.worker->failed() || dispatcher_.wait_for_end({})) return std::nullopt;
    }
}

bool Scheduler::helps(const Device& device) const {
    if (wants_pixels_) {
        // A core without a segment to draw is idle. But where drawing waits for the GPU's decoders, a segment that is
        // read more slowly than theirs would hold them up, since results come out in order.
        const bool drawing_limits =
            device.warm == 0 || !device.rates.gpu_is_known() || 2 * device.held_up >= device.warm;
        return drawing_limits && rows_ < options_.work_threads + 2;
    }
    // The GPU's first decoders may be all that a short video needs, and beside threads at work they are late.
    const bool unknown = device.warm > 0 ? !device.rates.gpu_is_known() : device.waiting_for_decoders > 0;
    if (unknown && Clock::now() - start_ < options_.first_decoder) return false;
    // The network limits the device: more frames would only wait.
    if (device.warm > 0 && device.worker->frames_wait()) return false;
    if (device.rates.gpu_suffices(device.warm, device.worker->network_frames_per_second())) return false;
    if (endless_length_ || dispatcher_.has_unopened()) return true;
    return device.rates.cpu_helps(double(expected_ - read_), helping_, device.warm * int(devices_.size()));
}

// Makes the GPU's decoder for the input that is being handed out, before the thread takes a segment of it: that takes a
// twentieth of a second, and the driver makes one after the other. Threads of the CPU do the work meanwhile.
void Scheduler::warm_up(Device& device, DecoderSeat& seat, Reading& reading) {
    if (!dispatcher_.sample(options_.first_decoder).segment) return;
    const SemaphoreLock turn(warming_);
    const Dispatcher::Sample sample = dispatcher_.sample({});
    if (!sample.segment || stopping_) return;
    reading.warm = true;
    ++device.warm;
    reading.close();
    try {
        const TraceScope traced(options_.trace, device.worker->options().name, seat.name(), "make a decoder");
        reading.reader = sample.input->input->make_reader(reading.target);
        reading.input = sample.input;
        if (reading.reader) reading.reader->warm_up(sample.segment);
    } catch (const Error&) {
        reading.close();  // what is wrong is found again with the first segment
    }
}

void Scheduler::Reading::close() {
    if (backend.hangs()) static_cast<void>(reader.release());  // to free it would be to wait for the device
    reader.reset();
    input.reset();
}

// Null when the device turns out to have failed.
std::unique_ptr<DecoderSeat> Scheduler::seat_on(DeviceWorker& worker, const std::string& name) {
    try {
        return worker.make_seat(name);
    } catch (const Error&) {
        if (!worker.takes_blame(std::current_exception())) throw;
        return nullptr;
    }
}

// A device that is found dead here gets no frame any more; what is on it is found to be lost in its own time.
void Scheduler::let_go(DeviceWorker& worker, DecoderSeat& seat) {
    try {
        seat.release();
    } catch (const Error&) {
        if (!worker.takes_blame(std::current_exception())) throw;
    }
}

// Nobody could begin to read it.
void Scheduler::lose(const std::shared_ptr<RunUnit>& unit) {
    count_running(1);
    unit->end({}, RunUnit::Ending::lost);
}

void Scheduler::process(Device& device, const std::shared_ptr<RunUnit>& unit, DecoderSeat& seat, Reading& reading,
                        const Waiting& waiting) {
    count_running(1);
    const auto begin = Clock::now();
    Read read;
    auto ending = RunUnit::Ending::cut_off;
    SegmentNotes notes;
    std::string error;
    try {
        if (reading.input.lock() != unit->input) {
            Input& input = *unit->input->input;
            if (!reading.reader || !input.adopt_reader(*reading.reader)) {
                reading.close();  // its decoder goes before another is made
                const TraceScope traced(options_.trace, device.worker->options().name, seat.name(), "make a reader");
                reading.reader = input.make_reader(reading.target);
                if (!reading.reader) throw Error(ErrorKind::input, "Input::make_reader gave no reader");
            }
            reading.input = unit->input;
        }
        {
            const TraceScope traced(options_.trace, device.worker->options().name, seat.name(), "open a segment");
            reading.reader->open(unit->segment());
        }
        ending = unit->newest ? submit_newest(device, unit, seat, *reading.reader, read)
                              : submit_frames(device, unit, seat, *reading.reader, waiting, read);
        notes = reading.reader->notes();
    } catch (...) {
        reading.close();
        try {
            ending = blame(device, std::current_exception(), error);
        } catch (...) {  // no memory for the words
            fail(std::current_exception());
        }
    }
    if (ending == RunUnit::Ending::complete) {
        ++device.segments;
        const auto by = reading.target.gpu >= 0 ? DecodeRates::By::gpu : DecodeRates::By::cpu;
        device.rates.add(by, read.frames, std::chrono::duration<double>(Clock::now() - begin).count(), read.decoding_s);
    }
    unit->end(std::move(notes), ending, std::move(error));
}

// Whose fault it is that a segment was not read to its end: the device's, its input's (`error`), or the whole run's.
RunUnit::Ending Scheduler::blame(Device& device, std::exception_ptr thrown, std::string& error) {
    if (device.worker->takes_blame(thrown)) return RunUnit::Ending::lost;
    try {
        std::rethrow_exception(thrown);
    } catch (const Error& e) {
        if (e.kind() == ErrorKind::input || e.kind() == ErrorKind::unsupported) {
            error = e.what();
            return RunUnit::Ending::complete;
        }
    } catch (...) {
    }
    fail(thrown);
    return RunUnit::Ending::cut_off;
}

RunUnit::Ending Scheduler::submit_frames(Device& device, const std::shared_ptr<RunUnit>& unit, DecoderSeat& seat,
                                         SegmentReader& reader, const Waiting& waiting, Read& read) {
    using Ending = RunUnit::Ending;
    DeviceWorker& worker = *device.worker;
    const std::int64_t have = unit->endless ? 0 : unit->delivered();  // of an attempt that a device did not survive
    StageClock uncounted("camera");                                   // waiting for a camera is no work
    StageClock& clock = unit->endless ? uncounted : worker.decode_clock();
    bool none_under_way = !unit->row;
    for (std::int64_t n = 0;; ++n) {
        // A run that is stopped says so before it cancels its inputs: looked at the other way round, the cancelling
        // could be seen without the reason.
        const bool cancelled = unit->endless && unit->input->cancel.stop_requested();
        if (stopping_) return Ending::cut_off;
        if (worker.failed()) return Ending::lost;
        if (cancelled) return Ending::complete;
        std::optional<Frame> frame;
        const auto begin = Clock::now();
        {
            StageScope timed(clock, options_.trace, worker.options().name, seat.name(), "decode");
            frame = reader.next();
            if (!frame) timed.leave_out();  // the segment's end
        }
        const auto decoded_at = Clock::now();
        read.decoding_s += std::chrono::duration<double>(decoded_at - begin).count();
        if (!frame) return stopping_ && (unit->endless || n == 0) ? Ending::cut_off : Ending::complete;
        if (n < have) continue;
        ++read.frames;
        ++read_;
        check(*frame, *unit, seat, worker);
        frame->index = 0;  // of them all, none is dropped
        std::optional<FrameTicket> ticket = admit(device, *unit, *frame, waiting);
        if (!ticket) return Ending::lost;
        none_under_way &= frame->undecodable;
        if (none_under_way) {  // nobody looks at it, and none is before it
            settle_unseen(std::move(*frame), std::move(*ticket));
            continue;
        }
        if (worker.submit(std::move(*frame), decoded_at, seat, keep_of(*unit), std::move(*ticket))) continue;
        return stopping_ ? Ending::cut_off : Ending::lost;
    }
}

// What a batch would give of an undecodable frame, without its place in one.
void Scheduler::settle_unseen(Frame frame, FrameTicket ticket) {
    FrameOutcome outcome;
    frame.owner.reset();
    frame.pixels.plane[0] = frame.pixels.plane[1] = nullptr;
    outcome.result.frame = std::move(frame);
    ticket.settle(std::move(outcome));
}

void Scheduler::check(const Frame& frame, const RunUnit& unit, const DecoderSeat& seat, const DeviceWorker& worker) {
    try {
        check_frame(frame, worker.options().detect.tiles, seat.target().gpu >= 0);
    } catch (const Error& error) {
        throw Error(error.kind(), unit.input->input->info().path + ": " + error.what());
    }
}

// Whoever looks at a row's frames is asked once they have been through it.
DeviceWorker::Keep Scheduler::keep_of(const RunUnit& unit) {
    return unit.row || wants_picture(unit) ? DeviceWorker::Keep::pixels : DeviceWorker::Keep::nothing;
}

// Waits until there is room for the frame's result, and for its pixels where they are kept. Nothing when what all wait
// for is a unit that a device gave back, and this thread is to read that.
std::optional<FrameTicket> Scheduler::admit(Device& device, RunUnit& unit, const Frame& frame, const Waiting& waiting) {
    bool makes_way = false;
    const auto gives_up = [&] { return makes_way = !unit.endless && dispatcher_.has_returned_before(unit.id); };
    if (!stopping_ && !output_.has_room(unit.id)) {
        waiting(true);
        output_.wait_for_room(unit.id, gives_up);
        waiting(false);
    }
    if (makes_way) return std::nullopt;
    if (!unit.row) return unit.admit({});
    // The first of a lane always goes on: else it might wait for pixels that wait for what only this thread will read.
    const auto its_turn = [&] {
        return unit.holds_row_up() || (order_ ? order_->is_next(unit) : output_.is_first(unit.id));
    };
    const Waiting held_up = [&](bool waits) {
        waiting(waits);  // may throw: then nothing is counted
        if (frame.pixels.on_device) device.held_up += waits ? 1 : -1;
        device.worker->count_held_up(waits ? 1 : -1);
    };
    MemoryBudget::Hold pixels = device.pixels.take(unit.id, pixel_bytes(frame.pixels), its_turn, held_up, gives_up);
    if (makes_way) return std::nullopt;
    return unit.admit(std::move(pixels));
}

}  // namespace convoy
