// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "engine/detection.h"
#include "tools/media/image.h"
#include "tools/media/source.h"

namespace convoy::tools {

/// One frame with everything known about it, on its way into the sinks.
struct FrameOutput {
    const media::SourceInfo& input;
    std::size_t input_index;    ///< number of the input on the command line, folders expanded
    const Result& result;       ///< for a picture sink, its frame's pixels may be gone already
    const media::Image& image;  ///< annotated; empty for a sink of records
};

/// Somewhere that results go. Frames come in order, input after input, all from one thread. Every method throws
/// Error(output) when it cannot do its work. A sink that is destroyed without close() has failed or was abandoned: it
/// leaves no half-written file.
class Sink {
public:
    virtual ~Sink() = default;
    virtual void write(const FrameOutput& frame) = 0;
    virtual void end_input(std::size_t /*input_index*/) {}
    virtual void close() {}
    /// Files and folders that are complete, for people.
    virtual std::vector<std::string> outputs() const = 0;
};

}  // namespace convoy::tools
