// SPDX-License-Identifier: MIT
//
// One JSON object a line and frame; the record is described in docs/jsonl.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/media/byte_stream.h"
#include "tools/sinks/sink.h"

namespace convoy::tools {

constexpr int kRecordVersion = 1;  ///< of docs/jsonl.schema.json

/// `text` as a JSON string, quotes included; bytes that are no UTF-8 become U+FFFD.
std::string json_string(const std::string& text);

/// The record of one frame, without the line end. `names` and `input` are JSON strings already; a class without a
/// name is called by its number.
std::string json_record(const std::string& input, const Result& result, const std::vector<std::string>& names);

/// Every record is on its way to the file, whole, before write() returns; the file appears with the first.
class JsonlSink : public Sink {
public:
    /// `path` may be "-" for standard output. The wait for whoever reads a pipe can be given up.
    JsonlSink(std::string path, const std::vector<std::string>& names, media::GiveUp give_up = {});

    void write(const FrameOutput& frame) override;
    void close() override;
    std::vector<std::string> outputs() const override;

private:
    [[noreturn]] void fail();

    std::string path_;
    std::vector<std::string> names_;  // JSON strings
    std::string input_;               // JSON string of input_index_
    int input_index_ = -1;
    media::GiveUp give_up_;
    std::optional<media::OutputStream> file_;  // from the first record on
    std::int64_t records_ = 0, bytes_ = 0;     // whole ones; what they take
    bool closed_ = false;
};

/// A file for each input.
class JsonlFolderSink : public Sink {
public:
    /// `paths[i]` is the file for input i.
    JsonlFolderSink(std::vector<std::string> paths, const std::vector<std::string>& names, media::GiveUp give_up = {});

    void write(const FrameOutput& frame) override;
    void end_input(int input_index) override;
    void close() override;
    std::vector<std::string> outputs() const override { return finished_; }

private:
    std::vector<std::string> paths_, names_;
    media::GiveUp give_up_;
    std::map<int, JsonlSink> files_;  // of the inputs that are being written
    std::vector<std::string> finished_;
};

}  // namespace convoy::tools
