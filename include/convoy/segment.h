// SPDX-License-Identifier: MIT
//
// Whole inputs as the engine takes them: a video cut into pieces that any device can decode on its own, a camera as
// one piece that does not end. convoy::media implements these over libav; any other source of frames may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include <convoy/export.h>
#include <convoy/frame.h>

namespace convoy {

/// What is known of an input before it is read.
struct InputInfo {
    std::string path;              ///< as it was named, for people: an address's password is not in it
    bool is_video = false;         ///< false: one picture
    int width = 0, height = 0;     ///< of the first frame, as it is shown; 0 when not known yet
    int fps_num = 0, fps_den = 1;  ///< average frame rate; fps_num is 0 when unknown (pictures)
    /// How wide a pixel is shown against how high, as the container or the codec states it.
    int pixel_width = 1, pixel_height = 1;
    int video_stream = -1;             ///< of a recording's streams, the one that is read: its index; -1: not known
    std::int64_t frames_estimate = 0;  ///< from the container, 0 when unknown; only for progress
    double duration_s = 0;             ///< 0 when unknown
    double start_s = 0;                ///< the time of the first frame that is read, where others lie before it
    /// The stamp, in seconds, from which times count then, so that a frame has the same time whatever lies before it is
    /// left out; NaN: the first frame's stamp is start_s.
    double origin_s = std::numeric_limits<double>::quiet_NaN();
    std::int64_t frame_step = 1;  ///< by which frames are numbered, where those between are left out
    bool is_even = false;         ///< where their times leave a gap, frames are missing
    double longest_gap_s = 3600;  ///< a frame that is stamped later than that after the one before it has a wrong stamp
};

/// Where a reader's frames are wanted.
struct DecodeTarget {
    /// The GPU that is going to read the frames, by its CUDA number; -1: a CPU, or a GPU without a decoder's help:
    /// frames go to host memory.
    int gpu = -1;
    /// With a GPU, its primary context (CUcontext) and the stream (CUstream) on which the engine reads frames that lie
    /// in device memory: whatever writes them must be ordered on it. Both outlive the reader.
    void* cuda_context = nullptr;
    void* cuda_stream = nullptr;
};

enum class SegmentKind {
    closed,      ///< no frame in it needs a frame outside: decoded anywhere, any number of times
    first_part,  ///< frames that were decoded in one go with those of the parts that follow …
    next_part,   ///< … which are worked on elsewhere as one piece with it (RunObserver::work)
    endless,     ///< goes on as long as its camera does: gets a thread of its own, is never repeated
};

/// A piece of an input: what a device takes at a time. Immutable and shared: several readers may read it, one after the
/// other or at once, unless it is endless.
class CONVOY_API Segment {
public:
    virtual ~Segment() = default;
    virtual SegmentKind kind() const { return SegmentKind::closed; }
    /// Host memory that it holds while it waits or is worked on: packets or decoded pictures, or what its reader will
    /// take. Bounds how many are prepared ahead.
    virtual std::size_t bytes() const = 0;
    /// Frames that it will give, roughly; 0 where that is not known.
    virtual std::int64_t frames() const { return 0; }
};

/// What there is to say of a segment beside its frames.
struct SegmentNotes {
    std::int64_t damaged = 0;  ///< packets and frames that could not be decoded, frames that were in part
    std::string first_damage;  ///< the first of them, a sentence
    bool on_gpu = false;       ///< decoded by the GPU's own decoder
    std::string fallback;      ///< why it was not, where a GPU was wanted; a few words that many segments share
};

/// Reads segments of one input, one after the other, on one thread at a time. Made by Input::make_reader(); keeps its
/// decoder from one segment to the next. One for a GPU that hangs is never destroyed, since what it holds there cannot
/// be freed without waiting for that GPU.
class CONVOY_API SegmentReader {
public:
    virtual ~SegmentReader() = default;
    /// May be called before the first open(), with a closed segment of the same input that others read: what takes long
    /// to make, such as a GPU's own decoder, can be made now.
    virtual void warm_up(std::shared_ptr<const Segment> /*sample*/) {}
    /// Begins a segment of the same input, whatever was left of the one before.
    virtual void open(std::shared_ptr<const Segment> segment) = 0;
    /// The next frame in presentation order, or nothing at the segment's end, or when the run is being stopped and the
    /// first one (of an endless segment: the next one) would have to be waited for. time_s is the container's stamp in
    /// seconds, NaN where there is none; index is not used. What cannot be decoded is noted and skipped. Throws
    /// Error(input) when nothing more can be had although something should be, Error(device) when the GPU has failed.
    virtual std::optional<Frame> next() = 0;
    /// Of the segment that is open, complete once next() has returned nothing.
    virtual SegmentNotes notes() const = 0;
    /// Whether it holds a decoder that took long to make, and nothing of its input: an engine may keep it then when a
    /// run has ended, for inputs of the next one that adopt it.
    virtual bool outlives_run() const { return false; }
};

/// One input, cut into segments. All calls but make_reader() come from one thread at a time.
class CONVOY_API Input {
public:
    virtual ~Input() = default;
    virtual const InputInfo& info() const = 0;
    /// The next segment in presentation order, or nothing at the end. Throws Error(input); what has come so far counts.
    virtual std::shared_ptr<const Segment> next_segment() = 0;
    /// Damage outside of any segment: a file that ends early, say. Complete once next_segment() has returned nothing.
    virtual SegmentNotes notes() const { return {}; }
    /// A sentence for people on how the input is read where that is not the usual way ("one keyframe: …"), or nothing.
    virtual std::string remark() const { return {}; }
    /// How long the last frame that was handed out is shown, seconds, where those behind it were left out; 0: as long
    /// as any other. Complete once next_segment() has returned nothing.
    virtual double last_frame_s() const { return 0; }
    /// From any thread. The reader may outlive the input.
    virtual std::unique_ptr<SegmentReader> make_reader(const DecodeTarget& target) = 0;
    /// From any thread: whether a reader that another input has made will read this one's segments from now on. So it
    /// keeps its decoder, which takes long to make, for inputs of the same kind. Where not, nothing has happened to it.
    virtual bool adopt_reader(SegmentReader& /*reader*/) { return false; }
};

}  // namespace convoy
