// SPDX-License-Identifier: MIT
#include "tools/sinks/formats/jsonl.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <cmath>
#include <memory>

namespace convoy::tools {

std::string json_record(const std::string& input, const Result& result, const ClassTexts& classes, bool latency) {
    fmt::memory_buffer out;
    const auto put = fmt::appender(out);
    const Frame& frame = result.frame;
    fmt::format_to(put, R"({{"input":{},"frame":{},"time_s":{},"pts_s":{}{},"width":{},"height":{},{}{}"detections":[)",
                   input, frame.index, frame.time_s,
                   std::isfinite(frame.pts_s) ? fmt::format("{}", frame.pts_s) : "null", wall_time_member(frame),
                   frame.pixels.width, frame.pixels.height,
                   latency ? fmt::format(R"("latency_ms":{:.3f},)", result.latency_ms) : "",
                   frame.undecodable ? R"("undecodable":true,)" : "");
    for (const Detection& d : result.detections) {
        if (&d != result.detections.data()) out.push_back(',');
        fmt::format_to(put, FMT_COMPILE(R"({{"class_id":{},"class":{},"confidence":{},"box":[{},{},{},{}])"),
                       d.class_id, classes.of(d.class_id), d.confidence, d.box.x, d.box.y, d.box.w, d.box.h);
        if (d.track > 0) fmt::format_to(put, FMT_COMPILE(R"(,"track":{})"), d.track);
        out.push_back('}');
    }
    fmt::format_to(put, "]}}");
    return fmt::to_string(out);
}

namespace {

class JsonlFormat : public RecordFormat {
public:
    explicit JsonlFormat(const FormatNames& names) : classes_(names.classes, json_string), latency_(names.latency) {}
    std::string frame(const FrameOutput& frame) override {
        return json_record(json_string(frame.input.path), frame.result, classes_, latency_) + "\n";
    }

private:
    ClassTexts classes_;
    bool latency_;
};

}  // namespace

std::unique_ptr<RecordFormat> jsonl_format(const FormatNames& names) { return std::make_unique<JsonlFormat>(names); }

}  // namespace convoy::tools
