// SPDX-License-Identifier: MIT
//
// What the page shows of a run.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include <convoy/media/image.h>
#include "tests/tools/served_site.h"
#include "tools/media/pictures/jpeg.h"
#include "tools/serve/live_state.h"

namespace convoy::test {
namespace {

constexpr int kWidth = 1600, kHeight = 902;

std::string body_of(const std::string& reply) { return reply.substr(reply.find("\r\n\r\n") + 4); }

// All comments of a JPEG, one behind the other.
std::string comment_of(const std::string& jpeg) {
    const auto byte = [&](std::size_t at) { return std::size_t(std::uint8_t(jpeg.at(at))); };
    std::string text;
    for (std::size_t at = 2; byte(at + 1) != 0xda; at += 2 + (byte(at + 2) << 8 | byte(at + 3)))
        if (byte(at + 1) == 0xfe) text += jpeg.substr(at + 4, (byte(at + 2) << 8 | byte(at + 3)) - 2);
    return text;
}

media::Image decoded(const std::string& jpeg) {
    media::Image image;
    std::string reason;
    REQUIRE(media::decode_jpeg({reinterpret_cast<const std::uint8_t*>(jpeg.data()), jpeg.size()}, image.width,
                               image.height, image.rgb, reason));
    return image;
}

/// A live state whose pictures are served.
struct ServedState : Served {
    explicit ServedState(std::vector<int> blurred = {}) : live({"cpu", {"person", "car"}, {}, {}, std::move(blurred)}) {
        info.path = "camera";
        live.begin_input(3, info);
    }
    void route() {
        site.add("GET", "/api/inputs/N/picture", Site::Needs::nothing,
                 [this](const HttpRequest& request, HttpAnswer to) { live.picture(request, std::move(to)); });
        site.add("GET", "/api/inputs/N/stream", Site::Needs::nothing,
                 [this](const HttpRequest& request, HttpAnswer to) { live.stream(request, std::move(to)); });
    }
    /// As a run does: a frame whose left half is `left` and whose right half is a pattern.
    bool frame(std::int64_t index, std::uint8_t left, bool nv12) {
        const bool wanted = live.wants_picture(3);
        Result result;
        result.frame.index = index;
        result.detections.push_back({0, .5f, {800, 0, 800, 902}});
        std::vector<std::uint8_t> bytes(std::size_t(kWidth) * kHeight * 3, 128);
        for (int y = 0; y < kHeight; ++y)
            for (int x = 0; x < kWidth; ++x)
                for (int c = 0; c < (nv12 ? 1 : 3); ++c)
                    bytes[(std::size_t(y) * kWidth + std::size_t(x)) * (nv12 ? 1 : 3) + std::size_t(c)] =
                        x < kWidth / 2 ? left : std::uint8_t(x / 40 % 2 * 255);
        PixelView& p = result.frame.pixels;
        p.width = kWidth, p.height = kHeight;
        p.format = nv12 ? PixelFormat::nv12 : PixelFormat::rgb8;
        p.range = ColorRange::full;
        p.pitch[0] = nv12 ? kWidth : 3 * kWidth, p.pitch[1] = kWidth;
        if (wanted) p.plane[0] = bytes.data(), p.plane[1] = bytes.data() + std::size_t(kWidth) * kHeight;
        const auto owner = std::make_shared<std::vector<std::uint8_t>>(std::move(bytes));
        if (wanted) result.frame.owner = owner;
        live.result(3, result);
        return wanted;
    }

