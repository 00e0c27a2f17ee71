// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "tools/sinks/broker_publisher.h"
#include "tools/sinks/broker_target.h"

namespace convoy::tools {

/// Each message is published at least once (QoS 1).
class MqttPublisher : public BrokerPublisher {
public:
    /// Begins to connect. Throws Error(unsupported) where this was built without libmosquitto, Error(usage) for a CA
    /// file that is none.
    explicit MqttPublisher(const BrokerTarget& target, std::size_t queue_bytes = kQueueBytes);
    /// Throws Error(unsupported) where it cannot be: before any work is done.
    static void require();
};

}  // namespace convoy::tools
