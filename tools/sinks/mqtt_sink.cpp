// SPDX-License-Identifier: MIT
#include "tools/sinks/mqtt_sink.h"

#include <utility>

namespace convoy::tools {

MqttSink::MqttSink(std::shared_ptr<MqttPublisher> publisher, std::function<std::unique_ptr<RecordFormat>()> make,
                   media::GiveUp give_up)
    : publisher_(std::move(publisher)), make_(std::move(make)), give_up_(std::move(give_up)) {}

void MqttSink::write(const FrameOutput& frame) {
    std::unique_ptr<RecordFormat>& format = formats_[frame.input_index];
    if (!format) format = make_();
    const std::string lines = format->frame(frame);
    for (std::size_t begin = 0; begin < lines.size();) {
        const std::size_t end = lines.find('\n', begin);
        publisher_->publish(lines.substr(begin, end - begin));
        begin = end + 1;
    }
}

void MqttSink::end_input(int input_index, bool /*whole*/) { formats_.erase(input_index); }

void MqttSink::close() { publisher_->close(give_up_); }

}  // namespace convoy::tools
