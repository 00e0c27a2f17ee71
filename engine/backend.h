// SPDX-License-Identifier: MIT
//
// The seam between the engine and a device.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <convoy/detection.h>
#include <convoy/segment.h>
#include <convoy/stage_stats.h>
#include <convoy/trace.h>
#include "engine/area.h"

namespace convoy {

/// What one thread that decodes and preprocesses has on a device: a stream, buffers on the way there and back.
class DecoderSeat {
public:
    explicit DecoderSeat(std::string name) : name_(std::move(name)) {}
    virtual ~DecoderSeat() = default;
    /// "decoder 3", of the trace.
    const std::string& name() const { return name_; }
    virtual DecodeTarget target() const { return {}; }
    /// Brings the pixels of a frame in device memory, which was preprocessed from this seat, to host memory, and lets
    /// go of them there.
    virtual void to_host(Frame&) {}
    /// Waits until all that is held (see Slot::preprocess()) is let go of.
    virtual void release() {}
    /// The frame that Slot::preprocess() had last is not read again: what was copied for it is not needed any more.
    virtual void frame_done() noexcept {}

private:
    std::string name_;
};

/// A seat, and a reader for it that has no input yet: see Input::adopt_reader().
struct ReadySeat {
    std::unique_ptr<DecoderSeat> seat;
    std::unique_ptr<SegmentReader> reader;  // goes first
};

/// A batch in flight: input tensor, head outputs and the detections that come of them. A slot is used by one thread at
/// a time, but its three steps may run on different threads, and different slots may be at different steps.
class Slot {
public:
    virtual ~Slot() = default;
    /// Scales areas of the frame's picture into the places from `first` on of the input tensor. Several threads may do
    /// so at once, each with a seat and places of its own; the areas of a frame come from one seat one after the other,
    /// for one slot or several, and a picture in host memory is sent to the device with the first of them, until
    /// DecoderSeat::frame_done(). Its bytes are not needed any more once this has returned; of a picture in device
    /// memory the seat holds the owner until it was read, at the latest by run().
    virtual void preprocess(int first, const Frame& frame, std::span<const Area> areas, DecoderSeat& seat) = 0;
    /// The whole of a frame that is not read again.
    void preprocess_whole(int place, const Frame& frame, DecoderSeat& seat) {
        const Area whole = whole_area(frame.pixels);
        preprocess(place, frame, {&whole, 1}, seat);
        seat.frame_done();
    }
    /// Forgets the pictures that came since run(): it will not be called for them.
    virtual void drop() {}
    /// Runs the network over the first `count` pictures; may return before it is done. One slot of a backend at a time.
    /// `stop` must stay until wait() has returned.
    virtual void run(int count, const std::atomic<bool>* stop = nullptr) = 0;
    /// Waits for run(), and says how many milliseconds the network took, or was at work since the last batch ended
    /// where batches overlap. Nothing, and there are no results, where it has given up since `stop` had become true and
    /// it went on for long or had not begun.
    virtual std::optional<double> wait() = 0;
    /// After wait(): lists what was found in picture `index`: after NMS, in Darknet's order, boxes not clipped. Returns
    /// how many boxes were left out since a number of theirs is NaN or infinite; nothing if `stop` became true while
    /// that took long.
    virtual std::optional<std::int64_t> collect(int index, std::vector<Detection>& out,
                                                const std::atomic<bool>& stop) = 0;
    /// After wait(), and while no slot of the backend is in run(): runs the network over the batch again, layer by
    /// layer, to find the first whose output for picture `index` has a NaN or an infinite number. "layer 3 (conv)";
    /// empty when none has.
    virtual std::string first_not_finite(int /*index*/) { return {}; }
};

/// Bytes of frames that a device may keep in host memory for SegmentWork.
constexpr std::size_t kKeptPixelBytes = std::size_t(512) << 20;

/// A plan bound to one device: packed weights and arena, all allocated in the constructor.
class Backend {
public:
    virtual ~Backend() = default;
    virtual std::unique_ptr<Slot> make_slot() = 0;
    /// From any thread; used by one thread at a time, and gone before the backend is.
    virtual std::unique_ptr<DecoderSeat> make_seat(const std::string& name) = 0;
    /// One of those that are made at the start (EngineOptions::early_reader) or were kept: an empty one where none is
    /// left, nothing when none was there within `wait`. From any thread, like the next.
    virtual std::optional<ReadySeat> take_ready_seat(std::chrono::milliseconds /*wait*/) { return ReadySeat{}; }
    /// One that a run has used, for the next.
    virtual void keep_ready_seat(ReadySeat /*seat*/) {}
    /// False once the device has failed for good.
    virtual bool alive() { return true; }
    /// It has failed in that it does not answer: nothing on it can be freed, or waited for, ever again.
    virtual bool hangs() const { return false; }
    /// Gives back what only a run needs.
    virtual void trim() {}
    /// "cpu, fp32, 2 threads, oneDNN 2.6.3", for people.
    virtual std::string description() const = 0;
    /// A short name for the choice of kernels where there is one: under the same, results have the same bits.
    virtual std::string kernel_choice() const { return {}; }
    /// What went on beside the stages of the pipeline, if anything did.
    virtual std::vector<StageStats> stats() const { return {}; }
};

}  // namespace convoy
