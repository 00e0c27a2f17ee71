// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <convoy/media/give_up.h>
#include "tools/media/out/jpeg_encoders.h"
#include "tools/sinks/broker_publisher.h"
#include "tools/sinks/picture_sink.h"
#include "tools/sinks/plan_outputs.h"
#include "tools/sinks/sink.h"

namespace convoy::tools {

struct Sinks {
    std::vector<std::unique_ptr<Sink>> records;
    std::vector<std::unique_ptr<PictureSink>> pictures;
    std::shared_ptr<media::JpegEncoders> jpegs;             ///< that they share; null without EncoderChoice::jpeg
    std::vector<std::shared_ptr<BrokerPublisher>> brokers;  ///< of MQTT and Kafka
    std::shared_ptr<Webhook> webhook;                       ///< null without
    std::optional<OutputNames> names;                       ///< that the others look at
};

/// Creates the plan's sinks. Where an output is a pipe, the wait for whoever reads it can be given up.
Sinks make_sinks(const OutputPlan& plan, const std::vector<std::string>& class_names,
                 const media::GiveUp& give_up = {});

}  // namespace convoy::tools
