// SPDX-License-Identifier: MIT
#include "tools/sinks/webhook.h"

#include <fmt/core.h>
#include <strings.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string_view>
#include <utility>

#include <convoy/error.h>
#include "tools/sinks/environment.h"
#include "tools/sinks/http_poster.h"
#include "tools/sinks/message_queue.h"

namespace convoy::tools {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto kFirstPause = 500ms, kLongestPause = 30000ms;  // before it is posted again
constexpr auto kPatience = 10s;                               // with a server that says nothing
constexpr auto kLastWait = 3s;                                // for what is still to be posted at the end
constexpr auto kEndOfThread = 200ms, kAsk = 20ms;

[[noreturn]] void fail(const std::string& what) { throw Error(ErrorKind::usage, "--webhook: " + what); }

bool is_taken(const HttpPoster::Reply& reply) { return reply.status / 100 == 2; }

// Request Timeout, Too Many Requests.
bool may_be_taken_later(const HttpPoster::Reply& reply) {
    return reply.status == 0 || reply.status == 408 || reply.status == 429 || reply.status >= 500;
}

// The host that a redirection points to, and nothing else that may be a secret or long.
std::string host_of(const std::string& url) {
    constexpr std::size_t kLongest = 80;
    if (!url.starts_with("http://") && !url.starts_with("https://")) return "another address";
    std::string host = WebhookTarget{url}.address();
    if (const std::size_t at = host.rfind('@'); at != host.npos)
        host.erase(host.find("://") + 3, at - host.find("://") - 2);
    return host.size() <= kLongest && host.find('%') == host.npos ? host : "another address";
}

std::string reason_of(const HttpPoster::Reply& reply) {
    if (reply.status == 0) return reply.error;
    if (reply.location.empty()) return fmt::format("HTTP {}", reply.status);
    return fmt::format("HTTP {}: it points to {}, and redirections are not followed", reply.status,
                       host_of(reply.location));
}

void check_header(const std::string& header) {
    constexpr std::string_view kToken =  // RFC 9110, 5.6.2
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const std::size_t colon = header.find(':');
    const std::string name = header.substr(0, colon);
    if (colon == header.npos || colon == 0 ||
        std::any_of(header.begin(), header.end(), [](char c) { return is_control(c) && c != '\t'; }) ||
        name.find_first_not_of(kToken) != name.npos)
        fail("CONVOY_WEBHOOK_HEADER is no header; it is \"Name: value\", on one line");
    if (header.find_first_not_of(" \t", colon + 1) == header.npos) fail("CONVOY_WEBHOOK_HEADER has no value");
    for (const char* ours : {"connection", "content-length", "content-type", "expect", "host", "transfer-encoding"})
        if (strcasecmp(name.c_str(), ours) == 0) fail("CONVOY_WEBHOOK_HEADER names a header that is the request's own");
}

}  // namespace

std::string WebhookTarget::address() const {
    const std::size_t host = url.find("://") + 3;
    return url.substr(0, std::min(url.find_first_of("/?#", host), url.size()));
}

