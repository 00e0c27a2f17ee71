// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tools/serve/http_answer.h"

namespace convoy::tools {

/// Before and behind each part of a stream, since browsers show one when they have seen the next boundary. A
/// JPEG may hold it, too: its length is told.
constexpr const char* kHttpBoundary = "convoy-part";

/// What comes to the server's thread from others.
struct HttpMailbox {
    struct Letter {
        std::uint64_t id;                                // the request's
        std::optional<HttpReply> reply = {};             // this, …
        std::shared_ptr<std::atomic<bool>> begins = {};  // … or that a stream begins: whether its client is there, …
        HttpPart part = {};                              // … a part of it, …
        bool ends = false;                               // … its end
    };

    HttpMailbox();
    ~HttpMailbox();
    HttpMailbox(const HttpMailbox&) = delete;
    HttpMailbox& operator=(const HttpMailbox&) = delete;
    void wake() const;
    void post(Letter letter);
    std::vector<Letter> take();

    const int wake_fd;  ///< can be read when there is something

private:
    std::mutex mutex_;
    std::vector<Letter> letters_;
};

}  // namespace convoy::tools
