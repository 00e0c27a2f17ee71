// SPDX-License-Identifier: MIT
//
// Whole inputs through an engine: who is told what in which order, and the report at the end.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <convoy/detection.h>
#include <convoy/export.h>
#include <convoy/segment.h>
#include <convoy/stage_stats.h>

namespace convoy {

/// One input of a run.
struct RunInput {
    /// Opens it, when its turn comes and on a thread of the engine. May throw Error(input) or Error(unsupported): then
    /// the others go on; anything else ends the run.
    /// `cancel` is asked to stop when the run ends early: whatever waits in here, or later in the input and its readers
    /// (for a network, a camera, somebody who writes into a pipe), is to give up soon then.
    std::function<std::unique_ptr<Input>(std::stop_token cancel)> open = {};
    /// Inputs of one lane come out one after the other, in order; lanes run side by side and share the devices fairly.
    int lane = 0;
    /// An endless segment keeps to its newest frame: while a device, a SegmentWork or the observer is busy, and four of
    /// its frames are under way, each decoded frame takes the place of the one before, which is dropped and counted
    /// (InputEnd::dropped). So no result gets older than those take, however long the run lasts. Frames keep the
    /// numbers and times that they would have without that. Other segments are read whole.
    bool newest = false;
};

/// Inputs of a run that come and go while it lasts; from any threads. For one run, which keeps what it needs of it.
///
///     convoy::InputFeed feed;
///     feed.add(camera);               // before the run, or while it lasts
///     engine.run(feed, observer, stop);   // until close() and the end of the last input, or `stop`
class CONVOY_API InputFeed {
public:
    InputFeed();
    ~InputFeed();
    InputFeed(const InputFeed&) = delete;
    InputFeed& operator=(const InputFeed&) = delete;

    /// Adds an input: its number in the run, from 0 on in the order of these calls. It may begin before this returns.
    /// Nothing after close() and once the run is over. What may be live, or keep whoever opens it waiting, should have
    /// a lane of its own; lanes cost nothing once their inputs have ended.
    std::optional<int> add(RunInput input);
    /// Ends an input as if nothing came behind what has been read of it: a camera with the frame that it waits for (its
    /// `cancel` is asked to stop), a recording behind the segments that were cut. What was read comes out, then the
    /// input's end, with InputEnd::early. One that has not been opened never is, and in its turn has an end without a
    /// begin. Nothing happens to one that has ended.
    void end(int input);
    /// Nothing more will be added: the run ends with the last of its inputs.
    void close();

    struct Impl;  ///< the engine's

private:
    std::shared_ptr<Impl> impl_;
};

/// How an engine was made ready.
struct StartReport {
    double seconds = 0;
    std::string replication;  ///< how the weights got to the other GPUs: "by ncclBroadcast"; empty with one device
    double replication_s = 0;
};

struct RunThreads {
    int decoders = 0;      ///< threads per device that decode and preprocess; 0 chooses: they hardly take time on a GPU
    int cpu_decoders = 0;  ///< per GPU: threads that decode on the CPU beside its own decoders, where that saves time;
                           ///< 0 chooses by the cores that there are, -1: none. With SegmentWork 0 is as many as make a
                           ///< segment for each of its threads
    int work_threads = 0;  ///< CPU threads for SegmentWork; 0 takes all cores
};

/// What is done with the frames of one segment, or of the parts that follow each other, on the engine's CPU threads:
/// drawing and encoding, say. Several run at once; each sees its frames in order, from one thread at a time. A
/// recording with few keyframes, or a camera, is one work from its begin to its end, so a work must not collect its
/// pictures.
class CONVOY_API SegmentWork {
public:
    virtual ~SegmentWork() = default;
    /// `result` has its pixels, in host memory, as nv12 or rgb8. They are let go of after this call; what else is in
    /// it reaches RunObserver::result later, in the same order, one for one. Its index counts within the work, its time
    /// is the container's stamp.
    virtual void frame(Result& result) = 0;
    /// After the last of its frames.
    virtual void end() {}
};

/// How an input ended.
struct InputEnd {
    std::int64_t frames = 0;
    std::int64_t dropped = 0;      ///< beside them, that RunInput::newest has left out
    std::int64_t damaged = 0;      ///< packets and frames that could not be decoded, frames that were in part
    std::string first_damage;      ///< the first of them, a sentence
    std::int64_t undecodable = 0;  ///< of the frames: Frame::undecodable
    std::int64_t not_finite = 0;   ///< boxes: the sum of Result::not_finite
    std::string first_not_finite;  ///< the first Result::first_not_finite that is not empty
    std::string error;             ///< why it could not be opened or read to its end; empty when it could
    bool early = false;            ///< by InputFeed::end()
    std::string remark;            ///< Input::remark(), and whether time stamps were no guide
    double last_frame_s = 0;       ///< Input::last_frame_s()
    std::int64_t segments = 0;     ///< that it was cut into
    std::int64_t on_gpu = 0;       ///< of them, decoded by a GPU's own decoder
    std::int64_t fallbacks = 0;    ///< of them, decoded on the CPU although a GPU was to read them
    std::string first_fallback;    ///< why
};

/// Told of a run. All but work() come from the thread that called Engine::run(), in each lane's order: an input's
/// begin, its results, the works that they went through (each after the last of its results), its end. An input that
/// could not be opened, or was ended before that, has no begin, only an end; one that a stop found unopened has
/// neither. What it throws ends the run.
class CONVOY_API RunObserver {
public:
    virtual ~RunObserver() = default;
    /// Work for the segment or the row of parts that begins, or nothing; from any thread. `threads` is how many CPU
    /// threads it may use of its own: few where others run beside it. An engine asks only if wants_pixels().
    virtual std::unique_ptr<SegmentWork> work(int /*input*/, const InputInfo& /*info*/, int /*threads*/) { return {}; }
    /// Whether frames are to be brought to host memory and through work(); asked once, at the start.
    virtual bool wants_pixels() const { return false; }
    /// Whether in_order() is to be called; asked once, at the start. With wants_pixels(), frames of later segments wait
    /// for those of earlier ones before they are worked on, and up to 2 GB of them are kept for that.
    virtual bool wants_order() const { return false; }
    /// Every result of an input, in order, before SegmentWork::frame() and result() get it: for what depends on the
    /// frames before (which thing is which, how many have passed). May change the detections and attach a note. Index
    /// and time are those that result() gives; pixels are there if wants_pixels(). From one thread at a time, not
    /// always the same. What was shown here may not come out if the run is stopped.
    virtual void in_order(int /*input*/, const InputInfo& /*info*/, Result& /*result*/) {}

