// SPDX-License-Identifier: MIT
//
// What the tests of MQTT and Kafka share.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <fstream>
#include <map>
#include <string>

#include <convoy/error.h>
#include <convoy/media/give_up.h>
#include "tests/support/catch.h"
#include "tools/sinks/broker_target.h"

namespace convoy::test {

using Variables = std::map<std::string, std::string>;

/// What `parse` (mqtt_target, kafka_target) makes of an address beside these variables of the environment.
template <typename Parse>
tools::BrokerTarget read_target(const Parse& parse, const std::string& address, const Variables& variables) {
    return parse(address, [&](const char* name) {
        const auto found = variables.find(name);
        return found == variables.end() ? nullptr : found->second.c_str();
    });
}

/// The error that it throws, or "none".
template <typename Parse>
std::string error_of_target(const Parse& parse, const std::string& address, const Variables& variables) {
    try {
        read_target(parse, address, variables);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.what();
    }
    return "none";
}

inline std::size_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::size_t all = 0, resident = 0;
    file >> all >> resident;
    return resident * std::size_t(sysconf(_SC_PAGESIZE));
}

/// A file that seems to hold one, and does not.
constexpr const char* kCertificate = "-----BEGIN CERTIFICATE-----\n-\n-----END CERTIFICATE-----\n";

inline const media::GiveUp at_once = [] { return true; };

}  // namespace convoy::test
