// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "tests/support/catch.h"

namespace convoy::test {

/// A socket that listens on a free port of the loopback.
class LoopbackListener {
public:
    /// `flags`: of the socket, beside SOCK_CLOEXEC. `waiting`: so many may wait to be accepted.
    explicit LoopbackListener(int flags, int waiting = 8)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)) {
        sockaddr_in name = {};
        name.sin_family = AF_INET;
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof name;
        REQUIRE(::bind(fd_, reinterpret_cast<sockaddr*>(&name), size) == 0);
        REQUIRE(::listen(fd_, waiting) == 0);
        REQUIRE(::getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size) == 0);
        port_ = ntohs(name.sin_port);
    }
    ~LoopbackListener() { ::close(fd_); }
    LoopbackListener(const LoopbackListener&) = delete;
    LoopbackListener& operator=(const LoopbackListener&) = delete;
    /// "127.0.0.1:PORT"
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    /// The next connection, below 0 when there is none.
    int accept() const { return ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC); }
    /// Whoever waits in accept() gets none.
    void stop() const { ::shutdown(fd_, SHUT_RDWR); }

private:
    int fd_, port_ = 0;
};

/// A server on the loopback that accepts and says nothing.
class SilentServer {
public:
    std::string address() const { return listener_.address(); }
    /// Whether somebody has connected since the last call, whose connection stays open.
    bool connected() const { return listener_.accept() >= 0; }

private:
    const LoopbackListener listener_{SOCK_NONBLOCK};
};

}  // namespace convoy::test
