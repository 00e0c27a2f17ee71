// SPDX-License-Identifier: MIT
//
// Comma-separated values: a line per detection.
#include <fmt/format.h>

#include "tools/analysis/text.h"
#include "tools/sinks/formats/record_format.h"
#include "tools/sinks/formats/text.h"

namespace convoy::tools {
namespace {

class CsvFormat : public RecordFormat {
public:
    explicit CsvFormat(const FormatNames& names) : classes_(names.classes, analysis::csv_field) {}

    std::string begin() override { return "input,frame,time_s,class_id,class,confidence,x,y,w,h,track\n"; }

    std::string frame(const FrameOutput& frame) override {
        const Result& result = frame.result;
        fmt::memory_buffer lines;
        const std::string place =
            fmt::format("{},{},{}", analysis::csv_field(frame.input.path), result.frame.index, result.frame.time_s);
        for (const Detection& d : result.detections)
            fmt::format_to(fmt::appender(lines), "{},{},{},{},{},{},{},{},{}\n", place, d.class_id,
                           classes_.of(d.class_id), d.confidence, d.box.x, d.box.y, d.box.w, d.box.h,
                           d.track > 0 ? fmt::to_string(d.track) : "");
        return fmt::to_string(lines);
    }

private:
    ClassTexts classes_;
};

}  // namespace

std::unique_ptr<RecordFormat> csv_format(const FormatNames& names) { return std::make_unique<CsvFormat>(names); }

}  // namespace convoy::tools
