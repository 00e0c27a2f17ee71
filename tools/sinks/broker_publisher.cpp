// SPDX-License-Identifier: MIT
#include "tools/sinks/broker_publisher.h"

#include <fmt/core.h>

#include <set>
#include <utility>

#include "tools/sinks/broker_client.h"

namespace convoy::tools {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kUnconfirmed = 256;                       // messages that a library has at a time
constexpr std::size_t kUnconfirmedBytes = std::size_t(1) << 20;  // of them, but for a single one that is larger
constexpr auto kLastWait = 3s;                                   // for what is still to be sent at the end
constexpr auto kEndOfThread = 200ms, kAsk = 20ms;
constexpr std::size_t kMostReasons = 16;  // told of a run, since a library may write into one what it likes

}  // namespace

BrokerClient::BrokerClient(const BrokerTarget& target, std::size_t queue_bytes)
    : target_(target), option_("--" + target.scheme), waiting_(queue_bytes) {
    tally_.kind = target.scheme;
    tally_.address = target.address();
}

void BrokerClient::publish(Message message) {
    {
        const std::lock_guard lock(mutex_);
        tally_.dropped += waiting_.push(std::move(message));
    }
    wake();
}

void BrokerClient::close(const media::GiveUp& give_up) {
    std::unique_lock lock(mutex_);
    if (std::exchange(closed_, true)) return;
    const auto deadline = Clock::now() + kLastWait;
    const auto is_sent = [&] { return unpublished() == 0; };
    while (!is_sent() && Clock::now() < deadline && !(give_up && give_up())) changed_.wait_for(lock, kAsk, is_sent);
    const std::string why = !refusal_.empty()           ? refusal_
                            : is_connected_             ? "the broker took them too slowly"
                            : tally_.last_error.empty() ? "the broker has not answered"
                                                        : tally_.last_error;
    lock.unlock();
    stop();
    lock.lock();
    tally_.dropped += unpublished();
    waiting_.clear();
    handed_on_ = 0;
    unconfirmed_ = 0;
    unconfirmed_bytes_ = 0;
    is_connected_ = false;
    if (tally_.dropped > 0)
        warnings_.push_back(fmt::format("{}: {} of {} messages to {} were dropped: {}", option_, tally_.dropped,
                                        tally_.published + tally_.dropped, tally_.address, why));
}

bool BrokerClient::stop() {
    std::unique_lock lock(mutex_);
    if (!std::exchange(stopping_, true)) {
        changed_.notify_all();
        wake();
    }
    return changed_.wait_for(lock, kEndOfThread, [&] { return ended_; });
}

void BrokerClient::run() {
    serve();
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
}

BrokerTally BrokerClient::tally() const {
    const std::lock_guard lock(mutex_);
    BrokerTally tally = tally_;
    tally.waiting = unpublished();
    tally.waiting_bytes = waiting_.bytes() + unconfirmed_bytes_;
    tally.connected = is_connected_;
    return tally;
}

std::vector<std::string> BrokerClient::take_warnings() {
    const std::lock_guard lock(mutex_);
    return std::exchange(warnings_, {});
}

std::int64_t BrokerClient::unpublished() const { return waiting_.size() + unconfirmed_ + handed_on_; }

bool BrokerClient::has_next() const {
    return !stopping_ && !waiting_.empty() && unconfirmed_ < kUnconfirmed &&
           (unconfirmed_ == 0 || unconfirmed_bytes_ + waiting_.front().text.size() <= kUnconfirmedBytes);
}

Message BrokerClient::take_next() {
    handed_on_ = 1;
    return waiting_.pop();
}

void BrokerClient::gave(std::size_t bytes) {
    handed_on_ = 0;
    ++unconfirmed_;
    unconfirmed_bytes_ += bytes;
}

void BrokerClient::refused(const std::string& why) {
    handed_on_ = 0;
    ++tally_.dropped;
    refusal_ = tally_.last_error = why;
}

// After close() none of them counts any more.
void BrokerClient::settled(std::size_t bytes) {
    unconfirmed_bytes_ -= bytes;
    if (--unconfirmed_ == 0) changed_.notify_all();
}

void BrokerClient::confirmed(std::size_t bytes) {
    if (unconfirmed_ == 0) return;
    ++tally_.published;
    settled(bytes);
}

void BrokerClient::lost(std::size_t bytes, const std::string& why) {
    if (unconfirmed_ == 0) return;
    settled(bytes);
    refused(why);
}

void BrokerClient::warn(const std::string& what) {
    warnings_.push_back(fmt::format("{}: {}: {}", option_, tally_.address, what));
}

void BrokerClient::connected() {
    if (std::exchange(is_connected_, true)) return;
    tally_.reconnects += std::exchange(was_connected_, true);
}

void BrokerClient::disconnected(const std::string& why) {
    const bool is_lost = std::exchange(is_connected_, false);
    tally_.last_error = why;
    // librdkafka says after how many milliseconds, which makes no other reason of it.
    const std::string reason = why.substr(0, why.find(" (after "));
    const bool is_first_loss = is_lost && !std::exchange(told_lost_, true);
    const bool is_other_reason = told_.size() < kMostReasons && told_.insert(reason).second;
    if (is_first_loss || is_other_reason)
        warnings_.push_back(fmt::format("{}: {} {}: {}; it is tried again while the run goes on", option_,
                                        is_lost ? "lost the connection to" : "cannot connect to", tally_.address,
                                        reason));
}

BrokerPublisher::BrokerPublisher(std::shared_ptr<BrokerClient> client)
    : client_(std::move(client)), thread_([running = client_] { running->run(); }) {}

BrokerPublisher::~BrokerPublisher() {
    if (client_->stop())
        thread_.join();
    else
        thread_.detach();
}

void BrokerPublisher::publish(std::string message, std::string key) {
    client_->publish({std::move(message), std::move(key)});
}
void BrokerPublisher::close(const media::GiveUp& give_up) { client_->close(give_up); }
BrokerTally BrokerPublisher::tally() const { return client_->tally(); }
std::vector<std::string> BrokerPublisher::take_warnings() { return client_->take_warnings(); }

std::string describe(const BrokerTally& tally) {
    return fmt::format("{} message{} published to {}, {} dropped, {} reconnect{}", tally.published,
                       tally.published == 1 ? "" : "s", tally.address, tally.dropped, tally.reconnects,
                       tally.reconnects == 1 ? "" : "s");
}

}  // namespace convoy::tools
