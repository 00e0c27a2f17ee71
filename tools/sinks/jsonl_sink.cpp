// SPDX-License-Identifier: MIT
#include "tools/sinks/jsonl_sink.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <utility>

#include <convoy/error.h>

namespace convoy::tools {

std::string json_string(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string json_record(const std::string& input, const Result& result, const std::vector<std::string>& names) {
    fmt::memory_buffer out;
    const auto put = fmt::appender(out);
    const Frame& frame = result.frame;
    fmt::format_to(put,
                   R"({{"input":{},"frame":{},"time_s":{},"width":{},"height":{},"latency_ms":{:.3f},"detections":[)",
                   input, frame.index, frame.time_s, frame.pixels.width, frame.pixels.height, result.latency_ms);
    for (const Detection& d : result.detections) {
        if (&d != result.detections.data()) out.push_back(',');
        const std::string name =
            std::size_t(d.class_id) < names.size() ? names[d.class_id] : fmt::format("\"{}\"", d.class_id);
        fmt::format_to(put, R"({{"class_id":{},"class":{},"confidence":{},"box":[{},{},{},{}]}})", d.class_id, name,
                       d.confidence, d.box.x, d.box.y, d.box.w, d.box.h);
    }
    fmt::format_to(put, "]}}");
    return fmt::to_string(out);
}

JsonlSink::JsonlSink(std::string path, const std::vector<std::string>& names, media::GiveUp give_up)
    : path_(std::move(path)), give_up_(std::move(give_up)) {
    for (const std::string& name : names) names_.push_back(json_string(name));
}

void JsonlSink::write(const FrameOutput& frame) {
    if (!file_ && path_ == "-") file_.emplace(STDOUT_FILENO, give_up_);
    if (!file_) file_.emplace(path_, give_up_);
    if (frame.input_index != input_index_) {
        input_index_ = frame.input_index;
        input_ = json_string(frame.input.path);
    }
    if (!file_->write(json_record(input_, frame.result, names_) + "\n")) fail();
    ++records_;
    bytes_ = file_->written();
}

void JsonlSink::close() {
    if (!file_ || std::exchange(closed_, true)) return;
    if (!file_->close()) fail();
}

void JsonlSink::fail() {
    // A record that was cut off by a full disk is taken back, so that every line of the file parses.
    const bool cut_off = file_->written() > bytes_ && !(path_ != "-" && file_->cut(bytes_));
    throw Error(ErrorKind::output,
                fmt::format("cannot write {}: {}{}{}", path_ == "-" ? "to standard output" : path_, file_->reason(),
                            records_ > 0 ? fmt::format("; {} records are in it", records_) : "",
                            cut_off ? "; its last line is cut off" : ""));
}

std::vector<std::string> JsonlSink::outputs() const {
    if (records_ == 0 || path_ == "-" || !file_->reason().empty()) return {};
    return {path_};
}

JsonlFolderSink::JsonlFolderSink(std::vector<std::string> paths, const std::vector<std::string>& names,
                                 media::GiveUp give_up)
    : paths_(std::move(paths)), names_(names), give_up_(std::move(give_up)) {}

void JsonlFolderSink::write(const FrameOutput& frame) {
    const std::string& path = paths_.at(std::size_t(frame.input_index));
    files_.try_emplace(frame.input_index, path, names_, give_up_).first->second.write(frame);
}

void JsonlFolderSink::end_input(int input_index) {
    const auto file = files_.find(input_index);
    if (file == files_.end()) return;
    file->second.close();
    for (const std::string& path : file->second.outputs()) finished_.push_back(path);
    files_.erase(file);
}

void JsonlFolderSink::close() {
    while (!files_.empty()) end_input(files_.begin()->first);
}

}  // namespace convoy::tools
