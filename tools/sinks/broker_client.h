// SPDX-License-Identifier: MIT
//
// For those who write a BrokerPublisher of a kind.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "tools/sinks/broker_publisher.h"
#include "tools/sinks/broker_target.h"
#include "tools/sinks/message_queue.h"

namespace convoy::tools {

/// What a publisher's thread and its owner share: what waits, what the broker's library has, and how it goes. After the
/// constructor only the thread calls that library.
class BrokerClient {
public:
    BrokerClient(const BrokerTarget& target, std::size_t queue_bytes);
    virtual ~BrokerClient() = default;
    BrokerClient(const BrokerClient&) = delete;
    BrokerClient& operator=(const BrokerClient&) = delete;

    void publish(Message message);
    void close(const media::GiveUp& give_up);
    /// Whether the thread has ended. It may be amid a system call that takes its time, such as asking for a name.
    bool stop();
    BrokerTally tally() const;
    std::vector<std::string> take_warnings();
    /// The thread.
    void run();

protected:
    using Clock = std::chrono::steady_clock;

    /// From connection to connection until stopping_.
    virtual void serve() = 0;
    /// Ends the thread's wait; by the owner, and not once it has stopped.
    virtual void wake() const = 0;

    // With the mutex locked.
    /// Whether the library is to get one more.
    bool has_next() const;
    /// Takes it; until it is given to the library or dropped it counts as waiting.
    Message take_next();
    void gave(std::size_t bytes);
    /// The library did not take it, or the broker will never.
    void refused(const std::string& why);
    void confirmed(std::size_t bytes);
    void lost(std::size_t bytes, const std::string& why);
    /// Tells people: a sentence about the broker.
    void warn(const std::string& what);
    void connected();
    /// Tells each reason once for which there is no connection, and the first time that one is lost.
    void disconnected(const std::string& why);
    bool is_connected() const { return is_connected_; }

    const BrokerTarget target_;
    const std::string option_;  // "--mqtt"
    mutable std::mutex mutex_;  // of all below
    std::condition_variable changed_;
    bool stopping_ = false;

private:
    std::int64_t unpublished() const;
    void settled(std::size_t bytes);

    MessageQueue waiting_;
    int handed_on_ = 0;             // messages that the library is just being given
    std::int64_t unconfirmed_ = 0;  // that it has
    std::size_t unconfirmed_bytes_ = 0;
    bool is_connected_ = false, was_connected_ = false, told_lost_ = false;
    bool closed_ = false, ended_ = false;
    std::string refusal_;
    std::set<std::string> told_;  // why there is no connection
    BrokerTally tally_;
    std::vector<std::string> warnings_;
};

}  // namespace convoy::tools
