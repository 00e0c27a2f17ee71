// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/serve/http_answer.h"
#include "tools/serve/listen_socket.h"

namespace convoy::tools {

struct HttpRequest {
    std::string method;                            ///< HEAD is GET
    std::string path;                              ///< "/detect", escapes resolved
    std::map<std::string, std::string> arguments;  ///< behind the question mark
    std::string host;                              ///< header
    std::string authorization;                     ///< header; what Basic says to a GET as "Bearer PASSWORD"
    std::vector<std::uint8_t> body = {};           ///< of multipart/form-data, the first file in it
    std::string file_name = {};                    ///< what that calls it
    int number = -1;                               ///< that stands in the path, where the site takes one there
};

/// What a server serves. All calls come from the server's thread.
class HttpSite {
public:
    virtual ~HttpSite() = default;
    /// Before a body is taken: what is not to be handled gets this reply.
    virtual std::optional<HttpReply> refuse(const HttpRequest& head) = 0;
    /// Must not take long: replies that take time are given later.
    virtual void handle(HttpRequest request, HttpAnswer answer) = 0;
};

struct HttpLimits {
    unsigned connections = 512;              ///< more wait until one ends
    std::size_t header_bytes = 32 << 10;     ///< of a request, its line included
    std::size_t body_bytes = 32 << 20;       ///< of a request
    std::size_t all_body_bytes = 256 << 20;  ///< of all requests that have no reply yet
    unsigned silence_s = 30;                 ///< how long nothing may come or be taken …
    unsigned request_s = 60;                 ///< … and how long all of a request, or its reply, may take
};

/// Serves a site over HTTP/1.1 from one thread of its own, by libmicrohttpd.
class HttpServer {
public:
    /// Throws Error(unsupported) where this was built without libmicrohttpd. The site must outlive it.
    HttpServer(ListenSocket& socket, HttpSite& site, const HttpLimits& limits = {});
    /// Takes nothing more, sends what is under way for a second at most.
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Throws Error(unsupported) that begins with `option` where it cannot be: before any work is done.
    static void require(const std::string& option);

private:
    class Loop;
    std::unique_ptr<Loop> loop_;
};

}  // namespace convoy::tools
