// SPDX-License-Identifier: MIT
#include "tools/sinks/record_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <convoy/error.h>

namespace convoy::tools {

RecordFile::RecordFile(std::string path, media::GiveUp give_up)
    : path_(std::move(path)), give_up_(std::move(give_up)) {}

void RecordFile::open() {
    std::error_code error;
    const std::optional<std::string> replaced = media::replaceable_file(path_);
    if (replaced && std::filesystem::is_regular_file(*replaced, error)) {
        const std::filesystem::path folder = std::filesystem::path(*replaced).parent_path();
        if (access(folder.empty() ? "." : folder.c_str(), W_OK) == 0) replacing_.emplace(path_);
    }
    file_.emplace(replacing_ ? replacing_->temporary() : path_, give_up_);
}

void RecordFile::write(const std::string& record) {
    if (!file_ && path_ == "-") file_.emplace(STDOUT_FILENO, give_up_);
    if (!file_) open();
    if (!file_->write(record)) fail();
    if (!record.empty()) ++records_;
    bytes_ = file_->written();
}

void RecordFile::close() {
    if (!file_ || std::exchange(closed_, true)) return;
    if (!file_->close()) fail();
    if (replacing_) replacing_->commit();
}

void RecordFile::fail() {
    // A record that was cut off by a full disk is taken back, so that every line of the file parses.
    const bool cut_off = file_->written() > bytes_ && !(path_ != "-" && file_->cut(bytes_));
    throw Error(
        ErrorKind::output,
        fmt::format("cannot write {}: {}{}{}", path_ == "-" ? "to standard output" : path_, file_->reason(),
                    replacing_     ? "; the file that was there is as it was"
                    : records_ > 0 ? fmt::format("; {} in it", records_ == 1 ? "1 record is"
                                                                             : fmt::format("{} records are", records_))
                                   : "",
                    cut_off ? "; its last line is cut off" : ""));
}

std::vector<std::string> RecordFile::outputs() const {
    if (!file_ || path_ == "-" || !file_->reason().empty()) return {};
    return {path_};
}

FolderSink::FolderSink(InputNames paths, Make make, media::GiveUp give_up)
    : paths_(std::move(paths)), make_(std::move(make)), give_up_(std::move(give_up)) {}

void FolderSink::write(const FrameOutput& frame) {
    const auto [file, first] = files_.try_emplace(frame.input_index);
    try {
        if (first) file->second = make_(paths_.at(std::size_t(frame.input_index)));
        if (file->second) file->second->write(frame);
    } catch (const Error& error) {
        keep(error);
        file->second = nullptr;
    }
}

/// Only while `error` is being handled.
void FolderSink::keep(const Error& error) {
    if (paths_.is_alone() || (give_up_ && give_up_())) throw;
    errors_.push_back(error.what());
}

void FolderSink::end_input(int input_index, bool /*whole*/) {
    const auto ended = files_.extract(input_index);
    if (!ended || !ended.mapped()) return;
    try {
        ended.mapped()->close();
        for (const std::string& path : ended.mapped()->outputs())
            if (std::find(finished_.begin(), finished_.end(), path) == finished_.end()) finished_.push_back(path);
    } catch (const Error& error) {
        keep(error);
    }
}

void FolderSink::close() {
    while (!files_.empty()) end_input(files_.begin()->first, false);
}

}  // namespace convoy::tools
