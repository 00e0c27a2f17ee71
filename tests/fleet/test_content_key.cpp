// SPDX-License-Identifier: MIT
#include "tools/fleet/content_key.h"

#include <sys/stat.h>

#include <array>

#include "tests/support/catch.h"
#include "tests/support/complaint.h"
#include "tests/support/contains.h"
#include "tests/tools/child.h"
#include "tests/tools/http_server.h"

using namespace convoy;
using namespace convoy::fleet;
using test::contains;

namespace {

/// More than both ends that a key looks at.
std::string large_text() {
    std::string text;
    for (int i = 0; text.size() < (3 << 20); ++i) text += std::to_string(i) + ' ';
    return text;
}

}  // namespace

TEST_CASE("a digest is SHA-256's", "[content]") {
    Digest digest;
    digest.add("ab");
    digest.add("c");
    CHECK(digest.hex() == "ba7816bf8f01cfea414140de5dae2223");
}

TEST_CASE("a file's key is that of its content, not of its name", "[content]") {
    const test::TemporaryFolder folder;
    const auto content = [&](const std::string& name, const std::string& text) {
        test::write_file(folder / name, text);
        return content_of(folder / name);
    };
    const std::string text = large_text();
    const Content a = content("a", text);
    CHECK(a.bytes == std::int64_t(text.size()));
    CHECK(a.mtime_ns.value_or(0) > 1'600'000'000'000'000'000);
    CHECK(a.key.size() == 32);
    CHECK(content("b", text).key == a.key);
    for (const std::size_t at : {std::size_t(0), std::size_t(1 << 20) - 1, text.size() - (1 << 20), text.size() - 1}) {
        std::string changed = text;
        changed[at] ^= 1;
        CHECK(content("c", changed).key != a.key);
    }
    CHECK(content("c", text + 'x').key != a.key);
    CHECK(content("c", text.substr(1)).key != a.key);
    CHECK(content("c", "").bytes == 0);
    CHECK(content("c", "").key != content("d", "x").key);
    CHECK(content("c", std::string(1 << 20, 'x')).key != content("d", std::string((1 << 20) + 1, 'x')).key);
}

TEST_CASE("what is no file has no key", "[content]") {
    const test::TemporaryFolder folder;
    CHECK(contains(test::complaint([&] { content_of(folder / "none"); }), "none' cannot be read"));
    CHECK(contains(test::complaint([&] { content_of(folder.path()); }), "is no file"));
    REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
    CHECK(contains(test::complaint([&] { content_of(folder / "pipe"); }), "is a pipe"));
    CHECK(contains(test::complaint([&] { content_of("rtsp://127.0.0.1/x"); }), "is a live input"));
}

TEST_CASE("an address's key is that of the object, whatever signs it", "[content][http]") {
    test::HttpAnswer answer;
    answer.file = large_text();
    const test::HttpServer server(answer);
    const Content a = content_of(server.url("a.mp4?X-Amz-Signature=1"));
    CHECK(a.bytes == std::int64_t(answer.file.size()));
    CHECK(!a.mtime_ns);
    CHECK(content_of(server.url("a.mp4?X-Amz-Signature=2")).key == a.key);
    for (const std::size_t at : {std::size_t(100), answer.file.size() - 1}) {
        test::HttpAnswer other = answer;
        other.file[at] ^= 1;
        const test::HttpServer changed(other);
        CHECK(content_of(changed.url("a.mp4")).key != a.key);
    }
}

TEST_CASE("a server that knows neither ranges nor sizes gives a key all the same", "[content][http]") {
    test::HttpAnswer answer;
    answer.file = large_text();
    answer.ranges = false;
    for (const auto length : {test::HttpAnswer::Length::stated, test::HttpAnswer::Length::chunked}) {
        answer.length = length;
        const test::HttpServer server(answer);
        CHECK(content_of(server.url("a.mp4")).key == content_of(server.url("a.mp4")).key);
    }
}

TEST_CASE("a connection that drops is made again", "[content][http]") {
    test::HttpAnswer answer;
    answer.file = large_text();
    const std::string key = content_of(test::HttpServer(answer).url("a.mp4")).key;
    answer.breaks_after = 1000;
    answer.breaks = 2;
    const test::HttpServer server(answer);
    CHECK(content_of(server.url("a.mp4")).key == key);
}

TEST_CASE("an address that is refused is an error at once, without its secrets", "[content][http]") {
    test::HttpAnswer answer;
    answer.head = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    const test::HttpServer server(answer);
    const std::string error = test::complaint([&] { content_of(server.url("a.mp4?token=geheim")); });
    INFO(error);
    CHECK(contains(error, "403"));
    CHECK(!contains(error, "geheim"));
    CHECK(server.connections() == 1);
}

TEST_CASE("a server that cannot be reached is given up when asked to", "[content][http]") {
    std::string url;
    {
        const test::HttpServer server({});
        url = server.url("a.mp4");
    }
    const std::string error = test::complaint([&] { content_of(url, [] { return true; }); });
    CHECK(contains(error, "cannot be read"));
}

TEST_CASE("a digest of files tells where one ends and the next begins", "[content]") {
    const test::TemporaryFolder folder;
    test::write_file(folder / "a", "12");
    test::write_file(folder / "b", "3");
    test::write_file(folder / "c", "1");
    test::write_file(folder / "d", "23");
    const auto digest = [&](const char* x, const char* y) {
        return digest_of_files(std::array<std::string, 2>{folder / x, folder / y});
    };
    CHECK(digest("a", "b") == digest("a", "b"));
    CHECK(digest("a", "b") != digest("c", "d"));
    CHECK(digest("a", "b") != digest("b", "a"));
    CHECK(contains(test::complaint([&] { digest("a", "none"); }), "cannot be read"));
}
