// SPDX-License-Identifier: MIT
//
// A small site that is served, and a client that asks it.
#pragma once

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <convoy/error.h>
#include "tests/support/catch.h"
#include "tests/support/contains.h"
#include "tools/serve/http_server.h"
#include "tools/serve/listen_socket.h"
#include "tools/serve/site.h"

namespace convoy::test {

using namespace tools;

class Client {
public:
    /// `taken`: bytes that the system takes for it; 0: as many as it likes.
    explicit Client(std::uint16_t port, int taken = 0) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        if (taken) setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &taken, sizeof taken);
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        const timeval patience = {60, 0};
        setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    ~Client() { close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    bool send(const std::string& text) {
        for (std::size_t done = 0; done < text.size();) {
            const ssize_t n = ::send(fd_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
            if (n <= 0) return false;
            done += std::size_t(n);
        }
        return true;
    }
    /// The end, in the same packet as the text before it.
    void send_last(const std::string& text) {
        REQUIRE(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_MORE) == ssize_t(text.size()));
        REQUIRE(shutdown(fd_, SHUT_WR) == 0);
    }
    /// All that comes until the other side closes.
    std::string rest() {
        std::string text;
        char block[4096];
        for (ssize_t n = 0; (n = recv(fd_, block, sizeof block, 0)) > 0;) text.append(block, std::size_t(n));
        return text;
    }
    /// Up to the end of the headers.
    std::string head() { return until("\r\n\r\n"); }
    /// Up to the end of `last`.
    std::string until(const std::string& last) {
        std::string text;
        for (char c = 0; !text.ends_with(last) && recv(fd_, &c, 1, 0) == 1;) text += c;
        return text;
    }

private:
    int fd_;
};

/// What a small site of tests is served by; POST /echo gives the body back, POST /never nothing until it is let go.
struct Served {
    explicit Served(const HttpLimits& limits = {}, const std::string& token = "secret")
        : socket("--serve", {"127.0.0.1", 0}), site({token, socket.is_loopback(), "127.0.0.1"}), port(socket.port()) {
        site.add_text("/", Site::Needs::token_from_afar, "text/plain", [] { return "hello"; });
        site.add("POST", "/echo", Site::Needs::token, [](HttpRequest request, HttpAnswer answer) {
            const std::string body(request.body.begin(), request.body.end());
            answer({200, "text/plain", fmt::format("<{}><{}>", request.file_name, body)});
        });
        site.add("GET", "/never", Site::Needs::nothing,
                 [this](const HttpRequest&, HttpAnswer answer) { kept.push_back(std::move(answer)); });
        site.add("GET", "/failing", Site::Needs::nothing,
                 [](const HttpRequest&, const HttpAnswer&) { throw std::bad_alloc(); });
        site.add("GET", "/dropped", Site::Needs::nothing, [](const HttpRequest&, const HttpAnswer&) {});
        server = std::make_unique<HttpServer>(socket, site, limits);
    }

    std::string ask(const std::string& request) {
        Client client(port);
        client.send(request);
        return client.rest();
    }
    std::string get(const std::string& path, const std::string& headers = "Host: localhost\r\n") {
        return ask("GET " + path + " HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n");
    }
    std::string post(const std::string& headers, const std::string& body) {
        return ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n" + body);
    }

    ListenSocket socket;
    Site site;
    std::uint16_t port;
    std::vector<HttpAnswer> kept;
    std::unique_ptr<HttpServer> server;
};

inline int status(const std::string& reply) {
    return reply.starts_with("HTTP/1.1 ") ? std::stoi(reply.substr(9, 3)) : 0;
}

inline const std::string kToken = "Authorization: Bearer secret\r\n";

inline std::string length(std::size_t bytes) { return fmt::format("Content-Length: {}\r\n", bytes); }

#define REQUIRE_HTTP()                     \
    try {                                  \
        HttpServer::require("--serve");    \
    } catch (const Error& error) {         \
        WARN("skipped: " << error.what()); \
        return;                            \
    }

}  // namespace convoy::test
