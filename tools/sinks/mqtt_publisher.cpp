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
constexpr int kUnlimited = 0;  // the client counts what is under way

// At most 23 letters and digits, which every broker takes.
std::string client_id() {
    std::random_device random;
    return fmt::format("convoy{:08x}{:08x}", random(), random());
}

class MqttClient : public BrokerClient {
public:
    MqttClient(const BrokerTarget& target, std::size_t queue_bytes)
        : BrokerClient(target, queue_bytes), library_(), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        client_.reset(mosquitto_new(client_id().c_str(), true, this));
        if (!client_ || wake_ < 0) throw Error(ErrorKind::output, "--mqtt: " + media::system_message(errno));
        mosquitto_max_inflight_messages_set(client_.get(), kUnlimited);
        mosquitto_connect_callback_set(
            client_.get(), [](mosquitto*, void* self, int code) { static_cast<MqttClient*>(self)->on_connect(code); });
        mosquitto_publish_callback_set(
            client_.get(), [](mosquitto*, void* self, int id) { static_cast<MqttClient*>(self)->on_publish(id); });
        mosquitto_log_callback_set(client_.get(), [](mosquitto*, void* self, int level, const char* text) {
            if (level == MOSQ_LOG_ERR) static_cast<MqttClient*>(self)->logged_ = text;
        });
        if (!target.user.empty())
            mosquitto_username_pw_set(client_.get(), target.user.c_str(),
                                      target.password.empty() ? nullptr : target.password.c_str());
        if (target.tls) trust();
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
            int code = mosquitto_connect(client_.get(), target_.host.c_str(), target_.port, kKeepAliveS);
            if (code == MOSQ_ERR_SUCCESS) code = use_connection();
            const std::string why = reason(code);
            lock.lock();
            if (stopping_) break;
            if (is_connected()) pause = kFirstPause;
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
        while (is_connected() && has_next()) {
            const Message message = take_next();
            lock.unlock();
            int id = 0;
            const int code = mosquitto_publish(client_.get(), &id, target_.topic.c_str(), int(message.text.size()),
                                               message.text.data(), 1, false);
            lock.lock();
            if (id == 0) {  // it was refused; whatever else goes wrong, libmosquitto has it and sends it again
                refused(mosquitto_strerror(code));
                continue;
            }
            gave(message.text.size());
            under_way_[id] = message.text.size();
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
        const auto message = under_way_.find(id);
        if (message == under_way_.end()) return;
        confirmed(message->second);
        under_way_.erase(message);
    }

    const Library library_;
    std::unique_ptr<mosquitto, Destroy> client_;
    const int wake_;                        // an eventfd
    std::string answer_, logged_;           // the thread's: why a broker refuses, what libmosquitto says of TLS
    std::map<int, std::size_t> under_way_;  // bytes of what libmosquitto has, by its number; guarded by the mutex
};

}  // namespace

void MqttPublisher::require() {}
MqttPublisher::MqttPublisher(const BrokerTarget& target, std::size_t queue_bytes)
    : BrokerPublisher(std::make_shared<MqttClient>(target, queue_bytes)) {}

#endif

}  // namespace convoy::tools
