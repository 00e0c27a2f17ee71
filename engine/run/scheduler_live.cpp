// SPDX-License-Identifier: MIT
//
// Endless segments: a camera or a stream, whose frames may be more than the devices can do.
#include <algorithm>
#include <utility>

#include "engine/run/scheduler.h"
#include "engine/run/thread_affinity.h"
#include "engine/start_thread.h"

namespace convoy {

// An endless segment is read by a thread of its own, on the device that has the fewest of them. No batch waits for it.
void Scheduler::start_endless(std::shared_ptr<RunUnit> unit) {
    Device* chosen = nullptr;
    std::string name;
    {
        const std::lock_guard lock(mutex_);
        for (Device& device : devices_)
            if (!device.worker->failed() && (!chosen || device.endless < chosen->endless)) chosen = &device;
        if (!chosen) chosen = &devices_.front();  // its failure is found when the first frame is submitted
        chosen->most_endless = std::max(chosen->most_endless, ++chosen->endless);
        name = "decoder " + std::to_string(chosen->threads++);
    }
    start_thread([this, chosen, unit = std::move(unit), name] {
        become_device_thread(chosen->worker->options().cpus);
        if (const std::unique_ptr<DecoderSeat> seat = seat_on(*chosen->worker, name)) {
            Reading reading(chosen->worker->backend(), seat->target());
            process(*chosen, unit, *seat, reading, [](bool) {});
        } else {
            lose(unit);
        }
        const std::lock_guard lock(mutex_);
        --chosen->endless;
    });
}

// Another thread decodes, and this one submits what is newest whenever there is a place for it. No decoder misses a
// packet, and what is dropped has cost nothing but its decoding.
RunUnit::Ending Scheduler::submit_newest(Device& device, const std::shared_ptr<RunUnit>& unit, DecoderSeat& seat,
                                         SegmentReader& reader, Read& read) {
    using Ending = RunUnit::Ending;
    DeviceWorker& worker = *device.worker;
    NewestFrame& newest = *unit->newest;
    std::exception_ptr error;  // of the thread that decodes, once that has ended
    newest.open();
    std::vector<std::jthread> decoding;
    struct CloseFirst {
        NewestFrame& newest;
        ~CloseFirst() { newest.close(); }
    };
    Ending ending = Ending::complete;
    {
        const CloseFirst close_first{newest};
        convoy::start_thread(decoding, [&] {
            become_device_thread(worker.options().cpus);
            try {
                while (!stopping_ && !worker.failed() && newest.is_open() && !unit->input->cancel.stop_requested()) {
                    std::optional<Frame> frame = reader.next();
                    if (!frame) break;
                    ++read.frames;
                    ++read_;
                    check(*frame, *unit, seat, worker);
                    newest.put({std::move(*frame), Clock::now()});
                }
            } catch (...) {
                error = std::current_exception();
            }
            newest.close();
        });
        while (std::optional<NewestFrame::Decoded> decoded = newest.take(stopping_)) {
            FrameTicket ticket = admit(device, *unit, decoded->frame, [](bool) {}).value();  // makes way for no other
            const auto refresh = [&](Frame& frame, Clock::time_point& at) { newest.refresh(frame, at); };
            if (worker.submit(std::move(decoded->frame), decoded->at, seat, keep_of(*unit), std::move(ticket), refresh))
                continue;
            ending = stopping_ ? Ending::cut_off : Ending::lost;
            break;
        }
    }
    decoding.clear();  // waits for it
    if (error) std::rethrow_exception(error);
    if (stopping_) return Ending::cut_off;
    return worker.failed() ? Ending::lost : ending;
}

// Frames are to be dropped: who waits to submit one is to see it.
void Scheduler::look_for_newest() {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, unit] : units_)
        if (unit->newest) unit->newest->look_again();
}

}  // namespace convoy
