// SPDX-License-Identifier: MIT
#include "tools/serve/site.h"

#include <fmt/core.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <string_view>
#include <utility>

#include <convoy/error.h>
#include "tools/media/files.h"

namespace convoy::tools {
namespace {

constexpr std::string_view kBearer = "bearer ";  // in small letters

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    return text;
}

// "localhost" of "localhost:8080", "::1" of "[::1]:8080".
std::string without_port(const std::string& host) {
    if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
    return host.substr(0, host.find(':'));
}

// In a time that says nothing of where they differ.
bool same(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference |= unsigned(a[i] ^ b[i]);
    return difference == 0;
}

}  // namespace

void Site::add(const std::string& method, const std::string& path, Needs needs, Handle handle) {
    routes_[path].insert_or_assign(method, Route{needs, std::move(handle)});
}

void Site::add_text(const std::string& path, Needs needs, std::string type, std::function<std::string()> text) {
    add("GET", path, needs, [type = std::move(type), text = std::move(text)](const HttpRequest&, HttpAnswer answer) {
        answer({200, type, text()});
    });
}

// "/api/inputs/12/picture" is the path "/api/inputs/N/picture" with the number 12.
const Site::Methods* Site::methods_of(const std::string& path, int& number) const {
    std::string known = path;
    for (std::size_t begin = 0, end = 0; begin < path.size(); begin = end + 1) {
        end = std::min(path.find('/', begin), path.size());
        int value = 0;
        const auto [rest, error] = std::from_chars(path.data() + begin, path.data() + end, value);
        if (error != std::errc() || rest != path.data() + end || value < 0) continue;
        known = path.substr(0, begin) + "N" + path.substr(end);
        number = value;
        break;
    }
    const auto route = routes_.find(known);
    return route == routes_.end() ? nullptr : &route->second;
}

// A page of a stranger, open in a browser of this machine, may have its name lead here.
bool Site::knows_host(const std::string& host) const {
    const std::string name = lower(without_port(host));
    return name == "localhost" || name == "127.0.0.1" || name == "::1" || name == lower(access_.host);
}

bool Site::has_token(const std::string& authorization) const {
    return !access_.token.empty() && lower(authorization.substr(0, kBearer.size())) == kBearer &&
           same(std::string_view(authorization).substr(kBearer.size()), access_.token);
}

std::optional<HttpReply> Site::refuse(const HttpRequest& head) {
    if (access_.loopback && !knows_host(head.host))
        return error_reply(403, "this is no name of this machine; ask for localhost");
    int number = -1;
    const Methods* const methods = methods_of(head.path, number);
    if (!methods) return error_reply(404, "there is nothing of this name");
    const auto method = methods->find(head.method);
    if (method == methods->end()) {
        HttpReply reply = error_reply(405, "this takes " + methods->begin()->first);
        reply.headers = {{"Allow", methods->begin()->first}};
        return reply;
    }
    const Needs needs = method->second.needs;
    if (needs == Needs::nothing || (needs != Needs::token && access_.loopback)) return std::nullopt;
    if (has_token(head.authorization)) return std::nullopt;
    HttpReply reply = error_reply(401, "this needs the token: Authorization: Bearer TOKEN");
    reply.headers = {{"WWW-Authenticate", "Bearer"}};
    if (needs == Needs::token_of_player) reply.headers.emplace_back("WWW-Authenticate", "Basic realm=\"Convoy\"");
    return reply;
}

void Site::handle(HttpRequest request, HttpAnswer answer) {
    const Route& route = methods_of(request.path, request.number)->at(request.method);
    route.handle(std::move(request), std::move(answer));
}

std::string random_token() {
    std::array<std::uint8_t, 16> bytes = {};
    if (getrandom(bytes.data(), bytes.size(), 0) != ssize_t(bytes.size()))
        throw Error(ErrorKind::output, "no token can be made: " + media::system_message(errno));
    std::string text;
    for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

}  // namespace convoy::tools
