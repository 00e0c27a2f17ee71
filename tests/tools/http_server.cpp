// SPDX-License-Identifier: MIT
#include "tests/tools/http_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

namespace convoy::test {
namespace {

constexpr std::size_t kChunk = 4096;

bool send_all(int client, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (n <= 0) return false;
        bytes.remove_prefix(std::size_t(n));
    }
    return true;
}

void wait_until_gone(int client) {
    char byte = 0;
    while (::recv(client, &byte, 1, 0) > 0) {
    }
}

/// Up to the empty line behind it; "" when the client leaves before.
std::string request_of(int client) {
    std::string request;
    char block[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t n = ::recv(client, block, sizeof block, 0);
        if (n <= 0) return "";
        request.append(block, std::size_t(n));
    }
    return request;
}

/// What a request asks for, from "GET /a.ts HTTP/1.1".
std::string path_of(const std::string& request) {
    const std::size_t from = request.find(' ') + 1;
    return request.substr(from, request.find(' ', from) - from);
}

/// The first byte that a request asks for.
std::size_t first_byte(const std::string& request) {
    constexpr std::string_view kRange = "Range: bytes=";
    const std::size_t at = request.find(kRange);
    return at == std::string::npos ? 0 : std::stoul(request.substr(at + kRange.size()));
}

}  // namespace

HttpServer::HttpServer(HttpAnswer answer) : answer_(std::move(answer)), breaks_left_(answer_.breaks) {
    acceptor_ = std::thread([this] { accept_all(); });
}

HttpServer::~HttpServer() {
    listener_.stop();
    acceptor_.join();
    {
        const std::lock_guard lock(mutex_);
        for (const int client : clients_) ::shutdown(client, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    for (const int client : clients_) ::close(client);
}

void HttpServer::accept_all() {
    for (int client; (client = listener_.accept()) >= 0;) {
        ++connections_;
        const std::lock_guard lock(mutex_);
        clients_.push_back(client);
        threads_.emplace_back([this, client] {
            serve(client);
            ::shutdown(client, SHUT_RDWR);
        });
    }
}

void HttpServer::serve(int client) {
    const std::string request = request_of(client);
    if (request.empty()) return;
    if (!answer_.head.empty()) {
        const auto pause = [&] {
            pollfd gone{client, POLLIN, 0};
            return ::poll(&gone, 1, answer_.pause_ms) == 0;
        };
        bool there = pause() && send_all(client, answer_.head);
        while (there && !answer_.endless.empty()) there = pause() && send_all(client, answer_.endless);
        if (answer_.then == HttpAnswer::Break::stall) wait_until_gone(client);
        return;
    }
    const auto other = answer_.others.find(path_of(request));
    const bool is_other = other != answer_.others.end();
    const bool at_last = !is_other && ++requests_ > 2 && !answer_.file_at_last.empty();
    const bool is_replaced = !answer_.replacement.empty() && breaks_left_ < answer_.breaks;
    const std::string_view file = is_other      ? other->second
                                  : at_last     ? answer_.file_at_last
                                  : is_replaced ? answer_.replacement
                                                : answer_.file;
    if (file.empty()) {
        send_all(client, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    const std::size_t size = file.size(), from = answer_.ranges ? first_byte(request) : 0;
    if (from >= size) {
        send_all(client, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n\r\n");
        return;
    }
    using Length = HttpAnswer::Length;
    std::string head = answer_.length == Length::untold ? "HTTP/1.0 200 OK\r\n"
                       : answer_.ranges                 ? "HTTP/1.1 206 Partial Content\r\n"
                                                        : "HTTP/1.1 200 OK\r\n";
    if (answer_.ranges && answer_.length != Length::untold)
        head += "Accept-Ranges: bytes\r\nContent-Range: bytes " + std::to_string(from) + "-" +
                std::to_string(size - 1) + "/" + std::to_string(size) + "\r\n";
    if (answer_.length == Length::stated) head += "Content-Length: " + std::to_string(size - from) + "\r\n";
    if (answer_.length == Length::chunked) head += "Transfer-Encoding: chunked\r\n";
    if (answer_.says_close) head += "Connection: close\r\n";
    if (send_all(client, head + "\r\n")) send_file(client, file, from);
}

void HttpServer::send_file(int client, std::string_view file, std::size_t from) {
    const std::size_t size = file.size();
    const bool chunked = answer_.length == HttpAnswer::Length::chunked;
    const bool breaks = size - from > answer_.breaks_after && breaks_left_-- > 0;
    const std::size_t end = breaks ? from + answer_.breaks_after : size;
    for (std::size_t at = from; at < end;) {
        if (answer_.drips > 0) std::this_thread::sleep_for(std::chrono::milliseconds(answer_.pause_ms));
        const std::size_t chunk = std::min(answer_.drips > 0 ? answer_.drips : kChunk, size - at);
        const std::size_t part = std::min(chunk, end - at);
        char length[32];
        std::snprintf(length, sizeof length, "%zx\r\n", chunk);
        const std::string_view bytes = file.substr(at, part);
        if ((chunked && !send_all(client, length)) || !send_all(client, bytes)) return;
        if (chunked && part == chunk && !send_all(client, "\r\n")) return;
        at += part;
        sent_ += part;
    }
    if (chunked && !breaks) send_all(client, "0\r\n\r\n");
    if (breaks && answer_.then == HttpAnswer::Break::vanish) listener_.stop();
    if (breaks && answer_.then == HttpAnswer::Break::stall) wait_until_gone(client);
}

}  // namespace convoy::test
