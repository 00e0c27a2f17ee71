// SPDX-License-Identifier: MIT
#include <nlohmann/json.hpp>

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/tools/served_site.h"
#include "tools/serve/detect_queue.h"

namespace convoy::test {
namespace {

std::string refusal(const ListenAddress& address) {
    try {
        const ListenSocket socket("--serve", address);
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("what a server listens at is a port or a host and a port", "[serve]") {
    for (const char* port : {"8080", "0", "localhost:9", "[::1]:80", "0.0.0.0:65535"}) CHECK(names_port(port));
    for (const char* file : {"m.prom", "./8080", "a/b:80", "8080.prom", "", "a:b"}) CHECK_FALSE(names_port(file));
    CHECK(listen_address("--serve", "8080").host == "127.0.0.1");
    CHECK(listen_address("--serve", "[::1]:80").host == "::1");
    CHECK(listen_address("--serve", "cam.local:80").port == 80);
    for (const char* text : {"65536", "-1", "", ":80", "a:", "::1:80", "a b:80", "80x", "h/i:80", "me@h:80"})
        CHECK_THROWS_AS(listen_address("--serve", text), Error);
    const ListenSocket first("--serve", {"127.0.0.1", 0});
    CHECK(first.url() == fmt::format("http://127.0.0.1:{}/", first.port()));
    CHECK(first.is_loopback());
    CHECK(contains(refusal({"127.0.0.1", first.port()}), "another program listens there"));
    CHECK(contains(refusal({"192.0.2.1", 0}), "no such address"));
    CHECK(contains(refusal({"no such host.invalid", 0}), "cannot listen at no such host.invalid"));
    CHECK_FALSE(ListenSocket("--serve", {"0.0.0.0", 0}).is_loopback());
}

TEST_CASE("a site answers those that may ask", "[serve]") {
    REQUIRE_HTTP();
    Served served;
    const std::string hello = served.get("/");
    CHECK(status(hello) == 200);
    CHECK(hello.ends_with("\r\n\r\nhello"));
    CHECK(contains(hello, "X-Content-Type-Options: nosniff"));
    CHECK_FALSE(contains(hello, "Access-Control"));
    CHECK(served.ask("HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ends_with("\r\n\r\n"));
    for (const char* host : {"LOCALHOST:1", "127.0.0.1", "[::1]:8080"})
        CHECK(status(served.get("/", fmt::format("Host: {}\r\n", host))) == 200);
    for (const char* host :
         {"evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example", "", "[", "192.168.0.1"})
        CHECK(status(served.get("/", fmt::format("Host: {}\r\n", host))) == 403);
    for (const char* path : {"/none", "/../../etc/passwd", "/..%2f..%2fetc/passwd", "//", "/echo/"})
        CHECK(status(served.get(path)) != 200);
    CHECK(contains(served.get("/echo"), "Allow: POST"));
    CHECK(status(served.get("/dropped")) == 503);
    CHECK(status(served.get("/failing")) == 503);
    CHECK(served.post(kToken + length(3), "abc").ends_with("<><abc>"));
    CHECK(served.post(kToken + "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
              .ends_with("<><abcde>"));
    for (const std::string wrong :
         {"", "Authorization: Bearer Secret\r\n", "Authorization: Bearer secre\r\n", "Authorization: Bearer \r\n",
          "Authorization: secret\r\n", "Authorization: Basic c2VjcmV0\r\n"})
        CHECK(status(served.post(wrong + length(3), "abc")) == 401);
    Served open({}, "");  // there is no token to guess
    CHECK(status(open.post("Authorization: Bearer \r\n" + length(3), "abc")) == 401);
}

TEST_CASE("beyond this machine all but what needs nothing takes the token", "[serve]") {
    Site site({"secret", false, "0.0.0.0"});
    site.add_text("/", Site::Needs::nothing, "text/html", [] { return ""; });
    site.add_text("/api", Site::Needs::token_from_afar, "text/html", [] { return ""; });
    HttpRequest request{"GET", "/", {}, "camera.local", ""};
    CHECK_FALSE(site.refuse(request));
    request.path = "/api";
    REQUIRE(site.refuse(request));
    CHECK(site.refuse(request)->status == 401);
    request.authorization = "Bearer secret";
    CHECK_FALSE(site.refuse(request));
    CHECK(random_token().size() == 32);
    CHECK(random_token() != random_token());
}

TEST_CASE("a form's first file is the body", "[serve]") {
    REQUIRE_HTTP();
    Served served;
    const auto form = [&](const std::string& text, const std::string& boundary = "; boundary=XX") {
        return served.post(kToken + "Content-Type: multipart/form-data" + boundary + "\r\n" + length(text.size()),
                           text);
    };
    const std::string file =
                          "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.jpg\"\r\nContent-Type: "
                          "image/jpeg\r\n\r\nabc\r\n",
                      field = "--XX\r\nContent-Disposition: form-data; name=\"g\"\r\n\r\nxyz\r\n", end = "--XX--\r\n";
    CHECK(form(file + end).ends_with("<a.jpg><abc>"));
    CHECK(form(field + file + file + field + end).ends_with("<a.jpg><abc>"));
    CHECK(contains(form(field + end), "has no file"));
    CHECK(status(form(file, "")) == 400);
    CHECK(status(form(file.substr(0, file.size() - 4))) == 400);
    // Wherever a packet ends.
    const std::string whole = file + end, head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" +
                                                 kToken + "Content-Type: multipart/form-data; boundary=XX\r\n" +
                                                 length(whole.size()) + "\r\n";
    for (std::size_t after = 0; after < 12; ++after) {
        const std::size_t at = whole.find("abc") + after;
        Client client(served.port);
        client.send(head + whole.substr(0, at));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        client.send(whole.substr(at));
        INFO("a packet of " << at);
        CHECK(client.rest().ends_with("<a.jpg><abc>"));
    }
    for (const std::string& damaged :
         std::vector<std::string>{"nonsense", "", "--XX\r\n\r\n\r\n--XX--", "--XX--", std::string(10000, 0x2d)})
        CHECK(status(form(damaged)) == 400);
}

TEST_CASE("requests have limits", "[serve]") {
    REQUIRE_HTTP();
    HttpLimits limits;
    limits.body_bytes = 1000, limits.all_body_bytes = 1500, limits.request_s = 1, limits.connections = 400;
    Served served(limits);
    CHECK(status(served.get("/" + std::string(100'000, 'a'))) != 200);
    CHECK(status(served.get("/", "Host: localhost\r\nX: " + std::string(100'000, 'a') + "\r\n")) != 200);
    std::string many = "Host: localhost\r\n";
    for (int i = 0; i < 20'000; ++i) many += "A: b\r\n";
    CHECK(status(served.get("/", many)) != 200);
    CHECK(status(served.post(kToken + length(1000), std::string(1000, 'a'))) == 200);
    CHECK(status(served.post(kToken + length(1001), std::string(1001, 'a'))) == 413);
    CHECK(status(served.post(kToken + "Content-Length: 99999999999999999999999\r\n", "a")) != 200);
    CHECK(status(served.post(kToken + "Content-Length: -1\r\n", "a")) != 200);
    CHECK(status(served.post(kToken + "Transfer-Encoding: chunked\r\n",
                             "7d0\r\n" + std::string(2000, 'a') + "\r\n0\r\n\r\n")) == 413);
    CHECK(status(served.post(kToken + "Transfer-Encoding: chunked\r\n", "nonsense\r\n")) != 200);
    {
        Client half(served.port);  // its bytes count as long as it is there
        half.send("POST /echo HTTP/1.1\r\nHost: localhost\r\n" + kToken + length(1000) + "\r\n" +
                  std::string(900, 'a'));
        for (int tries = 0; tries < 1000; ++tries)
            if (status(served.post(kToken + length(1000), std::string(1000, 'a'))) == 503) break;
        CHECK(contains(served.post(kToken + length(1000), std::string(1000, 'a')), "Retry-After"));
        CHECK(half.rest().empty());  // it is cut off, since it does not go on
    }
    {
        std::vector<std::unique_ptr<Client>> strangers;  // who need no token for the page
        for (int i = 0; i < 3; ++i) {
            strangers.push_back(std::make_unique<Client>(served.port));
            strangers.back()->send("GET / HTTP/1.1\r\nHost: localhost\r\n" + length(1000) + "\r\n" +
                                   std::string(999, 'a'));
            CHECK(status(served.get("/")) == 200);
        }
        CHECK(status(served.post(kToken + length(1000), std::string(1000, 'a'))) == 200);
        strangers.back()->send("a");
        CHECK(status(strangers.back()->head()) == 200);
    }
    for (int i = 0; i < 20; ++i)
        Client(served.port).send("POST /echo HTTP/1.1\r\nHost: localhost\r\n" + kToken + length(1000) + "\r\nabc");
    {
        std::vector<std::unique_ptr<Client>> idle;
        for (int i = 0; i < 300; ++i) idle.push_back(std::make_unique<Client>(served.port));
        CHECK(status(served.get("/")) == 200);
        CHECK(idle.front()->rest().empty());  // those that say nothing are cut off
    }
    Client slow(served.port);
    std::atomic<bool> cut = false;
    std::thread dribble([&] {
        for (const char c : std::string("GET / HTTP/1.1\r\nX: ") + std::string(1000, 'a')) {
            if (cut || !slow.send({c})) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    });
    slow.rest();
    cut = true;
    dribble.join();
    CHECK(status(served.post(kToken + length(1000), std::string(1000, 'a'))) == 200);  // nothing counts any more
}

TEST_CASE("more connections than there may be wait for one that ends", "[serve]") {
    REQUIRE_HTTP();
    HttpLimits limits;
    limits.connections = 4;
    Served served(limits);
    std::vector<std::unique_ptr<Client>> idle;
    for (int i = 0; i < 4; ++i) idle.push_back(std::make_unique<Client>(served.port));
    idle[0]->send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(status(idle[0]->head()) == 200);
    Client fifth(served.port);
    fifth.send("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    idle.clear();
    CHECK(status(fifth.rest()) == 200);
}

TEST_CASE("a client that has left holds its place no longer, one that has said all gets its reply", "[serve]") {
    REQUIRE_HTTP();
    HttpLimits limits;
    limits.silence_s = 50;
    const Served served(limits);
    const std::string whole = "GET / HTTP/1.1\r\nHost: localhost\r\n", token = "Authorization: Bearer secret\r\n";
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& part :
         {std::string("GET / HT"), whole,
          "POST /echo HTTP/1.1\r\nHost: localhost\r\n" + token + "Content-Length: 9\r\n\r\nabc"}) {
        Client client(served.port);
        client.send_last(part);
        CHECK(client.rest() == "");
    }
    Client client(served.port);
    client.send_last(whole + "\r\n");
    CHECK(contains(client.rest(), "hello"));
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(40));
}

TEST_CASE("a server that ends answers who waits, and what comes too late does no harm", "[serve]") {
    REQUIRE_HTTP();
    Served served;
    Client waits(served.port);
    waits.send("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
    Client gone(served.port);
    gone.send("GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(status(served.get("/")) == 200);  // both have come
    served.server.reset();
    CHECK(status(waits.rest()) == 503);
    REQUIRE(served.kept.size() == 2);
    served.kept[0]({200, "text/plain", "late"});
    served.kept.clear();
}

TEST_CASE("pictures that are posted are an input of their own, answered in any order of damage", "[serve]") {
    REQUIRE_HTTP();
    DetectQueue queue({"person"}, 1, {.pictures = 3, .least_width = 2});
    ListenSocket socket("--serve", {"127.0.0.1", 0});
    Site site({"secret", true, "127.0.0.1"});
    site.add("POST", "/detect", Site::Needs::token,
             [&](HttpRequest request, HttpAnswer answer) { queue.post(std::move(request), std::move(answer)); });
    const HttpServer server(socket, site);
    const auto post = [&](Client& client, const std::string& name, const std::string& body) {
        client.send("POST /detect?name=" + name + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + kToken +
                    length(body.size()) + "\r\n" + body);
    };
    const auto wait_for = [&](std::int64_t waiting) {
        while (queue.tally().waiting != waiting) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
    const std::string good = "P6 2 2 255\n" + std::string(12, 'a'), narrow = "P6 1 2 255\n" + std::string(6, 'a');
    Client first(socket.port()), damaged(socket.port()), last(socket.port()), refused(socket.port());
    post(first, "first", good);
    wait_for(1);
    post(damaged, "damaged", narrow);
    wait_for(2);
    post(last, "last", good);
    wait_for(3);
    post(refused, "refused", good);
    CHECK(contains(refused.rest(), "503"));

    const std::unique_ptr<Input> input = queue.input().open({});
    const std::shared_ptr<const Segment> segment = input->next_segment();
    REQUIRE(segment);
    CHECK(segment->frames() == 3);
    const std::unique_ptr<SegmentReader> reader = input->make_reader({});
    for (int device = 0; device < 2; ++device) {  // the first has failed
        reader->open(segment);
        CHECK(reader->next());
        CHECK(reader->next());
        CHECK_FALSE(reader->next());
    }
    CHECK(contains(damaged.rest(), "is 1x2 pixels"));
    Result result;
    result.detections.push_back({0, .5f, {1, 2, 3, 4}});
    queue.result(result);
    queue.result(result);
    const std::string answer = last.rest();
    CHECK(contains(first.rest(), R"({"input":"first","frame":0,)"));
    CHECK(contains(answer, R"({"input":"last","frame":0,)"));
    CHECK(contains(answer, R"("class":"person","confidence":0.5,"box":[1,2,3,4])"));
    const DetectQueue::Tally tally = queue.tally();
    CHECK((tally.answered == 2 && tally.damaged == 1 && tally.refused == 1 && tally.waiting == 0));
    queue.close();
    CHECK_FALSE(input->next_segment());
    Client late(socket.port());
    post(late, "late", good);
    CHECK(status(late.rest()) == 503);
}

TEST_CASE("nonsense ends no server", "[serve]") {
    REQUIRE_HTTP();
    Served served;
    std::mt19937 random(7);
    const std::string good =
        "POST /echo?a=%20&b HTTP/1.1\r\nHost: localhost\r\n" + kToken +
        "Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: 90\r\nConnection: close\r\n\r\n"
        "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.jpg\"\r\n\r\nabc\r\n--XX--\r\n";
    for (int i = 0; i < 500; ++i) {
        std::string request = good;
        for (unsigned n = random() % 4 + 1; n > 0; --n) {
            if (request.size() < 2) break;
            const std::size_t at = random() % request.size();
            switch (random() % 4) {
                case 0:
                    request[at] = char(random());
                    break;
                case 1:
                    request.erase(at, random() % 20);
                    break;
                case 2:
                    request.insert(at, request.substr(random() % request.size(), random() % 20));
                    break;
                default:
                    request.resize(std::max<std::size_t>(at, 1));
            }
        }
        Client client(served.port);
        client.send(request);
        if (random() % 2) continue;  // it goes at once
        Client ends(served.port);
        ends.send(request + "\r\n\r\n");
    }
    CHECK(status(served.get("/")) == 200);
}

}  // namespace convoy::test
