// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <convoy/media/give_up.h>
#include "tools/sinks/environment.h"

namespace convoy::tools {

/// Where events go, checked.
struct WebhookTarget {
    std::string url;              ///< http or https
    std::string header = {};      ///< one more for each request, "Name: value": a secret, say
    std::string ca_file = {};     ///< of those that may sign the server's certificate; empty: the system's
    std::string address() const;  ///< for people: of the URL the host alone, since what follows may be a secret
};

/// With CONVOY_WEBHOOK_HEADER and CONVOY_WEBHOOK_CAFILE of the environment, which is asked as std::getenv() is. Throws
/// Error(usage) for what is no such address or header.
WebhookTarget webhook_target(const std::string& url, const Environment& environment);

/// Posts JSON messages one after the other, from a thread of its own. Whoever gives it one never waits for the server:
/// messages wait up to a number of bytes, and beyond that the oldest are dropped. One that the server does not take
/// since it is away or in trouble (5xx, 408, 429) is posted again after a while; one that it refuses (any other reply
/// but 2xx) is dropped. Redirections are not followed.
class Webhook {
public:
    struct Tally {
        std::string address;
        std::int64_t posted = 0;   ///< that the server has taken
        std::int64_t dropped = 0;  ///< after close(): all others
        std::int64_t retries = 0;
        std::int64_t waiting = 0;
        std::string last_error;  ///< why a message was not taken; "" for never
    };
    static constexpr std::size_t kQueueBytes = std::size_t(4) << 20;

    /// Throws Error(unsupported) in a program that was built without libcurl.
    explicit Webhook(WebhookTarget target, std::size_t queue_bytes = kQueueBytes);
    /// Drops what is not sent.
    ~Webhook();
    Webhook(const Webhook&) = delete;
    Webhook& operator=(const Webhook&) = delete;

    void post(std::string message);
    /// Waits a few seconds, and less once `give_up` says so, for what is not posted yet; drops the rest.
    void close(const media::GiveUp& give_up = {});
    Tally tally() const;
    /// What people should know: sentences, once.
    std::vector<std::string> take_warnings();

private:
    class Poster;
    std::shared_ptr<Poster> poster_;  // the thread has it, too
    std::thread thread_;
};

/// "12 events posted to https://host, 3 dropped, 1 posted again"
std::string describe(const Webhook::Tally& tally);

}  // namespace convoy::tools
