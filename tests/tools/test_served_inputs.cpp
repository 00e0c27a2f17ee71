// SPDX-License-Identifier: MIT
//
// Inputs that come and go by requests: how many, and while there is a run.
#include <fmt/core.h>

#include <latch>
#include <string>

#include "tests/tools/served_site.h"
#include "tools/served_inputs.h"

namespace convoy::test {

TEST_CASE("no more inputs are open at once than are shown, and those before the run wait for it", "[serve]") {
    REQUIRE_HTTP();
    Served served;
    LiveState live({"cpu", {"person"}});
    int told = 0;
    ServedInputs inputs(ServeInputs::addresses, live, [&](const std::string&) { ++told; });
    std::latch two_posted(2);
    served.site.add("POST", "/api/inputs", Site::Needs::token, [&](const HttpRequest& request, HttpAnswer to) {
        inputs.add(request, std::move(to));
        if (!two_posted.try_wait()) two_posted.count_down();  // there is one thread
    });
    served.site.add("DELETE", "/api/inputs/N", Site::Needs::token,
                    [&](const HttpRequest& request, HttpAnswer to) { inputs.remove(request, std::move(to)); });
    const auto post = [&](const std::string& input) {
        const std::string body = "{\"input\":\"" + input + "\"}";
        return "POST /api/inputs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + kToken + length(body.size()) +
               "\r\n" + body;
    };
    const auto add = [&](const std::string& input) { return served.ask(post(input)); };
    const auto remove = [&](int number) {
        return status(
            served.ask(fmt::format("DELETE /api/inputs/{} HTTP/1.1\r\nHost: localhost\r\n{}Connection: "
                                   "close\r\n\r\n",
                                   number, kToken)));
    };
    Client early(served.port), second(served.port);
    REQUIRE(early.send(post("rtsp://camera/early")));
    REQUIRE(second.send(post("rtsp://camera/second")));
    two_posted.wait();

    media::ExpandedInputs first;
    first.paths = {"rtsp://camera/0"};
    RunningInputs running(media::RunInputs(first), true, {});
    live.add_input(0, running.name(0));
    inputs.begin(running);
    CHECK(status(early.rest()) == 201);
    CHECK(status(second.rest()) == 201);
    for (int i = 3; i < int(ServedInputs::kMostOpen); ++i) {
        const std::string reply = add(fmt::format("rtsp://me:secret@camera/{}", i));
        REQUIRE(status(reply) == 201);
        REQUIRE(reply.find("secret") == reply.npos);
    }
    CHECK(running.count() == ServedInputs::kMostOpen);
    CHECK(contains(add("rtsp://camera/more"), "256 inputs are open"));
    CHECK(remove(7) == 204);
    live.end_input(7, {});  // as the run does
    CHECK(remove(7) == 404);
    CHECK(status(add("rtsp://camera/more")) == 201);
    CHECK(status(add("rtsp://camera/more")) == 409);
    CHECK(told == int(ServedInputs::kMostOpen) + 1);
    inputs.end();
    CHECK(remove(8) == 503);
    CHECK(status(add("rtsp://camera/more")) == 503);
}

}  // namespace convoy::test
