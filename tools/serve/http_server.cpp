// SPDX-License-Identifier: MIT
#include "tools/serve/http_server.h"

#include <fmt/core.h>

#include <convoy/error.h>
#include "tools/serve/http_mailbox.h"

#ifdef CONVOY_SERVE
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <unordered_map>

#include "tools/media/files.h"
#endif

namespace convoy::tools {

#ifndef CONVOY_SERVE

class HttpServer::Loop {};
void HttpServer::require(const std::string& option) {
    throw Error(ErrorKind::unsupported,
                option +
                    ": this program was built without libmicrohttpd; install libmicrohttpd-dev, and configure and "
                    "build it again");
}
HttpServer::HttpServer(ListenSocket&, HttpSite&, const HttpLimits&) { require("--serve"); }
HttpServer::~HttpServer() = default;

#else

using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kLastWords = std::chrono::seconds(1);
constexpr std::size_t kPostBuffer = 4096, kPartBlock = 64 << 10;
constexpr int kMostUnsent = 16 << 10;       // of a stream, in the system: it would take megabytes of old parts
constexpr std::size_t kLongestName = 1024;  // of a file in a form

std::string header(MHD_Connection* connection, const char* name) {
    const char* const value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value ? value : "";
}

// Programs that show a camera's pictures know no other way. A browser sends it along by itself, so that a stranger's
// page could have it do what it wants, but not read what comes of it: GET alone.
std::string authorization(MHD_Connection* connection, const std::string& method) {
    std::string sent = header(connection, MHD_HTTP_HEADER_AUTHORIZATION);
    if (method != "GET" || !sent.starts_with("Basic ")) return sent;
    char* password = nullptr;
    char* const name = MHD_basic_auth_get_username_password(connection, &password);
    sent = std::string("Bearer ") + (name && password ? password : "");
    MHD_free(name);
    MHD_free(password);
    return sent;
}

MHD_Result add_argument(void* to, MHD_ValueKind, const char* key, const char* value) {
    if (key) static_cast<HttpRequest*>(to)->arguments.emplace(key, value ? value : "");
    return MHD_YES;
}

}  // namespace

class HttpServer::Loop {
public:
    Loop(ListenSocket& socket, HttpSite& site, const HttpLimits& limits) : site_(site), limits_(limits) {
        const MHD_OptionItem options[] = {
            {MHD_OPTION_CONNECTION_LIMIT, std::intptr_t(limits.connections), nullptr},
            {MHD_OPTION_CONNECTION_MEMORY_LIMIT, std::intptr_t(limits.header_bytes), nullptr},
            {MHD_OPTION_CONNECTION_TIMEOUT, std::intptr_t(limits.silence_s), nullptr},
            {MHD_OPTION_STRICT_FOR_CLIENT, 1, nullptr},
            {MHD_OPTION_LISTEN_SOCKET, socket.release(), nullptr},
            {MHD_OPTION_NOTIFY_CONNECTION, reinterpret_cast<std::intptr_t>(&Loop::on_connection), this},
            {MHD_OPTION_NOTIFY_COMPLETED, reinterpret_cast<std::intptr_t>(&Loop::on_completed), this},
            {MHD_OPTION_END, 0, nullptr}};
        daemon_ = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, nullptr, nullptr, &Loop::on_request,
                                   this, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
        if (!daemon_) {
            close(int(options[4].value));
            throw Error(ErrorKind::output, "--serve: libmicrohttpd cannot be started: " + media::system_message(errno));
        }
        thread_ = std::thread([this] { run(); });
    }

    ~Loop() {
        stop_ = true;
        mailbox_->wake();
        thread_.join();
    }

private:
    // A reply that goes on.
    struct Parts {
        std::shared_ptr<std::atomic<bool> > open;  // its client is there
        HttpPart now, next = {};                   // next: none, or what replaces it
        std::size_t at = 0;                        // bytes of this one are taken
        bool waits = false, ends = false;
    };
    // A request from its first line to the last byte of its reply.
    struct Exchange {
        Loop* loop = nullptr;
        std::uint64_t id = 0;
        MHD_Connection* connection = nullptr;
        HttpRequest request;
        std::size_t held = 0;  // bytes of its body that count
        std::optional<HttpReply> reply;
        std::optional<Parts> parts;  // in place of a reply
        bool handed = false;         // to the site
        std::unique_ptr<MHD_PostProcessor, decltype(&MHD_destroy_post_processor)> form{nullptr,
                                                                                       MHD_destroy_post_processor};
        bool has_file = false, in_file = false;  // of a form
    };
    struct Connection {
        int fd = -1;
        std::optional<Clock::time_point> since = Clock::now();  // none while the site works on its request
        bool replies = false;
    };

