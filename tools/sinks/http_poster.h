// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

namespace convoy::tools {

/// Posts JSON to one address, each time over a connection of its own. Proxies are those of the environment
/// (`https_proxy`, `http_proxy`, `no_proxy`). One thread at a time.
class HttpPoster {
public:
    struct Reply {
        int status = 0;        ///< HTTP's; 0: there was none
        std::string error;     ///< why there was none
        std::string location;  ///< where a redirection points, which is never followed
    };

    /// What is wrong with an address; "" for nothing, and in a program that was built without libcurl.
    static std::string complaint_of(const std::string& url);

    /// `header`: one more, "Name: value"; `ca_file`: of those that may sign the server's certificate. Either may be "".
    /// Throws Error(unsupported) in a program that was built without libcurl.
    HttpPoster(const std::string& url, const std::string& header, const std::string& ca_file);
    ~HttpPoster();

    /// Returns when the status is known, within `patience`, or at once when `stop` becomes true.
    Reply post(const std::string& body, std::chrono::milliseconds patience, const std::atomic<bool>& stop);

private:
    class Connection;
    std::unique_ptr<Connection> connection_;
};

}  // namespace convoy::tools
