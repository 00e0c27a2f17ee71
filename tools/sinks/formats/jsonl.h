// SPDX-License-Identifier: MIT
//
// One JSON object a line and frame; the record is described in docs/jsonl.md.
#pragma once

#include <string>

#include "tools/sinks/formats/record_format.h"
#include "tools/sinks/formats/text.h"

namespace convoy::tools {

constexpr int kRecordVersion = 2;  ///< of docs/jsonl.schema.json

/// The record of one frame, without the line end. `input` and the classes are JSON strings already. `latency`: with
/// latency_ms, the one field that differs from run to run.
std::string json_record(const std::string& input, const Result& result, const ClassTexts& classes, bool latency = true);

}  // namespace convoy::tools
