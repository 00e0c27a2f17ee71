// SPDX-License-Identifier: MIT
#include "tools/media/in/host_lookup.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace convoy::media {
namespace {

struct Lookup {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::optional<int> answer;  // getaddrinfo()'s
};

int ask(const std::string& host, int flags) {
    addrinfo hints = {}, *found = nullptr;
    hints.ai_flags = flags;
    hints.ai_socktype = SOCK_STREAM;
    const int answer = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (answer == 0) ::freeaddrinfo(found);
    return answer;
}

/// Whether libav goes through the proxy for this protocol: for HTTP and TLS, and for what runs over them.
bool takes_proxy(std::string_view url) {
    static constexpr std::string_view kProtocols[] = {"http",  "https", "tls",    "rtsps",
                                                      "rtmps", "rtmpt", "rtmpts", "mmsh"};
    const std::string_view protocol = url.substr(0, url.find("://"));
    return std::find(std::begin(kProtocols), std::end(kProtocols), protocol) != std::end(kProtocols);
}

/// Whether `no_proxy` names the host, a domain that it is in, or all; read as libav reads it.
bool is_without_proxy(std::string_view host) {
    const char* variable = std::getenv("no_proxy");
    for (std::string_view list = variable ? variable : ""; !list.empty();) {
        std::string_view name = list.substr(0, list.find_first_of(" ,"));
        list.remove_prefix(std::min(name.size() + 1, list.size()));
        if (name == "*") return true;
        if (name.starts_with('*')) name.remove_prefix(1);
        if (name.starts_with('.')) name.remove_prefix(1);
        if (name.empty() || !host.ends_with(name)) continue;
        if (host.size() == name.size() || host[host.size() - name.size() - 1] == '.') return true;
    }
    return false;
}

/// Between "://" with what is signed on, and the port or the path.
std::string host_of(std::string_view url) {
    url.remove_prefix(std::min(url.find("://") + 3, url.size()));
    url = url.substr(0, url.find_first_of("/?#"));
    url.remove_prefix(url.rfind('@') + 1);
    if (url.starts_with('[')) return std::string(url.substr(1, url.find(']') - 1));
    return std::string(url.substr(0, url.find(':')));
}

}  // namespace

std::string host_to_look_up(const std::string& url) {
    if (url.starts_with("file:") || url.starts_with("unix:")) return "";
    std::string host = host_of(url);
    const char* proxy = std::getenv("http_proxy");
    if (proxy && std::string_view(proxy).starts_with("http://") && takes_proxy(url) && !is_without_proxy(host))
        host = host_of(proxy);
    return host.empty() || ask(host, AI_NUMERICHOST) == 0 ? "" : host;
}

std::string why_not_found(const std::string& host, std::chrono::steady_clock::time_point until,
                          const std::stop_token& cancel) {
    auto lookup = std::make_shared<Lookup>();
    try {
        std::thread([lookup, host] {
            const int answer = ask(host, 0);
            const std::lock_guard lock(lookup->mutex);
            lookup->answer = answer;
            lookup->changed.notify_all();
        }).detach();
    } catch (const std::system_error&) {
        return "the system gives this process no thread to look up " + host + "; raise its limit (ulimit -u)";
    }
    std::unique_lock lock(lookup->mutex);
    if (!lookup->changed.wait_until(lock, cancel, until, [&] { return lookup->answer.has_value(); }))
        return "the name service does not answer for " + host;
    if (*lookup->answer == 0) return "";
    return "the name of its host, " + host + ", cannot be resolved: " + ::gai_strerror(*lookup->answer);
}

}  // namespace convoy::media
