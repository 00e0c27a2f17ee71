// SPDX-License-Identifier: MIT
//
// Addresses, and a publisher beside brokers of the test's own: silent, slow, gone. test_mqtt.py has the real one.
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <convoy/error.h>
#include "tests/support/catch.h"
#include "tests/support/contains.h"
#include "tests/support/in_time.h"
#include "tests/tools/broker_support.h"
#include "tests/tools/child.h"
#include "tests/tools/silent_server.h"
#include "tools/sinks/mqtt_publisher.h"

namespace convoy::test {
namespace {

using tools::BrokerTarget;
using tools::mqtt_target;
using tools::MqttPublisher;

BrokerTarget read(const std::string& address, const Variables& variables = {}) {
    return read_target(mqtt_target, address, variables);
}

std::string error_of(const std::string& address, const Variables& variables = {}) {
    return error_of_target(mqtt_target, address, variables);
}

bool can_publish() {
    try {
        MqttPublisher::require();
        return true;
    } catch (const Error& error) {
        WARN("skipped: " << error.what());
        return false;
    }
}

/// What a broker does, packet by packet.
class Broker {
public:
    BrokerTarget target() const { return read("mqtt://" + listener_.address() + "/boxes"); }
    /// Waits for a client, and takes it.
    void take(char code = 0) {
        if (fd_ >= 0) ::close(fd_);
        fd_ = listener_.accept();
        CHECK(packet().first == 0x10);
        const char answer[] = {0x20, 2, 0, code};
        REQUIRE(::send(fd_, answer, sizeof answer, MSG_NOSIGNAL) == ssize_t(sizeof answer));
    }
    /// The next message, confirmed or not; "" once the client has said that it goes.
    std::string message(bool confirms = true) {
        const auto [type, bytes] = packet();
        if (type == 0xe0) return "";
        REQUIRE((type & 0xf6) == 0x32);  // a message of QoS 1, sent again or not
        const std::size_t topic = static_cast<unsigned char>(bytes[1]);
        CHECK(bytes.substr(2, topic) == "boxes");
        if (!confirms) return bytes.substr(4 + topic);
        const char confirmed[] = {0x40, 2, bytes[2 + topic], bytes[3 + topic]};
        REQUIRE(::send(fd_, confirmed, sizeof confirmed, MSG_NOSIGNAL) == ssize_t(sizeof confirmed));
        return bytes.substr(4 + topic);
    }
    ~Broker() { ::close(fd_); }

private:
    unsigned char byte() const {
        unsigned char value = 0;
        REQUIRE(::recv(fd_, &value, 1, 0) == 1);
        return value;
    }
    std::pair<int, std::string> packet() const {
        const int type = byte();
        std::size_t size = 0;
        for (int shift = 0, more = 1; more; shift += 7) {
            const unsigned char part = byte();
            size += std::size_t(part & 0x7f) << shift;
            more = part & 0x80;
        }
        std::string bytes(size, '\0');
        if (size > 0) REQUIRE(::recv(fd_, bytes.data(), size, MSG_WAITALL) == ssize_t(size));
        return {type, bytes};
    }