    virtual void begin_input(int /*input*/, const InputInfo& /*info*/) {}
    /// The next result of its input: index counted from 0 within the input, dropped frames (RunInput::newest) included,
    /// time_s relative to its first frame. The frame's size is known, its pixels are gone unless wants_picture() has
    /// asked for them.
    virtual void result(int input, Result& result) = 0;
    virtual void work_done(int /*input*/, SegmentWork& /*work*/) {}
    virtual void end_input(int /*input*/, const InputEnd& /*end*/) {}
    /// Asked of each frame: whether result() is to have its pixels, in host memory, as nv12 or rgb8. From any thread,
    /// and must be quick. Without wants_pixels() the answer is for a frame that goes to a device now: it is copied from
    /// there where it lies on a GPU, and its result comes later, or never if it is lost or the run is stopped. Frames
    /// that are kept so are counted in no budget: ask for few at a time.
    virtual bool wants_picture(int /*input*/) { return false; }
};

/// One device's part in a run.
struct DeviceReport {
    std::string name;           ///< "cuda:0"
    std::string description;    ///< "cuda:0 (NVIDIA H200), fp16"
    std::string kernels;        ///< a GPU's choice of kernels as a short name: the same one gives the same bits
    std::string failure;        ///< why it failed, a sentence; empty when it did not
    std::int64_t frames = 0;    ///< whose results it had; after a stop the observer may have been told of fewer
    std::int64_t pictures = 0;  ///< that its network has seen: frames, or their tiles
    std::int64_t segments = 0;
    int decoders = 0;                        ///< threads that decode and preprocess
    std::vector<std::int64_t> batch_counts;  ///< by pictures in the batch; [0] is unused
    /// decode, wait for a slot, preprocess (of all decoder threads together; of a frame, what goes into one batch),
    /// network (batches, on the device's own clock), post-process (pictures).
    std::vector<StageStats> stages;
};

struct RunReport {
    std::vector<DeviceReport> devices;
    std::vector<StageStats>
        stages;             ///< not of one device: "demux", "draw and encode" (SegmentWork), "output" (the observer)
    StageStats latency;     ///< of frames: from decoded to detections on the host, waiting for a batch included
    StageStats reorder;     ///< of frames: from there until their turn came
    StageStats age;         ///< of frames of endless segments: from decoded until the observer was told
    StageStats packet_age;  ///< the same from when their packets were read, where that is known: Frame::packet_at
    int work_threads = 0;
    double seconds = 0;
    std::string failure;   ///< why the run ended early: no device is left; what came out until then is whole
    bool stopped = false;  ///< by its stop flag, before everything was read
    std::int64_t repeated_segments = 0;  ///< begun again on another device after theirs had failed
};

}  // namespace convoy
