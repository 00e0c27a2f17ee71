// SPDX-License-Identifier: MIT
//
// A publisher beside librdkafka's own cluster of the test: there, gone, slow; and the command beside it.
#include <fmt/core.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <convoy/error.h>
#include "tests/support/catch.h"
#include "tests/tools/broker_support.h"
#include "tests/tools/yolo_run_support.h"
#include "tools/sinks/kafka_publisher.h"

namespace convoy::test {
namespace {

using tools::BrokerTally;
using tools::BrokerTarget;
using tools::kafka_target;
using tools::KafkaPublisher;

BrokerTarget read(const std::string& address, const Variables& variables = {}) {
    return read_target(kafka_target, address, variables);
}

std::string error_of(const std::string& address, const Variables& variables = {}) {
    return error_of_target(kafka_target, address, variables);
}

rd_kafka_t* client(rd_kafka_type_t type, const std::string& servers) {
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    std::vector<char> why(512);
    if (!servers.empty())
        REQUIRE(rd_kafka_conf_set(conf, "bootstrap.servers", servers.c_str(), why.data(), why.size()) ==
                RD_KAFKA_CONF_OK);
    rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
    rd_kafka_t* const kafka = rd_kafka_new(type, conf, why.data(), why.size());
    REQUIRE(kafka);
    return kafka;
}

/// A cluster of one broker with one topic of one partition.
class Cluster {
public:
    Cluster() : owner_(client(RD_KAFKA_PRODUCER, "")), cluster_(rd_kafka_mock_cluster_new(owner_, 1)) {
        REQUIRE(cluster_);
        REQUIRE(rd_kafka_mock_topic_create(cluster_, "boxes", 1, 1) == RD_KAFKA_RESP_ERR_NO_ERROR);
        servers_ = rd_kafka_mock_cluster_bootstraps(cluster_);
    }
    ~Cluster() {
        rd_kafka_mock_cluster_destroy(cluster_);
        rd_kafka_destroy(owner_);
    }
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    const std::string& servers() const { return servers_; }
    std::string address() const { return "kafka://" + servers_ + "/boxes"; }
    BrokerTarget target() const { return read(address()); }
    void set_down() { rd_kafka_mock_broker_set_down(cluster_, 1); }
    void set_up() { rd_kafka_mock_broker_set_up(cluster_, 1); }
    void set_slow(int ms) { rd_kafka_mock_broker_set_rtt(cluster_, 1, ms); }

