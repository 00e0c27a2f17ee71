// SPDX-License-Identifier: MIT
//
// Replies that go on, part by part.
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/in_time.h"
#include "tests/tools/served_site.h"

namespace convoy::test {
namespace {

const std::string kLastChunk = "\r\n0\r\n\r\n", kBoundary = "--convoy-part\r\n";

/// A site with a stream, at GET /stream.
struct Streaming : Served {
    explicit Streaming(const HttpLimits& limits = {}) : Served(limits) {
        site.add("GET", "/stream", Site::Needs::token, [this](const HttpRequest&, HttpAnswer answer) {
            const std::lock_guard lock(mutex);
            streams.push_back(answer.stream());
        });
    }
    ~Streaming() { server.reset(); }
    std::unique_ptr<HttpStream> begin(Client& client, const std::string& method = "GET") {
        client.send(method + " /stream HTTP/1.1\r\nHost: localhost\r\n" + kToken + "\r\n");
        return in_time("a stream's begin", [&] {
            for (;; std::this_thread::yield()) {
                const std::lock_guard lock(mutex);
                if (streams.empty()) continue;
                auto stream = std::move(streams.back());
                streams.pop_back();
                return stream;
            }
        });
    }

    std::mutex mutex;
    std::vector<std::unique_ptr<HttpStream>> streams;
};

void wait_until_gone(const HttpStream& stream) {
    in_time("a client's end", [&] {
        while (stream.is_open()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
}

}  // namespace

TEST_CASE("a stream brings its parts one by one, and ends", "[serve]") {
    REQUIRE_HTTP();
    Streaming served;
    Client client(served.port);
    std::unique_ptr<HttpStream> stream = served.begin(client);
    const std::string head = client.head();
    CHECK(status(head) == 200);
    CHECK(contains(head, "Content-Type: multipart/x-mixed-replace; boundary=convoy-part\r\n"));
    CHECK(contains(head, "X-Content-Type-Options: nosniff"));
    CHECK(client.until(kBoundary).ends_with(kBoundary));
    for (const std::string body : {"one", "two", "of --convoy-part."}) {
        CHECK(stream->put(http_part("text/plain", body)));
        CHECK(contains(client.until(kBoundary),
                       fmt::format("Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{}\r\n{}", body.size(), body,
                                   kBoundary)));
    }
    stream.reset();
    CHECK(client.until(kLastChunk).ends_with(kLastChunk));
    client.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    CHECK(client.rest().ends_with("hello"));  // its connection goes on
}

TEST_CASE("a slow client of a stream misses parts, and comes to the newest", "[serve]") {
    REQUIRE_HTTP();
    Streaming served;
    Client client(served.port);
    const std::unique_ptr<HttpStream> stream = served.begin(client);
    constexpr int kParts = 200;
    for (int i = 0; i < kParts; ++i) {
        CHECK(stream->put(http_part("text/plain", fmt::format("part {} ", i) + std::string(1 << 20, '.'))));
        CHECK(status(served.get("/")) == 200);  // and others do not wait
    }
    const std::string text = client.until(fmt::format("part {} ", kParts - 1));
    CHECK(text.size() < 32 << 20);
    CHECK(contains(text, "part 0 "));
}

TEST_CASE("few old parts lie ready for a client of a stream that takes none for a while", "[serve]") {
    REQUIRE_HTTP();
    Streaming served;
    Client client(served.port, 4096);
    const std::unique_ptr<HttpStream> stream = served.begin(client);
    constexpr int kParts = 200;
    for (int i = 0; i < kParts; ++i) {
        CHECK(stream->put(http_part("text/plain", fmt::format("part {} ", i) + std::string(16 << 10, '.'))));
        CHECK(status(served.get("/")) == 200);  // this one has been sent as far as it can be
    }
    CHECK(client.until(fmt::format("part {} ", kParts - 1)).size() < 512 << 10);
}

TEST_CASE("a stream may bring nothing for longer than a client may be silent", "[serve]") {
    REQUIRE_HTTP();
    HttpLimits limits;
    limits.silence_s = limits.request_s = 1;
    Streaming served(limits);
    Client client(served.port);
    const std::unique_ptr<HttpStream> stream = served.begin(client);
    for (const std::string body : {"one", "two"}) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2500));
        CHECK(stream->put(http_part("text/plain", body)));
        CHECK(client.until(body + "\r\n").ends_with(body + "\r\n"));
    }
}

TEST_CASE("a stream knows when its client has gone, and that the server has", "[serve]") {
    REQUIRE_HTTP();
    Streaming served;
    std::unique_ptr<HttpStream> before, while_it_waits, of_head;
    {
        Client client(served.port), waiting(served.port), head(served.port);
        before = served.begin(client);
        while_it_waits = served.begin(waiting);
        CHECK(while_it_waits->put(http_part("text/plain", "one")));
        waiting.until("one");
        of_head = served.begin(head, "HEAD");
        CHECK(status(head.head()) == 200);
    }
    wait_until_gone(*before);
    wait_until_gone(*while_it_waits);
    wait_until_gone(*of_head);
    CHECK_FALSE(before->put(http_part("text/plain", "late")));
    Client last(served.port);
    const std::unique_ptr<HttpStream> stream = served.begin(last);
    last.head();
    in_time("the server's end", [&] { served.server.reset(); });
    CHECK(last.rest().ends_with(kBoundary + kLastChunk));
    CHECK_FALSE(stream->put(http_part("text/plain", "late")));
}

TEST_CASE("a client that asked for more behind a stream is seen to have gone", "[serve]") {
    REQUIRE_HTTP();
    Streaming served;
    std::unique_ptr<HttpStream> stream;
    {
        Client client(served.port);
        stream = served.begin(client);
        client.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client.head();
    }
    wait_until_gone(*stream);
}

TEST_CASE("a server ends with streams that are asked for behind others", "[serve]") {
    REQUIRE_HTTP();
    Streaming served;
    Client stopped(served.port), client(served.port);
    const std::unique_ptr<HttpStream> unread = served.begin(stopped), stream = served.begin(client);
    CHECK(
        unread->put(http_part("text/plain", std::string(32 << 20, '.'))));  // which keeps the server for its last words
    client.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n" + kToken + "\r\n");
    client.head();
    in_time("the server's end", [&] { served.server.reset(); });
    CHECK(client.until(kLastChunk).ends_with(kBoundary + kLastChunk));
    CHECK(status(client.head()) == 503);
}

TEST_CASE("a token may be the password of a GET, since players know no other way", "[serve]") {
    REQUIRE_HTTP();
    Streaming served;
    const std::string basic = "Host: localhost\r\nAuthorization: ";  // of "any:secret", "any:Secret"
    served.site.add_text("/private", Site::Needs::token, "text/plain", [] { return "hello"; });
    CHECK(status(served.get("/private", basic + "Basic YW55OnNlY3JldA==\r\n")) == 200);
    for (const std::string wrong : {"Basic YW55OlNlY3JldA==", "Basic c2VjcmV0", "Basic ", "Basic !!!", "Basic"})
        CHECK(status(served.get("/private", basic + wrong + "\r\n")) == 401);
    served.site.add_text("/played", Site::Needs::token_of_player, "text/plain", [] { return "hello"; });
    CHECK(contains(served.get("/played"), "hello"));  // at the loopback
    CHECK_FALSE(contains(served.get("/private"), "WWW-Authenticate: Basic"));
    Site afar({"secret", false});
    afar.add_text("/played", Site::Needs::token_of_player, "text/plain", [] { return "hello"; });
    const auto refused =
        afar.refuse({.method = "GET", .path = "/played", .arguments = {}, .host = "", .authorization = ""});
    REQUIRE(refused);
    CHECK(refused->status == 401);
    CHECK(refused->headers.back() == std::pair<std::string, std::string>("WWW-Authenticate", "Basic realm=\"Convoy\""));
    CHECK(status(served.post("Authorization: Basic YW55OnNlY3JldA==\r\n" + length(3), "abc")) == 401);
}

}  // namespace convoy::test
