// SPDX-License-Identifier: MIT
#include "tools/serve/listen_socket.h"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include <convoy/error.h>
#include "tools/media/files.h"

namespace convoy::tools {
namespace {

constexpr int kBacklog = SOMAXCONN;
constexpr std::size_t kLongestHost = 253;

bool is_digits(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == text.npos; }

bool is_loopback_address(const sockaddr* address) {
    if (address->sa_family == AF_INET)
        return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24 == 127;
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
}

}  // namespace

bool names_port(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == text.npos) return is_digits(text);
    return text.find('/') == text.npos && is_digits(std::string_view(text).substr(colon + 1));
}

ListenAddress listen_address(const std::string& option, const std::string& text) {
    const auto fail = [&](const std::string& what) {
        throw Error(ErrorKind::usage, fmt::format("{} {}: {}", option, text, what));
    };
    ListenAddress address;
    const std::size_t colon = text.rfind(':');
    if (colon != text.npos) {
        address.host = text.substr(0, colon);
        const bool brackets = address.host.starts_with('[') && address.host.ends_with(']');
        if (brackets) address.host = address.host.substr(1, address.host.size() - 2);
        if (!brackets && address.host.find(':') != text.npos) fail("an IPv6 address stands in brackets: [::1]:8080");
    }
    const std::string_view port = std::string_view(text).substr(colon == text.npos ? 0 : colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc() || end != port.data() + port.size() || !is_digits(port))
        fail("the port is no number from 0 to 65535; it is [HOST:]PORT, such as 8080 or 0.0.0.0:8080");
    if (address.host.empty()) fail("the host is missing before the colon; all addresses of this machine: 0.0.0.0");
    const auto odd = [](unsigned char c) { return c <= ' ' || c == 0x7f || c == '/' || c == '@'; };
    if (address.host.size() > kLongestHost || std::any_of(address.host.begin(), address.host.end(), odd))
        fail("the host is neither a name nor an address");
    return address;
}

ListenSocket::ListenSocket(const std::string& option, const ListenAddress& address) : host_(address.host) {
    const auto fail = [&](const std::string& what) {
        throw Error(ErrorKind::output,
                    fmt::format("{}: cannot listen at {} port {}: {}", option, host_, address.port, what));
    };
    addrinfo hints = {};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int unknown = getaddrinfo(host_.c_str(), fmt::format("{}", address.port).c_str(), &hints, &found);
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, freeaddrinfo);
    if (unknown) fail(fmt::format("{}; name an address of this machine", gai_strerror(unknown)));
    const addrinfo& first = *list;
    fd_ = socket(first.ai_family, first.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, first.ai_protocol);
    if (fd_ < 0) fail(media::system_message(errno));
    const int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_storage bound = {};
    socklen_t size = sizeof bound;
    if (bind(fd_, first.ai_addr, first.ai_addrlen) != 0 || listen(fd_, kBacklog) != 0 ||
        getsockname(fd_, reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
        const int code = errno;
        close(std::exchange(fd_, -1));
        fail(code == EADDRINUSE      ? "another program listens there; name another port"
             : code == EADDRNOTAVAIL ? "this machine has no such address"
             : code == EACCES        ? "ports below 1024 are not for everybody; name another port"
                                     : media::system_message(code));
    }
    loopback_ = is_loopback_address(reinterpret_cast<const sockaddr*>(&bound));
    port_ = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                                              : reinterpret_cast<const sockaddr_in&>(bound).sin_port);
}

ListenSocket::~ListenSocket() {
    if (fd_ >= 0) close(fd_);
}

int ListenSocket::release() { return std::exchange(fd_, -1); }

std::string ListenSocket::url() const {
    const bool v6 = host_.find(':') != host_.npos;
    return fmt::format("http://{}{}{}:{}/", v6 ? "[" : "", host_, v6 ? "]" : "", port_);
}

}  // namespace convoy::tools
