// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>

#include "tests/tools/media_files.h"
#include "tests/tools/silent_server.h"

namespace convoy::test {

/// A web server on the loopback that knows no ranges: one file, whatever is asked for, to one client after the other.
class PlainHttpServer {
public:
    /// Sends `share` of the file, and then closes the connection.
    explicit PlainHttpServer(Bytes file, double share = 1) : file_(std::move(file)), share_(share) {
        thread_ = std::thread([this] { serve(); });
    }
    ~PlainHttpServer() {
        listener_.stop();
        thread_.join();
    }
    PlainHttpServer(const PlainHttpServer&) = delete;
    PlainHttpServer& operator=(const PlainHttpServer&) = delete;
    std::string url(const std::string& name) const { return "http://" + listener_.address() + "/" + name; }
    int connections() const { return connections_; }

private:
    void serve() {
        for (;;) {
            const int client = listener_.accept();
            if (client < 0) return;
            ++connections_;
            char request[4096];
            static_cast<void>(::recv(client, request, sizeof request, 0));
            const std::string head = "HTTP/1.0 200 OK\r\nContent-Length: " + std::to_string(file_.size()) + "\r\n\r\n";
            static_cast<void>(::send(client, head.data(), head.size(), MSG_NOSIGNAL));
            const auto most = std::size_t(double(file_.size()) * share_);
            for (std::size_t sent = 0; sent < most;) {
                const ssize_t n =
                    ::send(client, file_.data() + sent, std::min<std::size_t>(most - sent, 1 << 16), MSG_NOSIGNAL);
                if (n <= 0) break;
                sent += std::size_t(n);
            }
            ::close(client);
        }
    }

    const Bytes file_;
    const double share_;
    const LoopbackListener listener_{0};
    std::atomic<int> connections_ = 0;
    std::thread thread_;
};

}  // namespace convoy::test
