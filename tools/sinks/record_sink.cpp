// SPDX-License-Identifier: MIT
#include "tools/sinks/record_sink.h"

#include <utility>

#include <convoy/error.h>

namespace convoy::tools {

RecordSink::RecordSink(std::string path, std::unique_ptr<RecordFormat> format, media::GiveUp give_up)
    : file_(std::move(path), std::move(give_up)), format_(std::move(format)) {}

RecordSink::~RecordSink() {
    try {
        end();
    } catch (const Error&) {  // it is about the file that has failed, or will be said of another one
    }
}

void RecordSink::write(const FrameOutput& frame) {
    const std::string begin = std::exchange(begun_, true) ? "" : format_->begin();
    file_.write(begin + format_->frame(frame));
}

void RecordSink::end() {
    if (!begun_ || std::exchange(ended_, true)) return;
    format_->end([this](const std::string& text) { file_.write(text); });
}

void RecordSink::close() {
    end();
    file_.close();
}

}  // namespace convoy::tools
