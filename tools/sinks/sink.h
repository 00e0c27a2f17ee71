// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include <convoy/detection.h>
#include <convoy/segment.h>

namespace convoy::tools {

/// One frame's result with what is known about it, on its way into a file of records.
struct FrameOutput {
    const InputInfo& input;
    int input_index;       ///< number of the input on the command line, folders expanded
    const Result& result;  ///< index within the input, time relative to its first frame; the pixels may be gone
};

/// Somewhere that records go. Each input's frames come in order, all from one thread; several inputs may come side by
/// side. Every method throws Error(output) when it cannot do its work. A sink that is destroyed without close() has
/// failed or was abandoned: it leaves no half-written file.
class Sink {
public:
    virtual ~Sink() = default;
    virtual void write(const FrameOutput& frame) = 0;
    /// `whole`: all of it was read.
    virtual void end_input(int /*input_index*/, bool /*whole*/) {}
    virtual void close() {}
    /// What went wrong with inputs that have files of their own, while others went on: sentences, once.
    virtual std::vector<std::string> take_errors() { return {}; }
    /// What people should know of an input's files that are whole: sentences, once.
    virtual std::vector<std::string> take_remarks() { return {}; }
    /// Files and folders that are complete, for people.
    virtual std::vector<std::string> outputs() const = 0;
};

}  // namespace convoy::tools
