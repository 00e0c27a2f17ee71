// SPDX-License-Identifier: MIT
//
// What goes to a client of the server, from whichever thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace convoy::tools {

struct HttpReply {
    int status = 200;
    std::string type, body;
    std::vector<std::pair<std::string, std::string>> headers = {};
};

/// {"error": …}
HttpReply error_reply(int status, const std::string& sentence);

struct HttpMailbox;

/// A part of a stream as it goes to all who watch.
using HttpPart = std::shared_ptr<const std::string>;
HttpPart http_part(const std::string& type, std::string_view body);

/// A reply that goes on, part by part, until this is gone: each in place of the one before, as
/// multipart/x-mixed-replace has it. From any thread.
class HttpStream {
public:
    HttpStream(std::shared_ptr<HttpMailbox> mailbox, std::uint64_t id);
    HttpStream(const HttpStream&) = delete;
    HttpStream& operator=(const HttpStream&) = delete;
    ~HttpStream();
    /// The next part, which replaces one that the client has not begun to take. False when the client has gone.
    bool put(HttpPart part);
    bool is_open() const { return *open_; }

private:
    std::shared_ptr<HttpMailbox> mailbox_;
    std::uint64_t id_;
    std::shared_ptr<std::atomic<bool>> open_;
};

/// Where the reply to one request goes: once, from any thread, whether the client is still there or not. One that is
/// let go of without a reply says that the program ends.
class HttpAnswer {
public:
    HttpAnswer(std::shared_ptr<HttpMailbox> mailbox, std::uint64_t id) : mailbox_(std::move(mailbox)), id_(id) {}
    HttpAnswer(HttpAnswer&&) = default;
    HttpAnswer& operator=(HttpAnswer&&) = delete;
    ~HttpAnswer();
    void operator()(HttpReply reply);
    /// In place of a reply.
    std::unique_ptr<HttpStream> stream();

private:
    std::shared_ptr<HttpMailbox> mailbox_;  // null once it has answered
    std::uint64_t id_;
};

}  // namespace convoy::tools
