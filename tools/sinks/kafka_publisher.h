// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "tools/sinks/broker_publisher.h"
#include "tools/sinks/broker_target.h"

namespace convoy::tools {

/// Each message is confirmed by all replicas that are in sync (acks=all), and kept until it is.
class KafkaPublisher : public BrokerPublisher {
public:
    /// Begins to connect. Throws Error(unsupported) where this was built without librdkafka, Error(usage) for what that
    /// does not take, such as a CA file that is none.
    explicit KafkaPublisher(const BrokerTarget& target, std::size_t queue_bytes = kQueueBytes);
    /// Throws Error(unsupported) where it cannot be: before any work is done.
    static void require();
};

}  // namespace convoy::tools