WebhookTarget webhook_target(const std::string& url, const Environment& environment) {
    WebhookTarget target{url, variable(environment, "CONVOY_WEBHOOK_HEADER"),
                         variable(environment, "CONVOY_WEBHOOK_CAFILE")};
    if (!url.starts_with("http://") && !url.starts_with("https://"))
        fail("the address begins with neither http:// nor https://");
    if (std::any_of(url.begin(), url.end(), [](char c) { return is_control(c) || c == ' '; }))
        fail("the address has spaces or control characters in it");
    const std::string address = target.address();
    if (address.ends_with("://")) fail("the address names no host");
    if (address.find('@') != address.npos)
        fail(
            "user and password do not stand in the address, where all users of this machine can read them; set "
            "CONVOY_WEBHOOK_HEADER in the environment: \"Authorization: Basic …\"");
    if (std::any_of(url.begin(), url.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
        fail("the address has letters beyond ASCII in it; write a host's as xn--… and others as %XX");
    if (const std::string complaint = HttpPoster::complaint_of(url); !complaint.empty())
        fail("the address is none: " + complaint);
    if (!target.header.empty()) check_header(target.header);
    if (!target.ca_file.empty()) check_ca_file("--webhook", "CONVOY_WEBHOOK_CAFILE", target.ca_file);
    return target;
}

std::string describe(const Webhook::Tally& tally) {
    return fmt::format("{} event{} posted to {}, {} dropped, {} posted again", tally.posted,
                       tally.posted == 1 ? "" : "s", tally.address, tally.dropped, tally.retries);
}

/// What the thread and its owner share.
class Webhook::Poster {
public:
    Poster(WebhookTarget target, std::size_t queue_bytes)
        : target_(std::move(target)), http_(target_.url, target_.header, target_.ca_file), waiting_(queue_bytes) {
        tally_.address = target_.address();
    }

    void post(std::string message) {
        {
            const std::lock_guard lock(mutex_);
            tally_.dropped += waiting_.push({std::move(message)});
        }
        changed_.notify_all();
    }

    void close(const media::GiveUp& give_up) {
        std::unique_lock lock(mutex_);
        if (std::exchange(closed_, true)) return;
        const auto deadline = Clock::now() + kLastWait;
        const auto is_posted = [&] { return unposted() == 0; };
        while (!is_posted() && Clock::now() < deadline && !(give_up && give_up()))
            changed_.wait_for(lock, kAsk, is_posted);
        lock.unlock();
        stop();
        lock.lock();
        abandoned_ = true;
        tally_.dropped += unposted();
        waiting_.clear();
        is_posting_ = false;
        if (tally_.dropped > 0)
            warnings_.push_back(fmt::format(
                "--webhook: {} of {} events for {} were dropped: {}", tally_.dropped, tally_.posted + tally_.dropped,
                tally_.address, tally_.last_error.empty() ? "the server took them too slowly" : tally_.last_error));
    }

    /// Whether the thread has ended. It may be amid a system call that takes its time, such as asking for a name.
    bool stop() {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
        return changed_.wait_for(lock, kEndOfThread, [&] { return ended_; });
    }

    Tally tally() const {
        const std::lock_guard lock(mutex_);
        Tally tally = tally_;
        tally.waiting = unposted();
        return tally;
    }

    std::vector<std::string> take_warnings() {
        const std::lock_guard lock(mutex_);
        return std::exchange(warnings_, {});
    }

    /// The thread.
    void run() {
        std::unique_lock lock(mutex_);
        for (;;) {
            changed_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
            if (stopping_) break;
            const std::string message = waiting_.pop().text;
            is_posting_ = true;
            deliver(message, lock);
            is_posting_ = false;
            changed_.notify_all();
        }
        ended_ = true;
        changed_.notify_all();
    }

private:
    std::int64_t unposted() const { return waiting_.size() + is_posting_; }

    // Until the server has taken or refused it, or nobody waits for that any more.
    void deliver(const std::string& message, std::unique_lock<std::mutex>& lock) {
        for (Clock::duration pause = kFirstPause;; pause = std::min<Clock::duration>(2 * pause, kLongestPause)) {
            lock.unlock();
            const HttpPoster::Reply reply = http_.post(message, kPatience, stopping_);
            lock.lock();
            if (abandoned_) return;  // close() has counted it
            if (is_taken(reply)) {
                ++tally_.posted;
                return;
            }
            const bool again = may_be_taken_later(reply);
            if (reply.status != 0 || !stopping_) tell(reason_of(reply), again);
            if (again) changed_.wait_for(lock, pause, [&] { return stopping_.load(); });
            if (abandoned_) return;
            if (!again || stopping_) {
                ++tally_.dropped;
                return;
            }
            ++tally_.retries;
        }
    }

    // The first time that something is posted again, and the first time that something is refused.
    void tell(const std::string& why, bool again) {
        tally_.last_error = why;
        if (std::exchange(again ? told_again_ : told_refused_, true)) return;
        warnings_.push_back(
            again ? fmt::format("--webhook: {} did not take an event: {}; it is posted again", tally_.address, why)
                  : fmt::format("--webhook: {} refused an event, which is dropped: {}", tally_.address, why));
    }

    const WebhookTarget target_;
    HttpPoster http_;  // the thread's own
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    MessageQueue waiting_;
    Tally tally_;
    std::vector<std::string> warnings_;
    std::atomic<bool> stopping_ = false;
    bool is_posting_ = false, closed_ = false, ended_ = false, abandoned_ = false;
    bool told_again_ = false, told_refused_ = false;
};

Webhook::Webhook(WebhookTarget target, std::size_t queue_bytes)
    : poster_(std::make_shared<Poster>(std::move(target), queue_bytes)),
      thread_([poster = poster_] { poster->run(); }) {}

Webhook::~Webhook() {
    if (poster_->stop())
        thread_.join();
    else
        thread_.detach();
}

void Webhook::post(std::string message) { poster_->post(std::move(message)); }
void Webhook::close(const media::GiveUp& give_up) { poster_->close(give_up); }
Webhook::Tally Webhook::tally() const { return poster_->tally(); }
std::vector<std::string> Webhook::take_warnings() { return poster_->take_warnings(); }

}  // namespace convoy::tools
