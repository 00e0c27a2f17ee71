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
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <random>
#include <utility>

#include "tools/media/files.h"
#include "tools/sinks/broker_client.h"
#endif

namespace convoy::tools {

#ifndef CONVOY_MQTT

void MqttPublisher::require() {
    throw Error(ErrorKind::unsupported,
                "--mqtt: this program was built without libmosquitto; install libmosquitto-dev, and configure and "
                "build it again");
}
MqttPublisher::MqttPublisher(const BrokerTarget&, std::size_t) : BrokerPublisher((require(), nullptr)) {}

#else

namespace {

using namespace std::chrono_literals;

constexpr auto kFirstPause = 200ms, kLongestPause = 15000ms;  // between attempts to connect
constexpr int kKeepAliveS = 30, kTickMs = 1000;
constexpr int kUnlimited = 0;                        // the client counts what is under way
constexpr int kFruitless = 3;                        // connections in a row that a message alone under way has ended
constexpr std::size_t kWide = std::size_t(1) << 16;  // no limit to what libmosquitto may have

// At most 23 letters and digits, which every broker takes.
std::string client_id() {
    std::random_device random;
    return fmt::format("convoy{:08x}{:08x}", random(), random());
}

class MqttClient : public BrokerClient {
public:
    MqttClient(const BrokerTarget& target, std::size_t queue_bytes)
        : BrokerClient(target, queue_bytes), library_(), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        if (wake_ < 0) throw Error(ErrorKind::output, "--mqtt: " + media::system_message(errno));
        client_ = make_client();
    }

    ~MqttClient() override {
        client_.reset();
        if (wake_ >= 0) ::close(wake_);
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

    using Handle = std::unique_ptr<mosquitto, Destroy>;

    Handle make_client() {
        Handle client(mosquitto_new(id_.c_str(), true, this));
        if (!client) throw Error(ErrorKind::output, "--mqtt: " + media::system_message(errno));
        mosquitto_max_inflight_messages_set(client.get(), kUnlimited);
        mosquitto_connect_callback_set(
            client.get(), [](mosquitto*, void* self, int code) { static_cast<MqttClient*>(self)->on_connect(code); });
        mosquitto_publish_callback_set(
            client.get(), [](mosquitto*, void* self, int id) { static_cast<MqttClient*>(self)->on_publish(id); });
        mosquitto_log_callback_set(client.get(), [](mosquitto*, void* self, int level, const char* text) {
            if (level == MOSQ_LOG_ERR) static_cast<MqttClient*>(self)->logged_ = text;
        });
        if (!target_.user.empty())
            mosquitto_username_pw_set(client.get(), target_.user.c_str(),
                                      target_.password.empty() ? nullptr : target_.password.c_str());
        if (target_.tls) trust(client.get());
        return client;
    }

    void trust(mosquitto* client) {
        const bool systems = target_.ca_file.empty();
        const int code = systems
                             ? mosquitto_int_option(client, MOSQ_OPT_TLS_USE_OS_CERTS, 1)
                             : mosquitto_tls_set(client, target_.ca_file.c_str(), nullptr, nullptr, nullptr, nullptr);
        if (code != MOSQ_ERR_SUCCESS)
            throw Error(ErrorKind::usage,
                        fmt::format("--mqtt: {} cannot be used: {}", systems ? "the system's CA file" : target_.ca_file,
                                    reason(code)));
    }

    std::string reason(int code) const {
        const int error = errno;
        std::string why = !answer_.empty()                           ? answer_
                          : code == MOSQ_ERR_TLS && !logged_.empty() ? logged_
                          : code == MOSQ_ERR_ERRNO                   ? media::system_message(error)
                                                                     : mosquitto_strerror(code);
        if (why.ends_with('.')) why.pop_back();
        return why;
    }

    void wake() const override {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
    }

    void serve() override {
        Clock::duration pause = kFirstPause;
        std::unique_lock lock(mutex_);
        while (!stopping_) {
            lock.unlock();
            answer_.clear(), logged_.clear();
            has_confirmed_ = false;
            int code = mosquitto_connect(client_.get(), target_.host.c_str(), target_.port, kKeepAliveS);
            if (code == MOSQ_ERR_SUCCESS) code = use_connection();
            const std::string why = reason(code);
            const bool anew = code != MOSQ_ERR_SUCCESS && begin_anew();
            lock.lock();
            if (stopping_) break;
            if (has_confirmed_) pause = kFirstPause;  // a connection alone is no success
            if (anew && given_ > 0) give_again();
            disconnected(why);
            changed_.wait_for(lock, pause, [&] { return stopping_; });
            pause = std::min<Clock::duration>(2 * pause, kLongestPause);
        }
    }

    // From a connection to its end; returns why it has ended.
    int use_connection() {
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
            const bool has_ended = happened & (POLLHUP | POLLERR);
            if (happened & POLLIN || has_ended) code = mosquitto_loop_read(client_.get(), 1);
            // Writing to a connection that has ended would throw away the confirmations that came before its end.
            if (code == MOSQ_ERR_SUCCESS && happened & POLLOUT && !has_ended)
                code = mosquitto_loop_write(client_.get(), 1);
            if (code == MOSQ_ERR_SUCCESS) code = mosquitto_loop_misc(client_.get());
            if (code != MOSQ_ERR_SUCCESS) return code;
        }
    }

