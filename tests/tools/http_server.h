// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <climits>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/tools/silent_server.h"

namespace convoy::test {

/// What a web server sends to whoever asks for anything.
struct HttpAnswer {
    std::string file = {};
    std::string file_at_last = {};                   ///< if not empty: the same from its third request on
    std::map<std::string, std::string> others = {};  ///< what is at other paths ("/a.ts"); if empty, 404
    bool ranges = true;                              ///< it knows them, and says so
    /// How it says where the file ends: by a Content-Length, by chunks of 4096 bytes, or by closing the connection.
    enum class Length { stated, chunked, untold } length = Length::stated;
    bool says_close = true;                        ///< that it closes the connection behind the file
    std::size_t breaks_after = std::string::npos;  ///< so many bytes of the file, in one connection …
    int breaks = INT_MAX;                          ///< … which happens in so many of them
    enum class Break { close, stall, vanish } then = Break::close;  ///< vanish: nobody listens from then on
    std::string replacement = {};                                   ///< the file from then on
    std::string head = {};     ///< this instead of a file, and then what `then` says …
    std::string endless = {};  ///< … or this again and again
    std::size_t drips = 0;     ///< if not 0: the file, not in chunks, by so many bytes at a time
    int pause_ms = 0;          ///< before each of these
};

/// A web server on the loopback, with a thread for each client.
class HttpServer {
public:
    explicit HttpServer(HttpAnswer answer);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    std::string url(const std::string& name) const { return "http://" + listener_.address() + "/" + name; }
    int connections() const { return connections_; }
    /// Bytes of the file that have gone out, some of them perhaps more than once.
    std::size_t sent() const { return sent_; }

private:
    void accept_all();
    void serve(int client);
    void send_file(int client, std::string_view file, std::size_t from);

    const HttpAnswer answer_;
    const LoopbackListener listener_{0};
    std::atomic<int> connections_ = 0, breaks_left_, requests_ = 0;  // requests: of the file
    std::atomic<std::size_t> sent_ = 0;
    std::mutex mutex_;
    std::vector<int> clients_;  // descriptors; guarded by mutex_, as are the threads
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

}  // namespace convoy::test