    LiveState live;
    InputInfo info;
};

}  // namespace

TEST_CASE("the page has the newest results of inputs, and none is kept while nobody looks", "[serve]") {
    LiveState live({"cpu", {"person", "</script>\xff"}});
    InputInfo info;
    info.path = "a \"b\".mp4";
    live.begin_input(0, info);
    Result result;
    result.frame.pixels.width = 4, result.frame.pixels.height = 2;
    result.detections.push_back({1, .5f, {1, 2, 3, 4}, 7});
    live.result(0, result);
    auto state = nlohmann::json::parse(live.text());
    CHECK(state["streams"][0]["newest"].is_null());
    CHECK(state["streams"][0]["packet_ms"].is_null());  // of a recording
    result.latency_ms = 5;
    result.frame.packet_at = std::chrono::steady_clock::now() - std::chrono::seconds(60);
    live.result(0, result);  // now somebody looks
    InputEnd end;
    end.damaged = 3;
    live.end_input(0, end);
    state = nlohmann::json::parse(live.text());
    const auto& stream = state["streams"][0];
    CHECK(stream["name"] == info.path);
    CHECK((stream["frames"] == 2 && stream["detections"] == 2 && stream["damaged"] == 3 && stream["phase"] == "ended"));
    CHECK(stream["newest"]["detections"][0]["track"] == 7);
    CHECK(stream["newest"]["outlines"].empty());
    CHECK((stream["latency_ms"] == 5 && stream["latency_p99_ms"] == 0));
    CHECK((stream["packet_ms"] >= 60000 && stream["packet_p99_ms"] == stream["packet_ms"]));
    CHECK(state["classes"][1] == "</script>\xef\xbf\xbd");
    for (int i = 1; i < 1000; ++i) {
        live.begin_input(i, info);
        live.end_input(i, {});
    }
    CHECK(nlohmann::json::parse(live.text())["streams"].size() == LiveState::kMostInputs);
}

TEST_CASE("of more inputs than are shown, one that opens late takes the place of another", "[serve]") {
    LiveState live({"cpu", {"person"}});
    for (int i = 0; i <= int(LiveState::kMostInputs); ++i) live.add_input(i, "camera");
    CHECK(live.phase(0) == LiveState::Phase::unknown);
    live.begin_input(0, {});  // has the lowest number, and none has ended
    CHECK(live.phase(0) == LiveState::Phase::open);
    CHECK(live.phase(1) == LiveState::Phase::unknown);
    CHECK(live.count() == LiveState::kMostInputs);
}

TEST_CASE("a picture is made for who asks, with the record of its own frame, and for nobody else", "[serve]") {
    REQUIRE_HTTP();
    for (const bool nv12 : {false, true}) {
        ServedState served;
        served.route();
        for (int i = 0; i < 100; ++i) CHECK_FALSE(served.frame(i, 200, nv12));
        Client first(served.port), second(served.port);
        for (Client* client : {&first, &second})
            client->send("GET /api/inputs/3/picture?after=99 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        std::int64_t taken = 0;
        for (std::int64_t i = 100; taken == 0; ++i) {
            if (served.frame(i, std::uint8_t(i % 256), nv12)) taken = i;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        CHECK_FALSE(served.live.wants_picture(3));  // one is enough
        const std::string reply = first.rest();
        CHECK(contains(reply, fmt::format("Convoy-Frame: {}\r\n", taken)));
        const std::string jpeg = body_of(reply);
        CHECK(nlohmann::json::parse(comment_of(jpeg))["frame"] == taken);
        const media::Image image = decoded(jpeg);
        CHECK((image.width == LivePictures::kMostWide && image.height == 541));
        CHECK(std::abs(int(image.row(200)[3 * 200]) - int(taken % 256)) < 4);
        CHECK(status(second.rest()) == 200);
        CHECK(status(served.get("/api/inputs/4/picture")) == 404);
        served.live.end_input(3, {});
        CHECK(contains(served.get("/api/inputs/3/picture"), "has ended"));
    }
}

TEST_CASE("who watches an input gets pictures with its boxes drawn in, until it ends", "[serve]") {
    REQUIRE_HTTP();
    for (const bool nv12 : {false, true}) {
        ServedState served;
        served.route();
        Client client(served.port);
        client.send("GET /api/inputs/3/stream HTTP/1.0\r\nHost: localhost\r\n\r\n");  // 1.0: not in chunks
        CHECK(contains(client.head(), "multipart/x-mixed-replace"));
        std::jthread run([&](const std::stop_token& stop) {
            for (std::int64_t i = 0; !stop.stop_requested(); ++i) {
                served.frame(i, 200, nv12);
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
            }
        });
        for (int part = 0; part < 2; ++part) {
            const std::string head = client.until("\r\n\r\n");
            CHECK(contains(head, "Content-Type: image/jpeg\r\n"));
            const media::Image image = decoded(client.until("\xff\xd9"));
            CHECK(image.width == LivePictures::kMostWide);
            int coloured = 0;  // pixels beside the box's left edge, of a grey picture
            for (int x = 470; x < 490; ++x)
                coloured += std::abs(int(image.row(400)[3 * x]) - int(image.row(400)[3 * x + 2])) > 60;
            CHECK((coloured > 0 && coloured < 12));
        }
        run.request_stop();
        run.join();
        CHECK(status(served.get("/api/inputs/4/stream")) == 404);
        served.live.end_input(3, {});
        CHECK(client.rest().ends_with("\r\n"));
        CHECK(contains(served.get("/api/inputs/3/stream"), "has ended"));
        CHECK_FALSE(served.frame(1, 200, nv12));
    }
}

TEST_CASE("who waits for a picture of an input that stands still is told so", "[serve]") {
    REQUIRE_HTTP();
    ServedState served;
    served.route();
    CHECK(status(served.get("/api/inputs/3/picture")) == 204);
}

TEST_CASE("what is to be unrecognisable is so in pictures, too", "[serve]") {
    REQUIRE_HTTP();
    for (const int blurred : {0, 1}) {
        ServedState served({blurred});
        served.route();
        Client client(served.port);
        client.send("GET /api/inputs/3/picture HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        for (std::int64_t i = 0; !served.frame(i, 100, true); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        const media::Image image = decoded(body_of(client.rest()));
        int least = 255, most = 0;
        for (int x = 600; x < 900; ++x) {
            least = std::min(least, int(image.row(270)[3 * x]));
            most = std::max(most, int(image.row(270)[3 * x]));
        }
        CHECK((most - least > 200) == (blurred == 1));
    }
}

}  // namespace convoy::test
