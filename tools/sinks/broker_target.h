// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "tools/sinks/environment.h"

namespace convoy::tools {

/// Where messages go, and as whom.
struct BrokerTarget {
    std::string scheme;  ///< "mqtt", "kafka"
    bool tls = false;
    std::string host;
    std::uint16_t port = 0;
    std::string topic;
    std::string user = {}, password = {};  ///< "" for none
    std::string ca_file = {};              ///< whom to trust; "" for whom the system trusts
    std::string mechanism = {};            ///< of SASL, Kafka's: how user and password are shown
    /// "mqtt://broker:1883/street", for people
    std::string address() const;
};

/// Reads mqtt://HOST[:PORT]/TOPIC or mqtts://…; all behind the first slash is the topic, as it stands. User, password
/// and CA file come from the variables CONVOY_MQTT_USER, _PASSWORD and _CAFILE. Throws Error(usage) that says what is
/// wrong, without repeating what may be a password.
BrokerTarget mqtt_target(const std::string& address, const Environment& environment);

/// The same of kafka://HOST[:PORT]/TOPIC or kafkas://…, with the variables CONVOY_KAFKA_… and _MECHANISM: PLAIN, unless
/// it is SCRAM-SHA-256 or SCRAM-SHA-512.
BrokerTarget kafka_target(const std::string& address, const Environment& environment);

}  // namespace convoy::tools
