// SPDX-License-Identifier: MIT
#include "tools/sinks/kafka_publisher.h"

#include <fmt/core.h>

#include <convoy/error.h>

#ifdef CONVOY_KAFKA
#include <librdkafka/rdkafka.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "tools/sinks/broker_client.h"
#endif

namespace convoy::tools {

#ifndef CONVOY_KAFKA

void KafkaPublisher::require() {
    throw Error(
        ErrorKind::unsupported,
        "--kafka: this program was built without librdkafka; install librdkafka-dev, and configure and build it "
        "again");
}
KafkaPublisher::KafkaPublisher(const BrokerTarget&, std::size_t) : BrokerPublisher((require(), nullptr)) {}

#else

namespace {

constexpr int kTickMs = 1000, kTickWithoutMs = 100;  // without a broker
constexpr std::chrono::milliseconds kGrace{1000};    // with a host of several addresses, of which some answer
constexpr int kAnswerMs = 200;

class KafkaClient : public BrokerClient {
public:
    KafkaClient(const BrokerTarget& target, std::size_t queue_bytes) : BrokerClient(target, queue_bytes) {
        rd_kafka_conf_t* const conf = rd_kafka_conf_new();
        try {
            configure(conf);
        } catch (...) {
            rd_kafka_conf_destroy(conf);
            throw;
        }
        std::array<char, 512> why = {};
        kafka_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why.data(), why.size());
        if (!kafka_) {
            rd_kafka_conf_destroy(conf);
            throw Error(ErrorKind::usage, fmt::format("--kafka: {}", why.data()));
        }
        events_ = rd_kafka_queue_get_main(kafka_);
    }

    ~KafkaClient() override { destroy(); }

private:
    // Order is kept by one request at a time, and nothing is given up by librdkafka: what is too old the queue drops.
    void configure(rd_kafka_conf_t* conf) {
        const bool v6 = target_.host.find(':') != target_.host.npos;
        set(conf, "bootstrap.servers",
            fmt::format("{}{}{}:{}", v6 ? "[" : "", target_.host, v6 ? "]" : "", target_.port));
        set(conf, "client.id", "convoy");
        set(conf, "security.protocol",
            std::string(target_.user.empty() ? "" : "sasl_") + (target_.tls ? "ssl" : "plaintext"));
        if (!target_.user.empty()) {
            set(conf, "sasl.mechanisms", target_.mechanism);
            set(conf, "sasl.username", target_.user);
            set(conf, "sasl.password", target_.password);
        }
        if (target_.tls) set(conf, "ssl.endpoint.identification.algorithm", "https");
        if (!target_.ca_file.empty()) set(conf, "ssl.ca.location", target_.ca_file);
        set(conf, "max.in.flight.requests.per.connection", "1");
        set(conf, "message.timeout.ms", "0");
        set(conf, "linger.ms", "5");
        set(conf, "compression.type", "lz4");
        rd_kafka_conf_set_opaque(conf, this);
        rd_kafka_conf_set_log_cb(conf, [](const rd_kafka_t*, int, const char*, const char*) {});
        rd_kafka_conf_set_error_cb(conf, [](rd_kafka_t*, int code, const char* reason, void* self) {
            static_cast<KafkaClient*>(self)->on_error(rd_kafka_resp_err_t(code), reason);
        });
        rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
            static_cast<KafkaClient*>(self)->on_delivery(*message);
        });
    }

    static void set(rd_kafka_conf_t* conf, const char* name, const std::string& value) {
        std::array<char, 512> why = {};
        if (rd_kafka_conf_set(conf, name, value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK)
            throw Error(ErrorKind::usage, fmt::format("--kafka: {}", why.data()));
    }

    void wake() const override { rd_kafka_queue_yield(events_); }

    // Its threads connect, and connect again.
    void serve() override {
        while (!feed()) {
            rd_kafka_poll(kafka_, down_since_ ? kTickWithoutMs : kTickMs);
            if (down_since_ && Clock::now() - *down_since_ > kGrace) look_for_broker();
        }
        rd_kafka_purge(kafka_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        destroy();  // which may take its time
    }

    // Hands on what librdkafka is to have; returns whether it is time to end.
    bool feed() {
        std::unique_lock lock(mutex_);
        while (has_next()) {
            const Message message = take_next();
            const rd_kafka_resp_err_t code = rd_kafka_producev(
                kafka_, RD_KAFKA_V_TOPIC(target_.topic.c_str()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                RD_KAFKA_V_KEY(message.key.data(), message.key.size()),
                RD_KAFKA_V_VALUE(const_cast<char*>(message.text.data()), message.text.size()), RD_KAFKA_V_END);
            if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
                gave(message.text.size());
            else
                refused(rd_kafka_err2str(code));
        }
        return stopping_;
    }

    // From rd_kafka_poll(), which is called without the lock.
    void on_delivery(const rd_kafka_message_t& message) {
        const std::lock_guard lock(mutex_);
        if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            reached();
            connected();
            confirmed(message.len);
        } else {
            lost(message.len, rd_kafka_err2str(message.err));
        }
    }

    // It tells of each attempt, by one address after the other, and when there is no broker any more. Whoever answers
    // and refuses says more than an address where nobody is.
    void on_error(rd_kafka_resp_err_t code, const char* reason) {
        const bool refuses = code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR__SSL;
        if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
            if (!down_since_) down_since_ = Clock::now();
            if (reason_.empty()) reason_ = reason;
        } else if (refuses || !refuses_) {
            reason_ = reason;
            refuses_ = refuses;
        }
    }

    void reached() {
        down_since_.reset();
        reason_.clear();
        refuses_ = false;
    }

    // It does not tell that it has found one.
    void look_for_broker() {
        const struct rd_kafka_metadata* brokers = nullptr;  // the name is a function's, too
        if (rd_kafka_metadata(kafka_, 0, nullptr, &brokers, kAnswerMs) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(brokers);
            reached();
            return;
        }
        down_since_ = Clock::now();
        const std::lock_guard lock(mutex_);
        if (!stopping_) disconnected(reason_);
    }

    void destroy() {
        if (auto* const events = std::exchange(events_, nullptr)) rd_kafka_queue_destroy(events);
        if (auto* const kafka = std::exchange(kafka_, nullptr)) rd_kafka_destroy(kafka);
    }

    rd_kafka_t* kafka_ = nullptr;
    rd_kafka_queue_t* events_ = nullptr;
    // The thread's:
    std::optional<Clock::time_point> down_since_;  // that no broker was there, as far as is known
    std::string reason_;                           // why, and whether somebody was there
    bool refuses_ = false;
};

}  // namespace

void KafkaPublisher::require() {}
KafkaPublisher::KafkaPublisher(const BrokerTarget& target, std::size_t queue_bytes)
    : BrokerPublisher(std::make_shared<KafkaClient>(target, queue_bytes)) {}

#endif

}  // namespace convoy::tools
