// SPDX-License-Identifier: MIT
//
// Any bytes as a request, as a path, and as the JSON of POST /api/inputs, to a site that is served: whoever has no
// token changes nothing, what is opened is an address, and each whole request gets a reply.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include <convoy/error.h>
#include "tests/fuzz/input.h"
#include "tools/serve/site.h"
#include "tools/served_inputs.h"

using namespace convoy;
using namespace convoy::tools;
using fuzz::require;

namespace {

constexpr const char* kToken = "Authorization: Bearer token-of-the-fuzzer\r\n";

struct State {
    static media::RunInputs first() {
        media::ExpandedInputs inputs;
        inputs.paths = {"rtsp://camera/0"};
        return media::RunInputs(inputs);
    }
    State() {
        running.tell_of_each([this](int input, const std::string& name) { live.add_input(input, name); });
        inputs.begin(running);
    }
    ~State() { inputs.end(); }

    LiveState live{{"cpu", {"person"}}};
    RunningInputs running{first(), true, {}};
    ServedInputs inputs{ServeInputs::addresses, live, [](const std::string&) {}};
};

class Served {
public:
    Served() : socket_("--serve", {"127.0.0.1", 0}), site_({"token-of-the-fuzzer", true, "127.0.0.1"}) {
        site_.add("POST", "/api/inputs", Site::Needs::token,
                  [this](const HttpRequest& request, HttpAnswer to) { state()->inputs.add(request, std::move(to)); });
        site_.add("DELETE", "/api/inputs/N", Site::Needs::token, [this](const HttpRequest& request, HttpAnswer to) {
            state()->inputs.remove(request, std::move(to));
        });
        site_.add("GET", "/api/inputs/N/picture", Site::Needs::token_from_afar,
                  [this](const HttpRequest& request, HttpAnswer to) { state()->live.picture(request, std::move(to)); });
        site_.add("GET", "/api/inputs/N/stream", Site::Needs::token_from_afar,
                  [this](const HttpRequest& request, HttpAnswer to) { state()->live.stream(request, std::move(to)); });
        site_.add("POST", "/echo", Site::Needs::token, [](HttpRequest request, HttpAnswer to) {
            to({200, "text/plain", {request.body.begin(), request.body.end()}});
        });
        site_.add_text("/api/live", Site::Needs::token_from_afar, "application/json",
                       [this] { return state()->live.text(); });
        port_ = socket_.port();
        server_ = std::make_unique<HttpServer>(socket_, site_);
    }

    std::shared_ptr<State> state() {
        const std::lock_guard lock(mutex_);
        return state_;
    }
    void begin_again() {
        auto next = std::make_shared<State>();
        const std::lock_guard lock(mutex_);
        state_.swap(next);
    }

    /// `most_ms`: how long nothing may come; 0: any time.
    std::string ask(const std::string& request, int most_ms = 0) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_port = htons(port_);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        // Each of many addresses of this machine's own, since one would run out of ports.
        sockaddr_in from = {};
        from.sin_family = AF_INET;
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + asked_++ % 250);
        require(bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) == 0);
        require(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        const timeval most = {0, most_ms * 1000};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
        const auto goes_on = [](ssize_t n) { return n > 0 || (n < 0 && errno == EINTR); };  // libFuzzer has an alarm
        std::size_t sent = 0;
        for (ssize_t n = 1; goes_on(n) && sent < request.size(); sent += std::size_t(std::max<ssize_t>(n, 0)))
            n = ::send(fd, request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
        std::string reply;
        char block[4096];
        for (ssize_t n = 0; goes_on(n = recv(fd, block, sizeof block, 0));)
            reply.append(block, std::size_t(std::max<ssize_t>(n, 0)));
        close(fd);
        return reply;
    }

private:
    ListenSocket socket_;
    Site site_;
    std::uint16_t port_ = 0;
    std::uint32_t asked_ = 0;
    std::mutex mutex_;
    std::shared_ptr<State> state_ = std::make_shared<State>();
    std::unique_ptr<HttpServer> server_;
};

std::string post(const std::string& path, const std::string& body, const std::string& token) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n{}",
                       path, body.size(), token, body);
}

int status(const std::string& reply) { return reply.starts_with("HTTP/1.1 ") ? std::stoi(reply.substr(9, 3)) : 0; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        HttpServer::require("--serve");
    } catch (const Error&) {
        return 0;
    }
    static Served served;
    fuzz::Bytes bytes(data, size);
    served.begin_again();
    const auto state = served.state();
    const unsigned kind = bytes.number() % 4;
    const std::string rest = bytes.rest();
    std::string escaped;
    for (const unsigned char c : rest.substr(0, 2000)) escaped += fmt::format("%{:02x}", c);
    if (kind == 0) {
        served.ask(rest, 50);  // of one that is not whole the server waits for the rest
    } else if (kind == 1) {
        const int answer = status(served.ask(post("/api/inputs", rest, kToken)));
        require(answer == 201 || answer == 400 || answer == 403 || answer == 413);
        require((answer == 201) == (state->running.count() == 2));
    } else if (kind == 2) {
        require(status(served.ask(post("/api/inputs", rest, ""))) == 401);
        require(status(served.ask(
                    post("/" + escaped, "", "Authorization: Bearer " + escaped.substr(0, 200) + "\r\n"))) >= 400);
        require(state->running.count() == 1);
    } else {
        const std::string reply =
            served.ask("GET /" + escaped + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        require(status(reply) == (rest == "echo" ? 405 : 404) || rest.starts_with("api/"));
        const std::string echo = served.ask(post("/echo", rest, kToken));
        require(status(echo) == 200 && echo.ends_with("\r\n\r\n" + rest));
    }
    for (int input = 1; input < int(state->running.count()); ++input) {
        const std::string name = state->running.name(input);
        require(name.find("://") != name.npos && !name.starts_with("file") && !name.starts_with("unix"));
        for (const unsigned char c : name) require(c >= ' ' && c != 0x7f);
    }
    return 0;
}
