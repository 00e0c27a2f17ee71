// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <convoy/media/give_up.h>

namespace convoy::tools {

struct BrokerTally {
    std::string kind;  ///< "mqtt", "kafka"
    std::string address;
    std::int64_t published = 0;  ///< that the broker has confirmed
    std::int64_t dropped = 0;    ///< after close(): all others
    std::int64_t reconnects = 0;
    std::int64_t waiting = 0;  ///< for the broker, or for its confirmation
    std::size_t waiting_bytes = 0;
    bool connected = false;
    std::string last_error;  ///< why there was no connection the last time that there was none; "" for never
};

class BrokerClient;

/// Publishes messages from a thread of its own. Whoever gives it one never waits for the broker: messages that it does
/// not take soon enough are kept up to a number of bytes, and beyond that the oldest are dropped. Each is published at
/// least once, in order; one may come twice where the connection was lost.
class BrokerPublisher {
public:
    static constexpr std::size_t kQueueBytes = std::size_t(16) << 20;

    explicit BrokerPublisher(std::shared_ptr<BrokerClient> client);
    /// Drops what is not sent.
    ~BrokerPublisher();
    BrokerPublisher(const BrokerPublisher&) = delete;
    BrokerPublisher& operator=(const BrokerPublisher&) = delete;

    /// `key`: messages of the same one stay in order where a broker spreads a topic.
    void publish(std::string message, std::string key = {});
    /// Waits a few seconds, and less once `give_up` says so, for what is not published yet; drops the rest.
    void close(const media::GiveUp& give_up = {});
    BrokerTally tally() const;
    /// What people should know of the connection: sentences, once.
    std::vector<std::string> take_warnings();

private:
    std::shared_ptr<BrokerClient> client_;  // the thread has it, too
    std::thread thread_;
};

/// "120 messages published to mqtt://…, 3 dropped, 1 reconnect"
std::string describe(const BrokerTally& tally);

}  // namespace convoy::tools
