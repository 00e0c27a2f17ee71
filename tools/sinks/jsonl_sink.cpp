// SPDX-License-Identifier: MIT
#include "tools/sinks/jsonl_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "darknet_loader/error.h"

namespace convoy::tools {
namespace {

// How much of `data` reached the file; less than all of it leaves the reason in errno.
std::size_t write_all(int fd, std::string_view data) {
    std::size_t done = 0;
    while (done < data.size()) {
        const ssize_t n = ::write(fd, data.data() + done, data.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += std::size_t(n);
    }
    return done;
}

}  // namespace

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

JsonlSink::JsonlSink(std::string path, const std::vector<std::string>& names) : path_(std::move(path)) {
    for (const std::string& name : names) names_.push_back(json_string(name));
}

JsonlSink::~JsonlSink() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
}

void JsonlSink::write(const FrameOutput& frame) {
    if (fd_ < 0) {
        fd_ = path_ == "-" ? STDOUT_FILENO : ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd_ < 0) fail(errno);
    }
    if (frame.input_index != input_index_) {
        input_index_ = frame.input_index;
        input_ = json_string(frame.input.path);
    }
    const std::string line = json_record(input_, frame.result, names_) + "\n";
    if (write_all(fd_, line) != line.size()) fail(errno);
    written_ += std::int64_t(line.size());
}

void JsonlSink::close() {
    if (fd_ <= STDERR_FILENO) return;
    const int fd = std::exchange(fd_, -1);
    if (::close(fd) != 0) fail(errno);
}

void JsonlSink::fail(int error_number) {
    struct stat file;
    // A record that was cut off by a full disk is taken back, so that every line of the file parses.
    const bool trimmed =
        fd_ < 0 || path_ == "-" || fstat(fd_, &file) != 0 || !S_ISREG(file.st_mode) || ftruncate(fd_, written_) == 0;
    throw Error(ErrorKind::output,
                fmt::format("cannot write {}: {}{}", path_ == "-" ? "to standard output" : path_,
                            std::strerror(error_number), trimmed ? "" : "; its last line is cut off"));
}

std::vector<std::string> JsonlSink::outputs() const {
    if (written_ == 0 || path_ == "-") return {};
    return {path_};
}

JsonlFolderSink::JsonlFolderSink(std::vector<std::string> paths, const std::vector<std::string>& names)
    : paths_(std::move(paths)), names_(names) {}

void JsonlFolderSink::write(const FrameOutput& frame) {
    const std::string& path = paths_.at(std::size_t(frame.input_index));
    files_.try_emplace(frame.input_index, path, names_).first->second.write(frame);
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
