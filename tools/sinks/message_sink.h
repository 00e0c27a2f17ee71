// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tools/sinks/formats/record_format.h"
#include "tools/sinks/message_queue.h"
#include "tools/sinks/sink.h"

namespace convoy::tools {

/// Publishes each line that a format makes of frames as a message, without the end of the line.
class MessageSink : public Sink {
public:
    /// `publish` takes a message, whose key is the input, `close` ends that. `make` makes the format of an input.
    using Publish = std::function<void(Message message)>;
    MessageSink(Publish publish, std::function<void()> close, std::function<std::unique_ptr<RecordFormat>()> make);

    void write(const FrameOutput& frame) override;
    void end_input(int input_index, bool whole) override;
    void close() override;
    std::vector<std::string> outputs() const override { return {}; }

private:
    Publish publish_;
    std::function<void()> close_;
    std::function<std::unique_ptr<RecordFormat>()> make_;
    std::map<int, std::unique_ptr<RecordFormat>> formats_;  // of the inputs that go on
};

}  // namespace convoy::tools
