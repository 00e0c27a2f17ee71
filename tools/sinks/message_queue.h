// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

namespace convoy::tools {

struct Message {
    std::string text;
    std::string key = {};  ///< for brokers that spread a topic by it
};

/// Messages that wait for whoever sends them, up to a number of bytes: beyond that the oldest go. Not for several
/// threads at once.
class MessageQueue {
public:
    explicit MessageQueue(std::size_t most_bytes) : most_bytes_(most_bytes) {}

    /// How many were dropped for it, itself if it is too large alone.
    std::int64_t push(Message message) {
        const std::size_t bytes = bytes_of(message);
        std::int64_t dropped = 0;
        for (; !messages_.empty() && bytes_ + bytes > most_bytes_; ++dropped) pop();
        if (bytes > most_bytes_) return dropped + 1;
        bytes_ += bytes;
        messages_.push_back(std::move(message));
        return dropped;
    }
    const Message& front() const { return messages_.front(); }
    Message pop() {
        Message message = std::move(messages_.front());
        messages_.pop_front();
        bytes_ -= bytes_of(message);
        return message;
    }
    void clear() { messages_.clear(), bytes_ = 0; }
    bool empty() const { return messages_.empty(); }
    std::int64_t size() const { return std::int64_t(messages_.size()); }
    std::size_t bytes() const { return bytes_; }

private:
    static constexpr std::size_t kOverhead = 64;  // of a message, beside its bytes
    static std::size_t bytes_of(const Message& message) { return message.text.size() + message.key.size() + kOverhead; }

    const std::size_t most_bytes_;
    std::deque<Message> messages_;
    std::size_t bytes_ = 0;
};

}  // namespace convoy::tools
