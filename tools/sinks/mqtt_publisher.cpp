// SPDX-License-Identifier: MIT
#include "tools/sinks/mqtt_publisher.h"

#include <fmt/core.h>

#include <convoy/error.h>

#ifdef CONVOY_MQTT
#include <mosquitto.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <utility>

#include "tools/media/files.h"
#include "tools/sinks/message_queue.h"
#endif

namespace convoy::tools {

std::string describe(const MqttPublisher::Tally& tally) {
    return fmt::format("{} message{} published to {}, {} dropped, {} reconnect{}", tally.published,
                       tally.published == 1 ? "" : "s", tally.address, tally.dropped, tally.reconnects,
                       tally.reconnects == 1 ? "" : "s");
}

#ifndef CONVOY_MQTT

class MqttPublisher::Connection {};

void MqttPublisher::require() {
    throw Error(ErrorKind::unsupported,
                "--mqtt: this program was built without libmosquitto; install libmosquitto-dev, and configure and "
                "build it again");
}
MqttPublisher::MqttPublisher(const MqttTarget&, std::size_t) { require(); }
MqttPublisher::~MqttPublisher() = default;
void MqttPublisher::publish(std::string) {}
void MqttPublisher::close(const media::GiveUp&) {}
MqttPublisher::Tally MqttPublisher::tally() const { return {}; }
std::vector<std::string> MqttPublisher::take_warnings() { return {}; }

#else

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t kUnconfirmed = 256;                        // messages that libmosquitto has at a time
constexpr std::size_t kUnconfirmedBytes = std::size_t(1) << 20;  // of them, but for a single one that is larger
constexpr auto kFirstPause = 200ms, kLongestPause = 15000ms;     // between attempts to connect
constexpr auto kLastWait = 3s;                                   // for what is still to be sent at the end
constexpr auto kEndOfThread = 200ms, kAsk = 20ms;
constexpr int kKeepAliveS = 30, kTickMs = 1000;

// At most 23 letters and digits, which every broker takes.
std::string client_id() {
    std::random_device random;
    return fmt::format("convoy{:08x}{:08x}", random(), random());
}

}  // namespace

void MqttPublisher::require() {}

/// What the thread and its owner share. After the constructor only the thread calls libmosquitto.
class MqttPublisher::Connection {
public:
    Connection(const MqttTarget& target, std::size_t queue_bytes)
        : target_(target), library_(), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), waiting_(queue_bytes) {
        tally_.address = target.address();
        client_.reset(mosquitto_new(client_id().c_str(), true, this));
        if (!client_ || wake_ < 0) throw Error(ErrorKind::output, "--mqtt: " + media::system_message(errno));
        mosquitto_max_inflight_messages_set(client_.get(), kUnconfirmed);
        mosquitto_connect_callback_set(
            client_.get(), [](mosquitto*, void* self, int code) { static_cast<Connection*>(self)->on_connect(code); });
        mosquitto_publish_callback_set(
            client_.get(), [](mosquitto*, void* self, int id) { static_cast<Connection*>(self)->on_publish(id); });
        mosquitto_log_callback_set(client_.get(), [](mosquitto*, void* self, int level, const char* text) {
            if (level == MOSQ_LOG_ERR) static_cast<Connection*>(self)->logged_ = text;
        });
        if (!target.user.empty())
            mosquitto_username_pw_set(client_.get(), target.user.c_str(),
                                      target.password.empty() ? nullptr : target.password.c_str());
        if (target.tls) trust();
    }

    ~Connection() {
        client_.reset();
        if (wake_ >= 0) ::close(wake_);
    }

    void publish(std::string message) {
        {
            const std::lock_guard lock(mutex_);
            tally_.dropped += waiting_.push(std::move(message));
        }
        wake();
    }

    void close(const media::GiveUp& give_up) {
        std::unique_lock lock(mutex_);
        if (std::exchange(closed_, true)) return;
        const auto deadline = Clock::now() + kLastWait;
        const auto is_sent = [&] { return unpublished() == 0; };
        while (!is_sent() && Clock::now() < deadline && !(give_up && give_up())) changed_.wait_for(lock, kAsk, is_sent);
        const std::string why = is_connected_               ? "the broker took them too slowly"
                                : tally_.last_error.empty() ? "the broker has not answered"
                                                            : tally_.last_error;
        lock.unlock();
        stop();
        lock.lock();
        tally_.dropped += unpublished();
        waiting_.clear();
        unconfirmed_.clear();
        unconfirmed_bytes_ = 0;
        is_connected_ = false;
        if (tally_.dropped > 0)
            warnings_.push_back(fmt::format("--mqtt: {} of {} messages to {} were dropped: {}", tally_.dropped,
                                            tally_.published + tally_.dropped, tally_.address, why));
    }

    /// Whether the thread has ended. It may be amid a system call that takes its time, such as asking for a name.
    bool stop() {
        std::unique_lock lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
        wake();
        return changed_.wait_for(lock, kEndOfThread, [&] { return ended_; });
    }

    Tally tally() const {
        const std::lock_guard lock(mutex_);
        Tally tally = tally_;
        tally.waiting = unpublished();
        tally.waiting_bytes = waiting_.bytes() + unconfirmed_bytes_;
        tally.connected = is_connected_;
        return tally;
    }

    std::vector<std::string> take_warnings() {
        const std::lock_guard lock(mutex_);
        return std::exchange(warnings_, {});
    }

    /// The thread.
    void run() {
        Clock::duration pause = kFirstPause;
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            lock.unlock();
            refusal_.clear(), logged_.clear();
            int code = mosquitto_connect(client_.get(), target_.host.c_str(), target_.port, kKeepAliveS);
            if (code == MOSQ_ERR_SUCCESS) code = serve();
            const std::string why = reason(code);
            lock.lock();
            if (stopping_) break;
            if (std::exchange(is_connected_, false)) pause = kFirstPause;
            tell(why);
            changed_.wait_for(lock, pause, [&] { return stopping_; });
            pause = std::min<Clock::duration>(2 * pause, kLongestPause);
        }
        ended_ = true;
        changed_.notify_all();
    }