    // libmosquitto forgets none of its messages, and libmosquitto 2.0.11 makes but one connection with the system's
    // certificates. False where there is no other client, and the old one goes on.
    bool begin_anew() {
        try {
            client_ = make_client();
            return true;
        } catch (const Error&) {
            return false;
        }
    }

    // With another client, and the mutex locked. A broker that closes a connection on a packet that is too large for it
    // would get that packet again with each, and what it has confirmed before may be lost with the connection: the next
    // gets the oldest message alone, so that the one at fault is known. Once one was given up, another that is larger
    // than all that were confirmed gets one attempt.
    void give_again() {
        const std::size_t size = under_way_.front().text.size();
        if (is_connected() && given_ == 1 && !has_confirmed_ &&
            ++fruitless_ >= (told_ && size > largest_confirmed_ ? 1 : kFruitless))
            give_up_oldest(size);
        given_ = 0;
        window_ = 1;
    }

    void give_up_oldest(std::size_t size) {
        if (!std::exchange(told_, true))
            warn(
                fmt::format("the broker ended {} connections in a row on a message of {} bytes, which is dropped; if "
                            "it has a limit on packets (mosquitto: max_packet_size), raise it: others like this one "
                            "are dropped without a word",
                            fruitless_, size));
        lost(size, fmt::format("the broker ends the connection on a message of {} bytes", size));
        under_way_.pop_front();
        fruitless_ = 0;
    }

    // Hands on what libmosquitto has room for; returns whether it is time to end. It is called without the lock, which
    // its callbacks take while it holds its own.
    bool feed() {
        std::unique_lock lock(mutex_);
        while (is_connected() && !stopping_ && given_ < window_) {
            if (given_ == under_way_.size()) {
                if (!has_next()) break;
                under_way_.push_back({0, take_next().text});
                gave(under_way_.back().text.size());
            }
            UnderWay& message = under_way_[given_];
            lock.unlock();
            message.id = 0;
            const int code = mosquitto_publish(client_.get(), &message.id, target_.topic.c_str(),
                                               int(message.text.size()), message.text.data(), 1, false);
            lock.lock();
            if (message.id != 0) {  // whatever else went wrong, libmosquitto has it and sends it again
                ++given_;
                continue;
            }
            lost(message.text.size(), mosquitto_strerror(code));
            under_way_.erase(under_way_.begin() + std::ptrdiff_t(given_));
        }
        return stopping_;
    }

    void on_connect(int code) {
        if (code != 0) {
            answer_ = mosquitto_connack_string(code);
            return;
        }
        const std::lock_guard lock(mutex_);
        connected();
    }

    void on_publish(int id) {
        const std::lock_guard lock(mutex_);
        const auto end = under_way_.begin() + std::ptrdiff_t(given_);
        const auto message = std::find_if(under_way_.begin(), end, [&](const UnderWay& m) { return m.id == id; });
        if (message == end) return;
        const std::size_t size = message->text.size();
        largest_confirmed_ = std::max(largest_confirmed_, size);
        confirmed(size);
        under_way_.erase(message);
        --given_;
        has_confirmed_ = true;
        fruitless_ = 0;
        window_ = std::min(2 * window_, kWide);
    }

    struct UnderWay {
        int id;  // libmosquitto's
        std::string text;
    };

    const Library library_;
    const std::string id_ = client_id();
    Handle client_;
    const int wake_;  // an eventfd
    // The thread's:
    std::string answer_, logged_;        // why a broker refuses, what libmosquitto says of TLS
    std::deque<UnderWay> under_way_;     // in order
    std::size_t window_ = kWide;         // how many of them libmosquitto may have
    std::size_t given_ = 0;              // how many it has
    bool told_ = false;                  // that some are given up
    bool has_confirmed_ = false;         // the broker, since the last attempt to connect
    int fruitless_ = 0;                  // connections in a row
    std::size_t largest_confirmed_ = 0;  // bytes
};

}  // namespace

void MqttPublisher::require() {}
MqttPublisher::MqttPublisher(const BrokerTarget& target, std::size_t queue_bytes)
    : BrokerPublisher(std::make_shared<MqttClient>(target, queue_bytes)) {}

#endif

}  // namespace convoy::tools