    static MHD_Result on_request(void* self, MHD_Connection* connection, const char* url, const char* method,
                                 const char* /*version*/, const char* data, std::size_t* size, void** exchange) {
        auto& loop = *static_cast<Loop*>(self);
        try {
            if (*exchange) return loop.go_on(*static_cast<Exchange*>(*exchange), data, *size);
            *exchange = &loop.begin(connection, url, method);
            return loop.head(*static_cast<Exchange*>(*exchange));
        } catch (const std::exception&) {  // no memory
            return MHD_NO;
        }
    }

    static void on_completed(void* self, MHD_Connection* connection, void** exchange, MHD_RequestTerminationCode) {
        auto& loop = *static_cast<Loop*>(self);
        if (const auto known = loop.connections_.find(connection); known != loop.connections_.end())
            known->second = {known->second.fd};
        if (!*exchange) return;
        const auto& done = *static_cast<Exchange*>(*exchange);
        loop.held_ -= done.held;
        if (done.parts) *done.parts->open = false;
        loop.exchanges_.erase(done.id);
        *exchange = nullptr;
    }

    static void on_connection(void* self, MHD_Connection* connection, void**, MHD_ConnectionNotificationCode code) {
        auto& loop = *static_cast<Loop*>(self);
        if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
            loop.connections_.erase(connection);
            loop.closed_ = true;
            return;
        }
        const MHD_ConnectionInfo* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (info) loop.connections_[connection] = {info->connect_fd};
    }

    static MHD_Result on_form(void* to, MHD_ValueKind, const char*, const char* file, const char*, const char*,
                              const char* data, std::uint64_t offset, std::size_t size) {
        auto& exchange = *static_cast<Exchange*>(to);
        // A part may begin twice, the first time without a byte.
        const bool again = file && exchange.in_file && exchange.request.body.empty();
        if (offset == 0 && !again) {
            exchange.in_file = file && !std::exchange(exchange.has_file, exchange.has_file || file);
            if (exchange.in_file) exchange.request.file_name.assign(file, std::min(std::strlen(file), kLongestName));
        }
        if (exchange.in_file) exchange.loop->append(exchange, data, size);
        return MHD_YES;
    }

    Exchange& begin(MHD_Connection* connection, const char* url, const char* method) {
        const std::uint64_t id = next_id_++;
        Exchange& exchange = exchanges_[id];
        exchange.loop = this;
        exchange.id = id;
        exchange.connection = connection;
        HttpRequest& request = exchange.request;
        request.method = std::strcmp(method, "HEAD") == 0 ? "GET" : method;
        request.path = url;
        request.host = header(connection, MHD_HTTP_HEADER_HOST);
        request.authorization = authorization(connection, request.method);
        MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_argument, &request);
        return exchange;
    }

    // Of other methods nobody looks at a body, for which no token was asked: it is read and forgotten.
    static bool takes_body(const Exchange& exchange) { return exchange.request.method == "POST"; }

    // What is refused here is never read.
    MHD_Result head(Exchange& exchange) {
        exchange.reply = site_.refuse(exchange.request);
        const std::string length = header(exchange.connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
        const std::uint64_t bytes = length.empty() ? 0 : std::strtoull(length.c_str(), nullptr, 10);
        if (!exchange.reply && bytes > limits_.body_bytes) exchange.reply = too_large();
        if (!exchange.reply && takes_body(exchange) && held_ + bytes > limits_.all_body_bytes)
            exchange.reply = too_many();
        if (exchange.reply) return send(exchange);
        if (takes_body(exchange) &&
            header(exchange.connection, MHD_HTTP_HEADER_CONTENT_TYPE).starts_with("multipart/form-data")) {
            exchange.form.reset(MHD_create_post_processor(exchange.connection, kPostBuffer, on_form, &exchange));
            if (!exchange.form) {
                exchange.reply = error_reply(400, "the form's boundary is missing");
                return send(exchange);
            }
        }
        return MHD_YES;
    }

    // A body that cannot be taken is read to its end all the same, so that the client comes to the reply.
    MHD_Result go_on(Exchange& exchange, const char* data, std::size_t& size) {
        if (size > 0) {
            if (!exchange.form)
                append(exchange, data, size);
            else if (!exchange.reply && MHD_post_process(exchange.form.get(), data, size) != MHD_YES)
                exchange.reply = error_reply(400, "the form is damaged");
            size = 0;
            return MHD_YES;
        }
        if (exchange.form) end_form(exchange);
        if (exchange.reply) return send(exchange);
        if (exchange.parts) return begin_parts(exchange);
        if (!exchange.handed && stop_) {  // it may stand behind another that has just ended
            exchange.reply = error_reply(503, "the program ends");
            return send(exchange);
        }
        if (std::exchange(exchange.handed, true)) return MHD_YES;
        if (const auto known = connections_.find(exchange.connection); known != connections_.end())
            known->second.since.reset();
        MHD_suspend_connection(exchange.connection);
        try {
            site_.handle(std::move(exchange.request), {mailbox_, exchange.id});
        } catch (const std::exception&) {  // no memory; the answer that was let go of is a 503
        }
        return MHD_YES;
    }

    void end_form(Exchange& exchange) {
        const bool whole = MHD_destroy_post_processor(exchange.form.release()) == MHD_YES;
        if (exchange.reply) return;
        if (!whole)
            exchange.reply = error_reply(400, "the form ends early");
        else if (!exchange.has_file)
            exchange.reply = error_reply(400, "the form has no file in it");
    }

    void append(Exchange& exchange, const char* data, std::size_t size) {
        std::vector<std::uint8_t>& body = exchange.request.body;
        if (exchange.reply || !takes_body(exchange)) return;
        if (body.size() + size > limits_.body_bytes)
            exchange.reply = too_large();
        else if (held_ + size > limits_.all_body_bytes)
            exchange.reply = too_many();
        if (exchange.reply) return;
        body.insert(body.end(), data, data + size);
        exchange.held += size;
        held_ += size;
    }

    HttpReply too_large() const {
        return error_reply(413, fmt::format("at most {} bytes are taken", limits_.body_bytes));
    }
    HttpReply too_many() const { return error_reply(503, "too much is under way; try again in a second"); }

    MHD_Result send(Exchange& exchange) {
        HttpReply& reply = *exchange.reply;
        MHD_Response* const response =
            MHD_create_response_from_buffer(reply.body.size(), reply.body.data(), MHD_RESPMEM_MUST_COPY);
        if (!response) return MHD_NO;
        const auto add = [&](const char* name, const std::string& value) {
            MHD_add_response_header(response, name, value.c_str());
        };
        for (const auto& [name, value] : reply.headers) add(name.c_str(), value);
        if (const auto known = connections_.find(exchange.connection); known != connections_.end())
            known->second = {known->second.fd, Clock::now(), true};
        return queue(exchange, response, unsigned(reply.status), reply.type);
    }

    static MHD_Result queue(Exchange& exchange, MHD_Response* response, unsigned status, const std::string& type) {
        const auto add = [&](const char* name, const std::string& value) {
            MHD_add_response_header(response, name, value.c_str());
        };
        if (!type.empty()) add("Content-Type", type);
        add("Cache-Control", "no-store");
        add("Cross-Origin-Resource-Policy", "same-origin");
        add("X-Content-Type-Options", "nosniff");
        const MHD_Result queued = MHD_queue_response(exchange.connection, status, response);
        MHD_destroy_response(response);
        return queued;
    }

    // However long it takes.
    MHD_Result begin_parts(Exchange& exchange) {
        MHD_Response* const response =
            MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, kPartBlock, read_parts, &exchange, nullptr);
        if (!response) return MHD_NO;
        if (const auto known = connections_.find(exchange.connection); known != connections_.end())
            setsockopt(known->second.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kMostUnsent, sizeof kMostUnsent);
        return queue(exchange, response, 200, fmt::format("multipart/x-mixed-replace; boundary={}", kHttpBoundary));
    }

    static ssize_t read_parts(void* from, std::uint64_t, char* to, std::size_t most) {
        auto& exchange = *static_cast<Exchange*>(from);
        Parts& parts = *exchange.parts;
        if (parts.now && parts.at == parts.now->size()) parts.now = nullptr;
        if (!parts.now) {
            parts.now = std::exchange(parts.next, nullptr);
            parts.at = 0;
        }
        if (!parts.now && parts.ends) return MHD_CONTENT_READER_END_OF_STREAM;
        if (!parts.now) {
            parts.waits = true;
            MHD_suspend_connection(exchange.connection);
            return 0;
        }
        const std::size_t size = parts.now->copy(to, most, parts.at);
        parts.at += size;
        return ssize_t(size);
    }

    static void go_on_with(Exchange& exchange) {
        if (std::exchange(exchange.parts->waits, false)) MHD_resume_connection(exchange.connection);
    }

    void deliver() {
        for (HttpMailbox::Letter& letter : mailbox_->take()) {
            const auto found = exchanges_.find(letter.id);
            if (found == exchanges_.end() || found->second.reply) {
                if (letter.begins) *letter.begins = false;
                continue;
            }
            Exchange& exchange = found->second;
            if (exchange.parts) {
                if (letter.part) exchange.parts->next = std::move(letter.part);
                exchange.parts->ends = exchange.parts->ends || letter.ends;
                go_on_with(exchange);
                continue;
            }
            exchange.reply = std::move(letter.reply);
            if (letter.begins)
                exchange.parts = {std::move(letter.begins),
                                  std::make_shared<const std::string>(fmt::format("--{}\r\n", kHttpBoundary))};
            MHD_resume_connection(exchange.connection);
        }
    }

    // Nobody tells of a client that goes while its connection is suspended.
    void look_for_gone() {
        for (auto& [id, exchange] : exchanges_) {
            if (!exchange.parts || !exchange.parts->waits) continue;
            const auto known = connections_.find(exchange.connection);
            if (known == connections_.end() || !has_hung_up(known->second.fd)) continue;
            exchange.parts->ends = true;
            go_on_with(exchange);
        }
    }

    // Whatever it has asked for besides, which is not read while its stream goes on.
    static bool has_hung_up(int fd) {
        pollfd socket = {fd, POLLRDHUP, 0};
        return poll(&socket, 1, 0) > 0;
    }

    // libmicrohttpd does not see an end that has come together with the bytes before it.
    static bool has_left(int fd) {
        char byte = 0;
        return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    }

    void end_slow_ones() {
        const auto now = Clock::now();
        if (now - looked_ < std::chrono::seconds(1)) return;
        looked_ = now;
        for (const auto& [connection, state] : connections_)
            if (state.since && (now - *state.since > std::chrono::seconds(limits_.request_s) ||
                                (!state.replies && has_left(state.fd))))
                shutdown(state.fd, SHUT_RDWR);
        look_for_gone();
    }

    // -1: no end
    int wait_ms() const {
        constexpr int kLook = 1000;
        MHD_UNSIGNED_LONG_LONG timeout = 0;
        if (MHD_get_timeout(daemon_, &timeout) == MHD_YES) return int(std::min<std::uint64_t>(timeout, kLook));
        return connections_.empty() ? -1 : kLook;
    }

    void round(int most_ms) {
        pollfd fds[] = {{MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, POLLIN, 0},
                        {mailbox_->wake_fd, POLLIN, 0}};
        poll(fds, 2, most_ms);
        std::uint64_t count = 0;
        static_cast<void>(!read(mailbox_->wake_fd, &count, sizeof count));
        deliver();
        closed_ = false;
        MHD_run(daemon_);
        if (closed_) MHD_run(daemon_);  // which only now looks for one that waited until there was room
        end_slow_ones();
    }

    // libmicrohttpd must be stopped without a connection that is suspended.
    void run() {
        while (!stop_) round(wait_ms());
        const int listening = MHD_quiesce_daemon(daemon_);
        for (auto& [id, exchange] : exchanges_)
            if (exchange.parts) {
                exchange.parts->ends = true;
                go_on_with(exchange);
            } else if (exchange.handed && !exchange.reply) {
                exchange.reply = error_reply(503, "the program ends");
                MHD_resume_connection(exchange.connection);
            }
        for (const auto end = Clock::now() + kLastWords; !exchanges_.empty() && Clock::now() < end;) round(20);
        MHD_stop_daemon(daemon_);
        if (listening >= 0) close(listening);
    }

    HttpSite& site_;
    const HttpLimits limits_;
    const std::shared_ptr<HttpMailbox> mailbox_ = std::make_shared<HttpMailbox>();
    std::atomic<bool> stop_ = false;
    MHD_Daemon* daemon_ = nullptr;
    // The thread's own.
    std::unordered_map<std::uint64_t, Exchange> exchanges_;
    std::unordered_map<MHD_Connection*, Connection> connections_;
    std::uint64_t next_id_ = 0;
    std::size_t held_ = 0;
    bool closed_ = false;  // a connection
    Clock::time_point looked_ = Clock::now();
    std::thread thread_;
};

void HttpServer::require(const std::string&) {}
HttpServer::HttpServer(ListenSocket& socket, HttpSite& site, const HttpLimits& limits)
    : loop_(std::make_unique<Loop>(socket, site, limits)) {}
HttpServer::~HttpServer() = default;

#endif

}  // namespace convoy::tools
