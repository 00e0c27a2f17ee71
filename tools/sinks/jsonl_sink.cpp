// SPDX-License-Identifier: MIT
#include "tools/sinks/jsonl_sink.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

namespace convoy::tools {

std::string json_string(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string json_record(const std::string& input, const Result& result, const std::vector<std::string>& names) {
    fmt::memory_buffer out;
    const auto put = fmt::appender(out);
    const Frame& frame = result.frame;
    fmt::format_to(
        put,
        R"({{"input":{},"frame":{},"time_s":{},"pts_s":{},"width":{},"height":{},"latency_ms":{:.3f},{}"detections":[)",
        input, frame.index, frame.time_s, std::isfinite(frame.pts_s) ? fmt::format("{}", frame.pts_s) : "null",
        frame.pixels.width, frame.pixels.height, result.latency_ms, frame.undecodable ? R"("undecodable":true,)" : "");
    for (const Detection& d : result.detections) {
        if (&d != result.detections.data()) out.push_back(',');
        const std::string name =
            std::size_t(d.class_id) < names.size() ? names[d.class_id] : fmt::format("\"{}\"", d.class_id);
        fmt::format_to(put, R"({{"class_id":{},"class":{},"confidence":{},"box":[{},{},{},{}]{}}})", d.class_id, name,
                       d.confidence, d.box.x, d.box.y, d.box.w, d.box.h,
                       d.track > 0 ? fmt::format(",\"track\":{}", d.track) : "");
    }
    fmt::format_to(put, "]}}");
    return fmt::to_string(out);
}

JsonlSink::JsonlSink(std::string path, const std::vector<std::string>& names, media::GiveUp give_up)
    : file_(std::move(path), std::move(give_up)) {
    for (const std::string& name : names) names_.push_back(json_string(name));
}

void JsonlSink::write(const FrameOutput& frame) {
    if (frame.input_index != input_index_) {
        input_index_ = frame.input_index;
        input_ = json_string(frame.input.path);
    }
    file_.write(json_record(input_, frame.result, names_) + "\n");
}

}  // namespace convoy::tools
