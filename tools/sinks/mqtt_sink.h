// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <convoy/media/give_up.h>
#include "tools/sinks/formats/record_format.h"
#include "tools/sinks/mqtt_publisher.h"
#include "tools/sinks/sink.h"

namespace convoy::tools {

/// Publishes each line that a format makes of frames as a message, without the end of the line.
class MqttSink : public Sink {
public:
    /// `make` makes the format of an input.
    MqttSink(std::shared_ptr<MqttPublisher> publisher, std::function<std::unique_ptr<RecordFormat>()> make,
             media::GiveUp give_up = {});

    void write(const FrameOutput& frame) override;
    void end_input(int input_index, bool whole) override;
    void close() override;
    std::vector<std::string> outputs() const override { return {}; }

private:
    std::shared_ptr<MqttPublisher> publisher_;
    std::function<std::unique_ptr<RecordFormat>()> make_;
    media::GiveUp give_up_;
    std::map<int, std::unique_ptr<RecordFormat>> formats_;  // of the inputs that go on
};

}  // namespace convoy::tools
