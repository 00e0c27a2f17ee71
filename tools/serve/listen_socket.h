// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace convoy::tools {

/// Where a server listens.
struct ListenAddress {
    std::string host = "127.0.0.1";  ///< a name or a number; of IPv6 without brackets
    std::uint16_t port = 0;          ///< 0: any that is free
};

/// Whether a text that may be a file, too, is PORT or HOST:PORT: digits, or a host without a slash before them.
bool names_port(const std::string& text);

/// Reads [HOST:]PORT; an IPv6 address stands in brackets. Throws Error(usage) that begins with `option`.
ListenAddress listen_address(const std::string& option, const std::string& text);

/// A socket that connections wait at until somebody takes them.
class ListenSocket {
public:
    /// Throws Error(output) that begins with `option` where the host is unknown or the port is taken.
    ListenSocket(const std::string& option, const ListenAddress& address);
    ~ListenSocket();
    ListenSocket(const ListenSocket&) = delete;
    ListenSocket& operator=(const ListenSocket&) = delete;

    /// Whoever gets it closes it.
    int release();
    /// Whether only programs of this machine reach it.
    bool is_loopback() const { return loopback_; }
    std::uint16_t port() const { return port_; }
    /// As it was named.
    const std::string& host() const { return host_; }
    /// "http://127.0.0.1:8080/"
    std::string url() const;

private:
    const std::string host_;
    int fd_ = -1;
    std::uint16_t port_ = 0;
    bool loopback_ = false;
};

}  // namespace convoy::tools
