// SPDX-License-Identifier: MIT
//
// One JSON object a line and frame; the record is described in docs/jsonl.md.
#pragma once

#include <string>
#include <vector>

#include "tools/sinks/record_file.h"
#include "tools/sinks/sink.h"

namespace convoy::tools {

constexpr int kRecordVersion = 2;  ///< of docs/jsonl.schema.json

/// `text` as a JSON string, quotes included; bytes that are no UTF-8 become U+FFFD.
std::string json_string(const std::string& text);

/// The record of one frame, without the line end. `names` and `input` are JSON strings already; a class without a
/// name is called by its number.
std::string json_record(const std::string& input, const Result& result, const std::vector<std::string>& names);

class JsonlSink : public Sink {
public:
    /// `path` may be "-" for standard output. The wait for whoever reads a pipe can be given up.
    JsonlSink(std::string path, const std::vector<std::string>& names, media::GiveUp give_up = {});

    void write(const FrameOutput& frame) override;
    void close() override { file_.close(); }
    std::vector<std::string> outputs() const override { return file_.outputs(); }

private:
    RecordFile file_;
    std::vector<std::string> names_;  // JSON strings
    std::string input_;               // JSON string of input_index_
    int input_index_ = -1;
};

}  // namespace convoy::tools
