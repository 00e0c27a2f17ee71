// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace convoy::tools {

/// Where messages go, and as whom.
struct MqttTarget {
    bool tls = false;
    std::string host;
    std::uint16_t port = 1883;
    std::string topic;
    std::string user = {}, password = {};  ///< "" for none
    std::string ca_file = {};              ///< whom to trust; "" for whom the system trusts
    /// "mqtt://broker:1883/street", for people
    std::string address() const;
};

/// As std::getenv().
using MqttEnvironment = std::function<const char*(const char* name)>;

/// Reads mqtt://HOST[:PORT]/TOPIC or mqtts://…; all behind the first slash is the topic, as it stands. User, password
/// and CA file come from the variables CONVOY_MQTT_USER, _PASSWORD and _CAFILE. Throws Error(usage) that says what is
/// wrong, without repeating what may be a password.
MqttTarget mqtt_target(const std::string& address, const MqttEnvironment& environment);

}  // namespace convoy::tools
