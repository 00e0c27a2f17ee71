// SPDX-License-Identifier: MIT
#include "tools/media/host_lookup.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

namespace convoy::media {
namespace {

struct Lookup {
    std::mutex mutex;
    std::condition_variable_any changed;
    bool answered = false;
};

bool ask(const std::string& host, int flags) {
    addrinfo hints = {}, *found = nullptr;
    hints.ai_flags = flags;
    hints.ai_socktype = SOCK_STREAM;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) return false;
    ::freeaddrinfo(found);
    return true;
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
    const char* proxy = url.starts_with("http") ? std::getenv("http_proxy") : nullptr;
    const std::string host = host_of(proxy && std::string_view(proxy).starts_with("http://") ? proxy : url);
    return host.empty() || ask(host, AI_NUMERICHOST) ? "" : host;
}

bool wait_for_name_service(const std::string& host, std::chrono::steady_clock::time_point until,
                           const std::stop_token& cancel) {
    auto lookup = std::make_shared<Lookup>();
    std::thread([lookup, host] {
        ask(host, 0);
        const std::lock_guard lock(lookup->mutex);
        lookup->answered = true;
        lookup->changed.notify_all();
    }).detach();
    std::unique_lock lock(lookup->mutex);
    return lookup->changed.wait_until(lock, cancel, until, [&] { return lookup->answered; });
}

}  // namespace convoy::media
