// SPDX-License-Identifier: MIT
//
// Inputs that come and go by requests: how many, and while there is a run.
#include <fmt/core.h>

#include <chrono>
#include <latch>
#include <string>
#include <thread>

#include <convoy/engine.h>
#include <convoy/load.h>
#include "tests/tools/served_site.h"
#include "tools/served_inputs.h"

namespace convoy::test {
namespace {

Network tiny() {
    Network n = parse_network(
        "[net]\nwidth=32\nheight=32\nchannels=3\n[convolutional]\nfilters=6\nsize=1\nstride=32\n"
        "activation=linear\n[yolo]\nmask=0\nanchors=10,12\nclasses=1\nnum=1\n",
        "tiny.cfg");
    randomize_weights(n, 5);
    return n;
}

std::string post(const std::string& input) {
    const std::string body = "{\"input\":\"" + input + "\"}";
    return "POST /api/inputs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + kToken + length(body.size()) +
           "\r\n" + body;
}

}  // namespace

TEST_CASE("an input that fails at once is known by then, and has ended", "[serve]") {
    REQUIRE_HTTP();
    struct : RunObserver {
        void result(int, Result&) override {}
        void end_input(int input, const InputEnd& end) override { live.end_input(input, end); }
        LiveState live{{"cpu", {"person"}}};
    } observer;
    LiveState& live = observer.live;
    media::ExpandedInputs first;
    first.paths = {"/nowhere/0"};
    RunningInputs running(media::RunInputs(first), true, {});
    running.tell_of_each([&](int input, const std::string& name) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));  // the run would take far less to end it
        live.add_input(input, name);
    });
    CHECK(live.phase(0) == LiveState::Phase::opening);
    ServedInputs inputs(ServeInputs::all, live, [](const std::string&) {});
    Served served;
    served.site.add("POST", "/api/inputs", Site::Needs::token,
                    [&](const HttpRequest& request, HttpAnswer to) { inputs.add(request, std::move(to)); });
    inputs.begin(running);
    EngineOptions options;
    options.device = "cpu";
    options.threads = 1;
    Engine engine(tiny(), options);
    std::thread run([&] { engine.run(running.feed(), observer, false, RunThreads{}); });
    const int posted = status(served.ask(post("/nowhere/1")));
    const int by_others = running.add("/nowhere/2");  // as a WatchList does
    running.close();
    run.join();
    inputs.end();
    CHECK(posted == 201);
    for (const int input : {0, 1, by_others}) CHECK(live.phase(input) == LiveState::Phase::ended);
    CHECK(live.count() == 0);
}

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
    running.tell_of_each([&](int input, const std::string& name) { live.add_input(input, name); });
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