    /// The first `count` messages and their keys, or those that there are within half a minute.
    std::vector<std::pair<std::string, std::string>> messages(std::size_t count) const {
        rd_kafka_t* const consumer = client(RD_KAFKA_CONSUMER, servers_);
        rd_kafka_topic_t* const topic = rd_kafka_topic_new(consumer, "boxes", nullptr);
        REQUIRE(rd_kafka_consume_start(topic, 0, RD_KAFKA_OFFSET_BEGINNING) == 0);
        std::vector<std::pair<std::string, std::string>> all;
        for (int waits = 0; waits < 300 && all.size() < count;) {
            rd_kafka_message_t* const message = rd_kafka_consume(topic, 0, 100);
            if (message && message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
                all.emplace_back(std::string(static_cast<const char*>(message->payload), message->len),
                                 std::string(static_cast<const char*>(message->key), message->key_len));
            else
                ++waits;
            if (message) rd_kafka_message_destroy(message);
        }
        rd_kafka_consume_stop(topic, 0);
        rd_kafka_topic_destroy(topic);
        rd_kafka_destroy(consumer);
        return all;
    }

private:
    rd_kafka_t* owner_;
    rd_kafka_mock_cluster_t* cluster_;
    std::string servers_;
};

/// The absolute path of a program of the system, or "".
std::string program(const std::string& name) {
    std::istringstream folders(std::getenv("PATH"));
    for (std::string folder; std::getline(folders, folder, ':');)
        if (access((folder + "/" + name).c_str(), X_OK) == 0) return folder + "/" + name;
    return "";
}

/// A certificate of this machine's own, and the cluster behind it, which wants the password "right" of "me".
class LockedCluster : public Cluster {
public:
    LockedCluster() {
        const Finished made = run(program("openssl"),
                                  {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                                   "-nodes", "-keyout", "key", "-out", "cert", "-days", "2", "-subj", "/CN=localhost",
                                   "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"},
                                  folder_.path());
        INFO(made.err);
        REQUIRE(made.status == 0);
        proxy_.emplace(program("python3"),
                       std::vector<std::string>{source_file("tests/tools/kafka_tls_proxy.py"), servers(), certificate(),
                                                folder_ / "key", "me", "right"},
                       folder_.path());
    }
    std::string certificate() const { return folder_ / "cert"; }
    /// yolo-run of eight frames with this in its environment.
    Finished run_with(const TemporaryFolder& folder, const Variables& variables) {
        for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
        wait_until([&] { return !lines_of(proxy_->out()).empty(); });
        const Finished done =
            yolo_run(folder,
                     with_small_model({clip(), "--frames", "8", "--kafka",
                                       "kafkas://localhost:" + lines_of(proxy_->out()).at(0) + "/boxes", "--jsonl",
                                       "r.jsonl", "--report-json", "report.json", "--device", "cpu"}),
                     false);
        for (const auto& [name, value] : variables) unsetenv(name.c_str());
        return done;
    }

private:
    TemporaryFolder folder_;
    std::optional<Child> proxy_;
};

std::string numbered(int number) { return fmt::format("{:08}", number) + std::string(1000, '.'); }

}  // namespace

TEST_CASE("an address of Kafka names host, port and topic", "[kafka]") {
    const BrokerTarget plain = read("kafka://broker/boxes.of_street-1");
    CHECK((plain.host == "broker" && plain.port == 9092 && !plain.tls && plain.topic == "boxes.of_street-1"));
    CHECK(read("kafkas://[::1]/t").address() == "kafkas://[::1]:9093/t");
    for (const std::string topic : {"a/b", "a b", "caf\xc3\xa9", "..", "a?b"})
        CHECK(contains(error_of("kafka://broker/" + topic), "a topic of Kafka"));
    CHECK(contains(error_of("kafka://broker/" + std::string(250, 'a')), "longer than 249"));
    CHECK(contains(error_of("mqtt://broker/t"), "neither kafka:// nor kafkas://"));
    CHECK(contains(error_of("kafka://me:secret@broker/t"), "CONVOY_KAFKA_PASSWORD"));
    const BrokerTarget user = read("kafka://broker/t", {{"CONVOY_KAFKA_USER", "me"}, {"CONVOY_KAFKA_PASSWORD", "s"}});
    CHECK((user.user == "me" && user.password == "s" && user.mechanism == "PLAIN"));
    CHECK(contains(error_of("kafka://broker/t", {{"CONVOY_KAFKA_MECHANISM", "GSSAPI"}}), "CONVOY_KAFKA_MECHANISM"));
    CHECK(contains(error_of("kafka://broker/t", {{"CONVOY_KAFKA_CAFILE", "/dev/null"}}), "kafkas://"));
}

TEST_CASE("messages come in order, with their keys, through a cluster that goes and comes back", "[kafka]") {
    Cluster cluster;
    KafkaPublisher publisher(cluster.target());
    for (int i = 0; i < 500; ++i) publisher.publish(numbered(i), fmt::format("input {}", i % 3));
    wait_until([&] { return publisher.tally().published == 500; });
    CHECK(publisher.tally().connected);
    cluster.set_down();
    for (int i = 500; i < 1000; ++i) publisher.publish(numbered(i), fmt::format("input {}", i % 3));
    wait_until([&] { return !publisher.tally().connected; });
    cluster.set_up();
    wait_until([&] { return publisher.tally().published == 1000; });
    publisher.close();
    const BrokerTally tally = publisher.tally();
    CHECK((tally.published == 1000 && tally.dropped == 0 && tally.reconnects == 1 && tally.waiting == 0));
    const std::vector<std::string> warnings = publisher.take_warnings();
    REQUIRE(warnings.size() == 1);
    CHECK(contains(warnings[0], "--kafka: lost the connection to kafka://127.0.0.1"));
    const auto messages = cluster.messages(1000);
    REQUIRE(messages.size() == 1000);
    for (int i = 0; i < 1000; ++i) {
        REQUIRE(messages[std::size_t(i)].first == numbered(i));
        REQUIRE(messages[std::size_t(i)].second == fmt::format("input {}", i % 3));
    }
}

TEST_CASE("a cluster that is slow gets the newest messages in order, and others are counted", "[kafka]") {
    constexpr int kAll = 20000;
    Cluster cluster;
    cluster.set_slow(300);
    KafkaPublisher publisher(cluster.target(), 1 << 20);
    [[maybe_unused]] const std::size_t before = resident_bytes();
    for (int i = 0; i < kAll; ++i) publisher.publish(numbered(i));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which keep what is freed, or shadow it
    CHECK(resident_bytes() < before + (std::size_t(16) << 20));
#endif
    cluster.set_slow(0);
    wait_until([&] { return publisher.tally().waiting == 0; });
    publisher.close();
    const BrokerTally tally = publisher.tally();
    CHECK((tally.dropped > kAll / 2 && tally.published + tally.dropped == kAll));
    CHECK(contains(publisher.take_warnings().back(), "too slowly"));
    const auto messages = cluster.messages(std::size_t(tally.published));
    REQUIRE(std::int64_t(messages.size()) == tally.published);
    for (std::size_t i = 1; i < messages.size(); ++i) REQUIRE(messages[i].first > messages[i - 1].first);
    CHECK(messages.back().first == numbered(kAll - 1));
}

TEST_CASE("a cluster that is not there costs bounded memory, and is told of once", "[kafka]") {
    constexpr int kAll = 50000;  // 50 MB
    KafkaPublisher publisher(read("kafka://127.0.0.1:9/boxes"), 1 << 20);
    wait_until([&] { return !publisher.tally().last_error.empty(); });
    [[maybe_unused]] const std::size_t before = resident_bytes();
    for (int i = 0; i < kAll; ++i) publisher.publish(numbered(i));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    CHECK(resident_bytes() < before + (std::size_t(16) << 20));
#endif
    publisher.publish(std::string(2 << 20, '.'));  // larger than the queue
    publisher.close(at_once);
    const BrokerTally tally = publisher.tally();
    CHECK((tally.published == 0 && tally.dropped == kAll + 1));
    const std::vector<std::string> warnings = publisher.take_warnings();
    REQUIRE(warnings.size() == 2);
    CHECK(contains(warnings[0], "--kafka: cannot connect to kafka://127.0.0.1:9/boxes"));
    CHECK(contains(warnings[0], "Connection refused"));
    CHECK(contains(warnings[1], "50001 of 50001 messages"));
}

TEST_CASE("a CA file that is none is an error before any work", "[kafka]") {
    TemporaryFolder folder;
    write_file(folder / "ca.pem", kCertificate);
    const BrokerTarget target = read("kafkas://127.0.0.1:9/t", {{"CONVOY_KAFKA_CAFILE", folder / "ca.pem"}});
    CHECK_THROWS_AS(KafkaPublisher(target), Error);
    CHECK(contains(error_of("kafkas://broker/t", {{"CONVOY_KAFKA_CAFILE", "/dev/null"}}),
                   "--kafka: CONVOY_KAFKA_CAFILE names /dev/null, which is no regular file"));
}

TEST_CASE("yolo-run --kafka: TLS and a password", "[kafka]") {
    if (program("openssl").empty() || program("python3").empty()) SKIP_TEST_CASE("needs openssl and python3");
    LockedCluster cluster;
    const Variables right = {{"CONVOY_KAFKA_USER", "me"},
                             {"CONVOY_KAFKA_PASSWORD", "right"},
                             {"CONVOY_KAFKA_CAFILE", cluster.certificate()}};
    {
        const TemporaryFolder folder;
        const Finished done = cluster.run_with(folder, right);
        INFO(done.err);
        CHECK(done.status == 0);
        CHECK_FALSE(contains(done.err, "warning"));
        const auto messages = cluster.messages(8);
        REQUIRE(messages.size() == 8);
        std::string text;
        for (const auto& [message, key] : messages) text += message + "\n";
        CHECK(text == read_file(folder / "r.jsonl"));
    }
    Variables wrong = right, untrusted = right;
    wrong["CONVOY_KAFKA_PASSWORD"] = "s3cret";
    untrusted.erase("CONVOY_KAFKA_CAFILE");  // the system knows no such certificate
    for (const auto& [variables, why] :
         {std::pair(wrong, "no such user or password"), {untrusted, "certificate verify failed"}}) {
        const TemporaryFolder folder;
        const Finished done = cluster.run_with(folder, variables);
        INFO(done.err);
        CHECK(done.status == 0);
        CHECK(lines_of(read_file(folder / "r.jsonl")).size() == 8);  // the run has gone on
        const auto report = nlohmann::json::parse(read_file(folder / "report.json"))["kafka"];
        CHECK((report["published"] == 0 && report["dropped"] == 8));
        CHECK(contains(report["last_error"], why));
        CHECK(contains(done.err, "--kafka: cannot connect to kafkas://localhost:"));
        CHECK(contains(done.err, why));
        CHECK_FALSE(contains(done.err + report.dump(), "s3cret"));
    }
}

TEST_CASE("yolo-run --kafka: messages are the records, keyed by their input", "[kafka]") {
    Cluster cluster;
    TemporaryFolder folder;
    const Finished done = yolo_run(folder,
                                   with_small_model({clip(), "--frames", "20", "--kafka", cluster.address(), "--jsonl",
                                                     "r.jsonl", "--report-json", "report.json", "--device", "cpu"}),
                                   false);
    INFO(done.err);
    REQUIRE(done.status == 0);
    const auto messages = cluster.messages(20);
    REQUIRE(messages.size() == 20);
    std::string text;
    for (const auto& [message, key] : messages) {
        text += message + "\n";
        CHECK(key == clip());
    }
    CHECK(text == read_file(folder / "r.jsonl"));
    const auto report = nlohmann::json::parse(read_file(folder / "report.json"))["kafka"];
    CHECK((report["published"] == 20 && report["dropped"] == 0));
}

}  // namespace convoy::test