    const LoopbackListener listener_{0};
    int fd_ = -1;
};

std::string numbered(int number) { return fmt::format("{:08}", number) + std::string(1000, '.'); }

}  // namespace

TEST_CASE("an address of MQTT names host, port and topic", "[mqtt]") {
    const BrokerTarget plain = read("mqtt://broker/street/boxes");
    CHECK((plain.host == "broker" && plain.port == 1883 && !plain.tls && plain.topic == "street/boxes"));
    const BrokerTarget tls = read("MQTTS://broker.example:1234/a//b/");
    CHECK((tls.host == "broker.example" && tls.port == 1234 && tls.tls && tls.topic == "a//b/"));
    CHECK(read("mqtts://broker/t").port == 8883);
    const BrokerTarget v6 = read("mqtt://[::1]:65535/t");
    CHECK((v6.host == "::1" && v6.port == 65535));
    CHECK(v6.address() == "mqtt://[::1]:65535/t");
    CHECK(read("mqtt://[fe80::1%eth0]/t").host == "fe80::1%eth0");
    for (const std::string topic :
         {"/leading", "a b", "50 %", "%41", "caf\xc3\xa9", "who@where", "a?b=c&d", "$aws/rules/x", ":1"})
        CHECK(read("mqtt://broker/" + topic).topic == topic);
}

TEST_CASE("what is wrong with an address of MQTT is named", "[mqtt]") {
    const std::vector<std::pair<std::string, std::string>> wrong = {
        {"broker/topic", "neither mqtt:// nor mqtts://"},
        {"http://broker/topic", "neither mqtt:// nor mqtts://"},
        {"mqtt:/broker/topic", "neither mqtt:// nor mqtts://"},
        {"mqtt:///topic", "names no host"},
        {"mqtt://:1883/topic", "names no host"},
        {"mqtt://a b/topic", "spaces"},
        {"mqtt://" + std::string(254, 'a') + "/topic", "longer than 253"},
        {"mqtt://broker", "names no topic"},
        {"mqtt://broker:1883/", "names no topic"},
        {"mqtt://broker:/topic", "the port"},
        {"mqtt://broker:0/topic", "the port"},
        {"mqtt://broker:65536/topic", "the port"},
        {"mqtt://broker:18x/topic", "the port"},
        {"mqtt://broker:-1/topic", "the port"},
        {"mqtt://::1/topic", "in brackets"},
        {"mqtt://[::1/topic", "no ] ends it"},
        {"mqtt://[::1]1883/topic", "only :PORT"},
        {"mqtt://broker/a/+/b", "has a + or #"},
        {"mqtt://broker/#", "has a + or #"},
        {"mqtt://broker/a\nb", "control characters"},
        {"mqtt://broker/\xff", "no UTF-8"},
        {"mqtt://broker/" + std::string(65536, 'a'), "longer than 65535"},
    };
    for (const auto& [address, part] : wrong) CHECK(contains(error_of(address), part));
    for (const std::string address :
         {"mqtt://me:secret@broker/topic", "mqtt://me@broker/topic", "mqtts://me:sec/ret@broker/topic"}) {
        CHECK(contains(error_of(address), "CONVOY_MQTT_USER and CONVOY_MQTT_PASSWORD"));
        CHECK(!contains(error_of(address), "sec"));
    }
}

TEST_CASE("user, password and whom to trust come from the environment", "[mqtt]") {
    TemporaryFolder folder;
    write_file(folder / "ca.pem", kCertificate);
    const BrokerTarget target =
        read("mqtts://broker/t",
             {{"CONVOY_MQTT_USER", "me"}, {"CONVOY_MQTT_PASSWORD", "s"}, {"CONVOY_MQTT_CAFILE", folder / "ca.pem"}});
    CHECK((target.user == "me" && target.password == "s" && target.ca_file == folder / "ca.pem"));
    CHECK(target.address().find("s@") == std::string::npos);
    CHECK(contains(error_of("mqtt://broker/t", {{"CONVOY_MQTT_PASSWORD", "s"}}), "CONVOY_MQTT_USER is not"));
    CHECK(contains(error_of("mqtt://broker/t", {{"CONVOY_MQTT_CAFILE", folder / "ca.pem"}}), "mqtts://"));
    CHECK(contains(error_of("mqtts://broker/t", {{"CONVOY_MQTT_CAFILE", folder / "none"}}), "can be read"));
}

TEST_CASE("a CA file is a regular one with a certificate, and no pipe is waited for", "[mqtt]") {
    TemporaryFolder folder;
    write_file(folder / "none.pem", "no certificate");
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    const auto error = [&](const std::string& file) {
        return error_of("mqtts://broker/t", {{"CONVOY_MQTT_CAFILE", file}});
    };
    CHECK(contains(error(folder / "none.pem"), "--mqtt: CONVOY_MQTT_CAFILE names " + folder / "none.pem"));
    CHECK(contains(error(folder / "none.pem"), "no certificate in it"));
    for (const std::string& file : {folder / "pipe", folder / ".", std::string("/dev/zero")})
        CHECK(contains(in_time("a CA file", [&] { return error(file); }), "no regular file"));
}

TEST_CASE("a broker that is slow gets the newest messages in order, and others are counted", "[mqtt]") {
    if (!can_publish()) return;
    constexpr int kAll = 3000;
    Broker broker;
    MqttPublisher publisher(broker.target(), 1 << 20);
    for (int i = 0; i < kAll; ++i) publisher.publish(numbered(i));
    const int dropped = int(publisher.tally().dropped);
    CHECK((dropped > 1500 && dropped < 2500));
    broker.take();
    for (int i = dropped; i < kAll; ++i) REQUIRE(broker.message() == numbered(i));
    publisher.close();
    CHECK(broker.message().empty());
    const tools::BrokerTally tally = publisher.tally();
    CHECK((tally.published == kAll - dropped && tally.dropped == dropped && tally.reconnects == 0));
    const std::vector<std::string> warnings = publisher.take_warnings();
    REQUIRE(warnings.size() == 1);
    CHECK(contains(warnings[0], fmt::format("{} of 3000 messages", dropped)));
    CHECK(contains(warnings[0], "too slowly"));
}

TEST_CASE("what a lost connection has not confirmed is sent again", "[mqtt]") {
    if (!can_publish()) return;
    Broker broker;
    MqttPublisher publisher(broker.target());
    publisher.publish("first");
    publisher.publish("second");
    broker.take(3);  // the server is not available
    broker.take();
    CHECK(broker.message() == "first");
    broker.take();  // the second was on its way
    CHECK(broker.message() == "second");
    publisher.publish("third");
    CHECK(broker.message() == "third");
    publisher.close();
    const tools::BrokerTally tally = publisher.tally();
    CHECK((tally.published == 3 && tally.dropped == 0 && tally.reconnects == 1));
    const std::vector<std::string> warnings = publisher.take_warnings();
    REQUIRE(warnings.size() == 2);
    CHECK(contains(warnings[0], "cannot connect to mqtt://127.0.0.1"));
    CHECK(contains(warnings[0], "broker unavailable; it is tried again"));
    CHECK(contains(warnings[1], "lost the connection"));
}

TEST_CASE("each reason for which there is no connection is told once", "[mqtt]") {
    if (!can_publish()) return;
    Broker broker;
    MqttPublisher publisher(broker.target());
    broker.take(3);  // the server is not available
    broker.take(5);  // who asks may not
    broker.take(3);
    broker.take();
    publisher.publish("first");
    CHECK(broker.message() == "first");
    publisher.close();
    const std::vector<std::string> warnings = publisher.take_warnings();
    REQUIRE(warnings.size() == 2);
    CHECK(contains(warnings[0], "broker unavailable; it is tried again"));
    CHECK(contains(warnings[1], "cannot connect to mqtt://127.0.0.1"));
    CHECK(contains(warnings[1], "not authorised; it is tried again"));
}

TEST_CASE("a message on which a broker ends each connection is given up, and those behind it arrive", "[mqtt]") {
    if (!can_publish()) return;
    Broker broker;
    MqttPublisher publisher(broker.target());
    const std::string large(1000, 'x'), larger(2000, 'y');
    for (const std::string& text : {std::string("first"), large, std::string("third"), larger, std::string("last")})
        publisher.publish(text);
    broker.take();
    CHECK(broker.message() == "first");
    CHECK(broker.message(false) == large);
    for (int i = 0; i < 3; ++i) {
        broker.take();
        CHECK(broker.message(false) == large);
    }
    broker.take();
    CHECK(broker.message() == "third");
    CHECK(broker.message(false) == larger);
    broker.take();
    CHECK(broker.message(false) == larger);
    broker.take();  // one that is larger still is not tried as often
    CHECK(broker.message() == "last");
    publisher.close();
    const tools::BrokerTally tally = publisher.tally();
    CHECK((tally.published == 3 && tally.dropped == 2));
    const std::vector<std::string> warnings = publisher.take_warnings();
    const auto of_limit = [](const std::string& warning) { return contains(warning, "limit on packets"); };
    CHECK(std::count_if(warnings.begin(), warnings.end(), of_limit) == 1);
    CHECK(contains(warnings.back(), "2 of 5 messages"));
    CHECK(contains(warnings.back(), "ends the connection on a message of 2000 bytes"));
}

TEST_CASE("a broker that never reads costs bounded memory", "[mqtt]") {
    if (!can_publish()) return;
    const bool greets = GENERATE(false, true);
    constexpr int kAll = 50000;  // 50 MB
    Broker broker;
    MqttPublisher publisher(broker.target(), 1 << 20);
    if (greets) broker.take();
    [[maybe_unused]] const std::size_t before = resident_bytes();
    for (int i = 0; i < kAll; ++i) publisher.publish(numbered(i));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which keep what is freed, or shadow it
    CHECK(resident_bytes() < before + (std::size_t(16) << 20));
#endif
    publisher.publish(std::string(2 << 20, '.'));  // larger than the queue
    publisher.close(at_once);
    const tools::BrokerTally tally = publisher.tally();
    CHECK((tally.published == 0 && tally.dropped == kAll + 1));
    CHECK(contains(publisher.take_warnings().back(), greets ? "too slowly" : "has not answered"));
}

}  // namespace convoy::test
