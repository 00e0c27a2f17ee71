// SPDX-License-Identifier: MIT
#include "tools/sinks/message_sink.h"

#include <utility>

namespace convoy::tools {

MessageSink::MessageSink(Publish publish, std::function<void()> close,
                         std::function<std::unique_ptr<RecordFormat>()> make)
    : publish_(std::move(publish)), close_(std::move(close)), make_(std::move(make)) {}

void MessageSink::write(const FrameOutput& frame) {
    std::unique_ptr<RecordFormat>& format = formats_[frame.input_index];
    if (!format) format = make_();
    const std::string lines = format->frame(frame);
    for (std::size_t begin = 0; begin < lines.size();) {
        const std::size_t end = lines.find('\n', begin);
        publish_({lines.substr(begin, end - begin), frame.input.path});
        begin = end + 1;
    }
}

void MessageSink::end_input(int input_index, bool /*whole*/) { formats_.erase(input_index); }

void MessageSink::close() { close_(); }

}  // namespace convoy::tools
