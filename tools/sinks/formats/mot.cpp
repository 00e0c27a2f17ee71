// SPDX-License-Identifier: MIT
//
// MOTChallenge: a line per detection, of one input. Frames, classes and pixels count from 1.
#include <fmt/format.h>

#include "tools/sinks/formats/record_format.h"

namespace convoy::tools {
namespace {

class MotFormat : public RecordFormat {
public:
    std::string frame(const FrameOutput& frame) override {
        fmt::memory_buffer lines;
        for (const Detection& d : frame.result.detections)
            fmt::format_to(fmt::appender(lines), "{},{},{},{},{},{},{},{},-1\n", frame.result.frame.index + 1,
                           d.track > 0 ? d.track : -1, double(d.box.x) + 1, double(d.box.y) + 1, d.box.w, d.box.h,
                           d.confidence, d.class_id + 1);
        return fmt::to_string(lines);
    }
};

}  // namespace

std::unique_ptr<RecordFormat> mot_format(const FormatNames& /*names*/) { return std::make_unique<MotFormat>(); }

}  // namespace convoy::tools
