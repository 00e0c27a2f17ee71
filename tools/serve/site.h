// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/serve/http_server.h"

namespace convoy::tools {

/// Who may ask, and for what.
class Site : public HttpSite {
public:
    enum class Needs {
        nothing,
        token_from_afar,  ///< the token, unless only programs of this machine can ask
        token,
        token_of_player,  ///< token_from_afar, which players say once they are told that it may be Basic's password
    };
    using Handle = std::function<void(HttpRequest, HttpAnswer)>;
    struct Access {
        std::string token;      ///< "" where nothing of the site asks for it
        bool loopback = true;   ///< only programs of this machine can ask
        std::string host = {};  ///< as the address was named
    };

    explicit Site(Access access) : access_(std::move(access)) {}
    /// Before the server is made. A whole number stands for N in the path: HttpRequest::number.
    void add(const std::string& method, const std::string& path, Needs needs, Handle handle);
    /// A page that is made when it is asked for, in no time.
    void add_text(const std::string& path, Needs needs, std::string type, std::function<std::string()> text);

    std::optional<HttpReply> refuse(const HttpRequest& head) override;
    void handle(HttpRequest request, HttpAnswer answer) override;

private:
    struct Route {
        Needs needs;
        Handle handle;
    };

    using Methods = std::map<std::string, Route>;

    const Methods* methods_of(const std::string& path, int& number) const;
    bool knows_host(const std::string& host) const;
    bool has_token(const std::string& authorization) const;

    const Access access_;
    std::map<std::string, Methods> routes_;  // by path
};

/// 128 bits that nobody guesses, as hexadecimal digits.
std::string random_token();

}  // namespace convoy::tools
