// SPDX-License-Identifier: MIT
#include "tools/sinks/broker_target.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>

#include <convoy/error.h>
#include "tools/analysis/text.h"

namespace convoy::tools {
namespace {

constexpr std::size_t kLongestHost = 253;  // bytes, of names

// What tells one kind of broker from the other.
struct Kind {
    const char *option, *scheme, *variable;  // "--mqtt", "mqtt", "CONVOY_MQTT"
    std::uint16_t port, tls_port;
    void (*check_topic)(const Kind& kind, const std::string& topic);
};

[[noreturn]] void fail(const Kind& kind, const std::string& what) {
    throw Error(ErrorKind::usage, fmt::format("{}: {}", kind.option, what));
}

[[noreturn]] void fail_of_passwords(const Kind& kind) {
    fail(kind, fmt::format("user and password do not stand in the address, where all users of this machine can read "
                           "them; set {0}_USER and {0}_PASSWORD in the environment",
                           kind.variable));
}

void check_host(const Kind& kind, const std::string& host) {
    if (host.empty()) fail(kind, fmt::format("the address names no host; it is {}://HOST[:PORT]/TOPIC", kind.scheme));
    if (host.size() > kLongestHost) fail(kind, fmt::format("the host's name is longer than {} bytes", kLongestHost));
    if (std::any_of(host.begin(), host.end(), [](char c) { return is_control(c) || c == ' '; }))
        fail(kind, "the host's name has spaces or control characters in it");
}

void check_topic(const Kind& kind, const std::string& topic, std::size_t longest) {
    if (topic.empty()) fail(kind, fmt::format("the address names no topic; it is {}://HOST[:PORT]/TOPIC", kind.scheme));
    if (topic.size() > longest) fail(kind, fmt::format("the topic is longer than {} bytes", longest));
}

void check_mqtt_topic(const Kind& kind, const std::string& topic) {
    check_topic(kind, topic, 65535);
    if (topic.find_first_of("+#") != topic.npos)
        fail(kind, "the topic has a + or # in it, which stand for many topics; one can be published to alone");
    if (std::any_of(topic.begin(), topic.end(), is_control)) fail(kind, "the topic has control characters in it");
    if (analysis::as_utf8(topic) != topic) fail(kind, "the topic is no UTF-8");
}

void check_kafka_topic(const Kind& kind, const std::string& topic) {
    check_topic(kind, topic, 249);
    const auto is_good = [](unsigned char c) {
        return c < 0x80 && (std::isalnum(c) || c == '.' || c == '_' || c == '-');
    };
    if (!std::all_of(topic.begin(), topic.end(), is_good) || topic == "." || topic == "..")
        fail(kind, "a topic of Kafka has letters and digits of ASCII, points, _ and - alone");
}

constexpr Kind kMqtt = {"--mqtt", "mqtt", "CONVOY_MQTT", 1883, 8883, check_mqtt_topic};
constexpr Kind kKafka = {"--kafka", "kafka", "CONVOY_KAFKA", 9092, 9093, check_kafka_topic};

// Where an @ comes later, this is the begin of a password with a slash.
std::uint16_t parse_port(const Kind& kind, std::string_view text, bool has_at) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error == std::errc() && end == text.data() + text.size() && port != 0) return port;
    if (has_at) fail_of_passwords(kind);
    fail(kind, "the port, between the host's colon and the slash, is no number from 1 to 65535");
}

// Host and port: "broker", "broker:1883", "[::1]:1883".
void parse_authority(const Kind& kind, const std::string& text, bool has_at, BrokerTarget& target) {
    std::size_t colon = text.find(':');
    if (text.starts_with('[')) {
        const std::size_t bracket = text.find(']');
        if (bracket == text.npos) fail(kind, "the host begins with [, and no ] ends it");
        target.host = text.substr(1, bracket - 1);
        if (bracket + 1 == text.size()) return;
        colon = bracket + 1;
        if (text[colon] != ':') fail(kind, "between the host's ] and the slash only :PORT may stand");
    } else {
        target.host = text.substr(0, colon);
        if (colon == text.npos) return;
        if (text.find(':', colon + 1) != text.npos)
            fail(kind, fmt::format("an IPv6 address stands in brackets: {}://[::1]:{}/TOPIC", kind.scheme, kind.port));
    }
    target.port = parse_port(kind, std::string_view(text).substr(colon + 1), has_at);
}

BrokerTarget target_of(const Kind& kind, const std::string& address, const Environment& environment) {
    const auto of_kind = [&](const char* name) { return variable(environment, std::string(kind.variable) + name); };
    const std::size_t scheme_end = address.find("://");
    std::string scheme = address.substr(0, scheme_end == address.npos ? 0 : scheme_end);
    std::transform(scheme.begin(), scheme.end(), scheme.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    BrokerTarget target;
    target.scheme = kind.scheme;
    target.tls = scheme == target.scheme + "s";
    if (!target.tls && scheme != target.scheme)
        fail(kind, fmt::format("the address begins with neither {0}:// nor {0}s://", kind.scheme));
    const std::size_t begin = scheme_end + 3;
    const std::size_t slash = address.find('/', begin), at = address.find('@', begin);
    if (at < slash) fail_of_passwords(kind);
    target.port = target.tls ? kind.tls_port : kind.port;
    parse_authority(kind, address.substr(begin, slash == address.npos ? slash : slash - begin), at != address.npos,
                    target);
    check_host(kind, target.host);
    if (slash != address.npos) target.topic = address.substr(slash + 1);
    kind.check_topic(kind, target.topic);
    target.user = of_kind("_USER");
    target.password = of_kind("_PASSWORD");
    target.ca_file = of_kind("_CAFILE");
    if (!target.password.empty() && target.user.empty())
        fail(kind,
             fmt::format("{0}_PASSWORD is set and {0}_USER is not; no password goes without a user", kind.variable));
    if (!target.ca_file.empty() && !target.tls)
        fail(kind, fmt::format("{0}_CAFILE is set, and {1}:// is not encrypted; the address of TLS is {1}s://",
                               kind.variable, kind.scheme));
    if (!target.ca_file.empty()) check_ca_file(kind.option, std::string(kind.variable) + "_CAFILE", target.ca_file);
    return target;
}

}  // namespace

std::string BrokerTarget::address() const {
    const bool v6 = host.find(':') != host.npos;
    return fmt::format("{}{}://{}{}{}:{}/{}", scheme, tls ? "s" : "", v6 ? "[" : "", host, v6 ? "]" : "", port, topic);
}

BrokerTarget mqtt_target(const std::string& address, const Environment& environment) {
    return target_of(kMqtt, address, environment);
}

BrokerTarget kafka_target(const std::string& address, const Environment& environment) {
    BrokerTarget target = target_of(kKafka, address, environment);
    target.mechanism = variable(environment, "CONVOY_KAFKA_MECHANISM");
    if (target.mechanism.empty()) target.mechanism = "PLAIN";
    if (target.mechanism != "PLAIN" && target.mechanism != "SCRAM-SHA-256" && target.mechanism != "SCRAM-SHA-512")
        fail(kKafka, "CONVOY_KAFKA_MECHANISM is none of PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512");
    return target;
}

}  // namespace convoy::tools