private:
    struct Library {
        Library() { mosquitto_lib_init(); }
        ~Library() { mosquitto_lib_cleanup(); }
        Library(const Library&) = delete;
        Library& operator=(const Library&) = delete;
    };
    struct Destroy {
        void operator()(mosquitto* client) const { mosquitto_destroy(client); }
    };

    void trust() {
        const bool systems = target_.ca_file.empty();
        const int code =
            systems ? mosquitto_int_option(client_.get(), MOSQ_OPT_TLS_USE_OS_CERTS, 1)
                    : mosquitto_tls_set(client_.get(), target_.ca_file.c_str(), nullptr, nullptr, nullptr, nullptr);
        if (code != MOSQ_ERR_SUCCESS)
            throw Error(ErrorKind::usage,
                        fmt::format("--mqtt: {} cannot be used: {}", systems ? "the system's CA file" : target_.ca_file,
                                    reason(code)));
    }

    std::string reason(int code) const {
        const int error = errno;
        std::string why = !refusal_.empty()                          ? refusal_
                          : code == MOSQ_ERR_TLS && !logged_.empty() ? logged_
                          : code == MOSQ_ERR_ERRNO                   ? media::system_message(error)
                                                                     : mosquitto_strerror(code);
        if (why.ends_with('.')) why.pop_back();
        return why;
    }

    std::int64_t unpublished() const { return waiting_.size() + std::int64_t(unconfirmed_.size()) + handed_on_; }

    void wake() const {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
    }

    // The first time that there is no connection, and the first time that one is lost.
    void tell(const std::string& why) {
        tally_.last_error = why;
        if (!std::exchange(was_connected_ ? told_lost_ : told_unreachable_, true))
            warnings_.push_back(fmt::format("--mqtt: {} {}: {}; it is tried again while the run goes on",
                                            was_connected_ ? "lost the connection to" : "cannot connect to",
                                            tally_.address, why));
    }

    // From a connection to its end; returns why it has ended.
    int serve() {
        for (;;) {
            if (feed()) return mosquitto_disconnect(client_.get());
            const int socket = mosquitto_socket(client_.get());
            if (socket < 0) return MOSQ_ERR_NO_CONN;
            pollfd fds[] = {{wake_, POLLIN, 0},
                            {socket, short(POLLIN | (mosquitto_want_write(client_.get()) ? POLLOUT : 0)), 0}};
            poll(fds, 2, kTickMs);
            std::uint64_t wakes = 0;
            if (fds[0].revents != 0) [[maybe_unused]]
                const auto got = ::read(wake_, &wakes, sizeof wakes);
            const short happened = fds[1].revents;
            int code = MOSQ_ERR_SUCCESS;
            if (happened & (POLLIN | POLLHUP | POLLERR)) code = mosquitto_loop_read(client_.get(), 1);
            if (code == MOSQ_ERR_SUCCESS && happened & POLLOUT) code = mosquitto_loop_write(client_.get(), 1);
            if (code == MOSQ_ERR_SUCCESS) code = mosquitto_loop_misc(client_.get());
            if (code != MOSQ_ERR_SUCCESS) return code;
        }
    }

    // Hands on what libmosquitto has room for; returns whether it is time to end. It is called without the lock, which
    // its callbacks take while it holds its own.
    bool feed() {
        std::unique_lock lock(mutex_);
        while (!stopping_ && is_connected_ && !waiting_.empty() && unconfirmed_.size() < kUnconfirmed &&
               (unconfirmed_.empty() || unconfirmed_bytes_ + waiting_.front().size() <= kUnconfirmedBytes)) {
            const std::string message = waiting_.pop();
            handed_on_ = 1;
            lock.unlock();
            int id = 0;
            const int code = mosquitto_publish(client_.get(), &id, target_.topic.c_str(), int(message.size()),
                                               message.data(), 1, false);
            lock.lock();
            handed_on_ = 0;
            if (id == 0) {  // it was refused; whatever else goes wrong, libmosquitto has it and sends it again
                ++tally_.dropped;
                tally_.last_error = mosquitto_strerror(code);
                continue;
            }
            unconfirmed_[id] = message.size();
            unconfirmed_bytes_ += message.size();
        }
        return stopping_;
    }

    void on_connect(int code) {
        if (code != 0) {
            refusal_ = mosquitto_connack_string(code);
            return;
        }
        const std::lock_guard lock(mutex_);
        is_connected_ = true;
        tally_.reconnects += std::exchange(was_connected_, true);
    }

    void on_publish(int id) {
        const std::lock_guard lock(mutex_);
        const auto message = unconfirmed_.find(id);
        if (message == unconfirmed_.end()) return;
        unconfirmed_bytes_ -= message->second;
        unconfirmed_.erase(message);
        ++tally_.published;
        if (unconfirmed_.empty()) changed_.notify_all();
    }

    const MqttTarget target_;
    const Library library_;
    std::unique_ptr<mosquitto, Destroy> client_;
    const int wake_;                // an eventfd
    std::string refusal_, logged_;  // the thread's: why a broker refuses, what libmosquitto says of TLS

    mutable std::mutex mutex_;  // of all below
    std::condition_variable changed_;
    MessageQueue waiting_;
    int handed_on_ = 0;                       // messages that libmosquitto is just being given
    std::map<int, std::size_t> unconfirmed_;  // bytes of what libmosquitto has, by its number
    std::size_t unconfirmed_bytes_ = 0;
    bool is_connected_ = false, was_connected_ = false, told_unreachable_ = false, told_lost_ = false;
    bool closed_ = false, stopping_ = false, ended_ = false;
    Tally tally_;
    std::vector<std::string> warnings_;
};

MqttPublisher::MqttPublisher(const MqttTarget& target, std::size_t queue_bytes)
    : connection_(std::make_shared<Connection>(target, queue_bytes)),
      thread_([connection = connection_] { connection->run(); }) {}

MqttPublisher::~MqttPublisher() {
    if (connection_->stop())
        thread_.join();
    else
        thread_.detach();
}

void MqttPublisher::publish(std::string message) { connection_->publish(std::move(message)); }
void MqttPublisher::close(const media::GiveUp& give_up) { connection_->close(give_up); }
MqttPublisher::Tally MqttPublisher::tally() const { return connection_->tally(); }
std::vector<std::string> MqttPublisher::take_warnings() { return connection_->take_warnings(); }

#endif

}  // namespace convoy::tools
