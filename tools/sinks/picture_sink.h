// SPDX-License-Identifier: MIT
//
// Sinks that need pictures: drawn on and encoded on many CPU cores, a segment of an input on each.
#pragma once

#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <convoy/detection.h>
#include <convoy/error.h>
#include <convoy/segment.h>
#include "tools/sinks/drawn_picture.h"

namespace convoy::tools {

/// One frame of a part. Segments are worked on before those ahead of them are finished, so neither its number within
/// the input nor its time from the input's first frame is known: `result` has its number within the part and the
/// container's stamp.
struct AnnotatedFrame {
    const Result& result;  ///< its pixels are as they came
    DrawnPicture& picture;
};

/// What becomes known of a frame when everything before it is there.
struct FramePlace {
    std::int64_t index = 0;                                   ///< within its input, from 0
    double time_s = 0;                                        ///< from the input's first frame
    double pts_s = std::numeric_limits<double>::quiet_NaN();  ///< the container's own stamp
};

/// Calls `each` for all, for one that comes behind a failed one, too; then throws the first Error.
template <typename Range, typename Each>
void for_all(Range&& range, Each each) {
    std::exception_ptr first_error;
    for (auto& element : range) {
        try {
            each(element);
        } catch (const Error&) {
            if (!first_error) first_error = std::current_exception();
        }
    }
    if (first_error) std::rethrow_exception(first_error);
}

/// The frames of a segment on their way into one sink: in order, on one thread at a time. One that is destroyed before
/// it was appended leaves nothing behind; it may outlive its sink.
class Part {
public:
    virtual ~Part() = default;
    virtual void write(const AnnotatedFrame& frame) = 0;
    /// No more frames, however many were expected.
    virtual void end() = 0;
};

/// Somewhere that annotated pictures go. Every method throws Error(output) when it cannot do its work; what is thrown
/// ends the run, but for what PerInputSink keeps. A sink that is destroyed without close() leaves no half-written file.
class PictureSink {
public:
    virtual ~PictureSink() = default;
    /// Begins a part of an input, from any thread; several may be open at once. `threads` is how many CPU threads it
    /// may use; 0: as many as it likes. Null when the sink takes nothing of this input.
    virtual std::unique_ptr<Part> begin_part(int input_index, const InputInfo& input, int threads) = 0;
    /// Whether its parts look at AnnotatedFrame::picture.
    virtual bool wants_drawing() const { return true; }
    /// Puts the next frames of a part where they belong: an input's parts in their order, from one thread, a place for
    /// each frame in the order of writing. As a rule once, with all of a part's frames after its end(). A part without
    /// end may be appended bit by bit while another thread goes on with it (no more places than frames written): then
    /// pictures appear as they come, and encoded video does not fill the memory. The last call comes after end().
    virtual void append(Part& part, std::span<const FramePlace> places) = 0;
    /// Before end_input(), where an input's last frame is shown shorter than the others.
    virtual void last_frame(int /*input_index*/, double /*seconds*/) {}
    /// After the last part of an input, all of which was read if `whole`; from append()'s thread, as what follows.
    virtual void end_input(int /*input_index*/, bool /*whole*/) {}
    /// Instead of that, or before: something went wrong with this input's files, which are given up. May come twice.
    virtual void abandon_input(int /*input_index*/) {}
    virtual void close() {}
    /// What went wrong with inputs that have files of their own, while others went on: sentences, once.
    virtual std::vector<std::string> take_errors() { return {}; }
    /// What people should know of an input's files that are whole: sentences, once.
    virtual std::vector<std::string> take_remarks() { return {}; }
    /// Files and folders that are complete, for people.
    virtual std::vector<std::string> outputs() const = 0;
};

}  // namespace convoy::tools
