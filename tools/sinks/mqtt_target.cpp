// SPDX-License-Identifier: MIT
#include "tools/sinks/mqtt_target.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>

#include <convoy/error.h>
#include "tools/analysis/text.h"

namespace convoy::tools {
namespace {

constexpr std::uint16_t kPort = 1883, kTlsPort = 8883;
constexpr std::size_t kLongestTopic = 65535, kLongestHost = 253;  // bytes, of MQTT and of names of hosts

constexpr const char* kWherePasswordsStand =
    "user and password do not stand in the address, where all users of this machine can read them; set "
    "CONVOY_MQTT_USER and CONVOY_MQTT_PASSWORD in the environment";

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorKind::usage, "--mqtt: " + what); }

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

void check_host(const std::string& host) {
    if (host.empty()) fail("the address names no host; it is mqtt://HOST[:PORT]/TOPIC");
    if (host.size() > kLongestHost) fail(fmt::format("the host's name is longer than {} bytes", kLongestHost));
    if (std::any_of(host.begin(), host.end(), [](char c) { return is_control(c) || c == ' '; }))
        fail("the host's name has spaces or control characters in it");
}

void check_topic(const std::string& topic) {
    if (topic.empty()) fail("the address names no topic; it is mqtt://HOST[:PORT]/TOPIC");
    if (topic.size() > kLongestTopic) fail(fmt::format("the topic is longer than {} bytes", kLongestTopic));
    if (topic.find_first_of("+#") != topic.npos)
        fail("the topic has a + or # in it, which stand for many topics; one can be published to alone");
    if (std::any_of(topic.begin(), topic.end(), is_control)) fail("the topic has control characters in it");
    if (analysis::as_utf8(topic) != topic) fail("the topic is no UTF-8");
}

// Where an @ comes later, this is the begin of a password with a slash.
std::uint16_t parse_port(std::string_view text, bool has_at) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0)
        fail(has_at ? kWherePasswordsStand
                    : "the port, between the host's colon and the slash, is no number from 1 to 65535");
    return port;
}

// Host and port: "broker", "broker:1883", "[::1]:1883".
void parse_authority(const std::string& text, bool has_at, MqttTarget& target) {
    std::size_t colon = text.find(':');
    if (text.starts_with('[')) {
        const std::size_t bracket = text.find(']');
        if (bracket == text.npos) fail("the host begins with [, and no ] ends it");
        target.host = text.substr(1, bracket - 1);
        if (bracket + 1 == text.size()) return;
        colon = bracket + 1;
        if (text[colon] != ':') fail("between the host's ] and the slash only :PORT may stand");
    } else {
        target.host = text.substr(0, colon);
        if (colon == text.npos) return;
        if (text.find(':', colon + 1) != text.npos) fail("an IPv6 address stands in brackets: mqtt://[::1]:1883/TOPIC");
    }
    target.port = parse_port(std::string_view(text).substr(colon + 1), has_at);
}

std::string variable(const MqttEnvironment& environment, const char* name) {
    const char* const value = environment(name);
    return value ? value : "";
}

}  // namespace

std::string MqttTarget::address() const {
    const bool v6 = host.find(':') != host.npos;
    return fmt::format("mqtt{}://{}{}{}:{}/{}", tls ? "s" : "", v6 ? "[" : "", host, v6 ? "]" : "", port, topic);
}

MqttTarget mqtt_target(const std::string& address, const MqttEnvironment& environment) {
    const std::size_t scheme_end = address.find("://");
    std::string scheme = address.substr(0, scheme_end == address.npos ? 0 : scheme_end);
    std::transform(scheme.begin(), scheme.end(), scheme.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    if (scheme != "mqtt" && scheme != "mqtts") fail("the address begins with neither mqtt:// nor mqtts://");
    const std::size_t begin = scheme_end + 3;
    const std::size_t slash = address.find('/', begin), at = address.find('@', begin);
    if (at < slash) fail(kWherePasswordsStand);
    MqttTarget target;
    target.tls = scheme == "mqtts";
    target.port = target.tls ? kTlsPort : kPort;
    parse_authority(address.substr(begin, slash == address.npos ? slash : slash - begin), at != address.npos, target);
    check_host(target.host);
    if (slash != address.npos) target.topic = address.substr(slash + 1);
    check_topic(target.topic);
    target.user = variable(environment, "CONVOY_MQTT_USER");
    target.password = variable(environment, "CONVOY_MQTT_PASSWORD");
    target.ca_file = variable(environment, "CONVOY_MQTT_CAFILE");
    if (!target.password.empty() && target.user.empty())
        fail("CONVOY_MQTT_PASSWORD is set and CONVOY_MQTT_USER is not; MQTT takes no password without a user");
    if (!target.ca_file.empty() && !target.tls)
        fail("CONVOY_MQTT_CAFILE is set, and mqtt:// is not encrypted; the address of TLS is mqtts://");
    if (!target.ca_file.empty() && access(target.ca_file.c_str(), R_OK) != 0)
        fail(fmt::format("CONVOY_MQTT_CAFILE names {}, which cannot be read", target.ca_file));
    return target;
}

}  // namespace convoy::tools
