// SPDX-License-Identifier: MIT
//
// yolo-run with inputs from web servers and pipes that keep it waiting, in every state that opening and reading have:
// a signal ends it with what was there by then, --give-up with an error, and a server that comes back with every record
// of the file.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/tools/http_server.h"
#include "tests/tools/yolo_run_support.h"

using namespace convoy;
using namespace convoy::test;
using nlohmann::json;
namespace fs = std::filesystem;
using Break = HttpAnswer::Break;

namespace {

constexpr std::chrono::seconds kLimit{30};  // far more than any of these takes
constexpr std::size_t kFrames = 240;

/// A port to which nobody gets through any more: so many wait there already.
class CrowdedPort {
public:
    CrowdedPort() {
        for (bool through = true; through && clients_.size() < 64;) {
            const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
            REQUIRE(client >= 0);
            clients_.push_back(client);
            const std::string address = listener_.address();
            sockaddr_in name = {};
            name.sin_family = AF_INET;
            name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            name.sin_port = htons(std::uint16_t(std::stoi(address.substr(address.find(':') + 1))));
            static_cast<void>(::connect(client, reinterpret_cast<sockaddr*>(&name), sizeof name));
            pollfd ready{client, POLLOUT, 0};
            through = ::poll(&ready, 1, 200) > 0;
        }
    }
    ~CrowdedPort() {
        for (const int client : clients_) ::close(client);
    }
    CrowdedPort(const CrowdedPort&) = delete;
    CrowdedPort& operator=(const CrowdedPort&) = delete;
    std::string url() const { return "http://" + listener_.address() + "/clip.mp4"; }

private:
    const LoopbackListener listener_{0, 0};
    std::vector<int> clients_;
};

/// The clip in a pipe that is never closed: its first half, or nothing.
class StalledPipe {
public:
    StalledPipe(const std::string& path, bool half) : fd_(::open(make_fifo(path).c_str(), O_RDWR | O_CLOEXEC)) {
        REQUIRE(fd_ >= 0);
        if (!half) return;
        writer_ = std::thread([this, bytes = read_file(clip()).substr(0, fs::file_size(clip()) / 2)] {
            for (std::size_t at = 0; at < bytes.size();) {
                pollfd ready{fd_, POLLOUT, 0};
                if (stopped_) return;
                if (::poll(&ready, 1, 50) <= 0) continue;
                const ssize_t n = ::write(fd_, bytes.data() + at, std::min<std::size_t>(bytes.size() - at, 4096));
                if (n > 0) at += std::size_t(n);
            }
        });
    }
    ~StalledPipe() {
        stopped_ = true;
        if (writer_.joinable()) writer_.join();
        ::close(fd_);
    }
    StalledPipe(const StalledPipe&) = delete;
    StalledPipe& operator=(const StalledPipe&) = delete;

private:
    int fd_;
    std::atomic<bool> stopped_ = false;
    std::thread writer_;
};

HttpAnswer whole_clip() {
    HttpAnswer answer;
    answer.file = read_file(clip());
    return answer;
}

HttpAnswer half_clip(Break then) {
    HttpAnswer answer = whole_clip();
    answer.breaks_after = answer.file.size() / 2;
    answer.then = then;
    return answer;
}

HttpAnswer only(const std::string& head, const std::string& endless = {}) {
    HttpAnswer answer;
    answer.head = head;
    answer.endless = endless;
    answer.then = Break::stall;
    return answer;
}

HttpAnswer nothing_of_clip() {
    HttpAnswer answer = half_clip(Break::stall);
    answer.breaks_after = 2000;  // amid its index
    return answer;
}

/// A run of an input that is up to something.
struct Run {
    Run(const std::string& what, const std::string& path, Arguments options = {}, bool halfway = false)
        : state(what), input(path), has_half(halfway), arguments(std::move(options)) {}
    Run(const std::string& what, HttpAnswer answer, Arguments options = {}, bool halfway = false)
        : state(what),
          server(std::make_unique<HttpServer>(std::move(answer))),
          input(server->url("clip.mp4")),
          has_half(halfway),
          arguments(std::move(options)) {}

    void start() {
        Arguments all = {input, "--jsonl", "x.jsonl", "--threads", "1"};
        if (has_half && server) all.insert(all.end(), {"--video", "x.mkv", "--preset", "ultrafast"});
        all.insert(all.end(), arguments.begin(), arguments.end());
        child = std::make_unique<Child>("yolo-run", with_small_model(all), folder.path());
    }
    std::vector<std::string> records() const {
        return fs::exists(folder / "x.jsonl") ? lines_of(read_file(folder / "x.jsonl")) : std::vector<std::string>();
    }
    bool has_begun() const {
        return contains(child->err(), " on cpu") && (!server || server->connections() > 0) &&
               (!has_half || records().size() >= 60);
    }

    std::string state;
    TemporaryFolder folder;
    std::unique_ptr<HttpServer> server;
    std::string input;
    bool has_half;
    Arguments arguments;
    std::unique_ptr<Child> child;
};

using Runs = std::vector<std::unique_ptr<Run>>;

/// Records without what differs from run to run.
std::vector<json> comparable(const std::string& text) {
    std::vector<json> records = records_in(text);
    for (json& record : records) {
        record.erase("input");
        record.erase("latency_ms");
    }
    return records;
}

const std::vector<json>& records_of_clip() {
    static const std::vector<json> records = [] {
        const TemporaryFolder folder;
        const Arguments arguments = {clip(), "--jsonl", "-", "--threads", "1"};
        return comparable(run("yolo-run", with_small_model(arguments), folder.path()).out);
    }();
    REQUIRE(records.size() == kFrames);
    return records;
}

/// What is there is whole: records as from the file, a video of as many frames, no temporary file.
void check_results(const Run& run) {
    const std::vector<json> records =
        fs::exists(run.folder / "x.jsonl") ? comparable(read_file(run.folder / "x.jsonl")) : std::vector<json>();
    CHECK(records.size() < 130);
    CHECK((records.size() >= 60) == run.has_half);
    REQUIRE(records.size() <= kFrames);
    CHECK(std::equal(records.begin(), records.end(), records_of_clip().begin()));
    if (run.has_half && run.server) CHECK(frames_in_video(run.folder / "x.mkv") == std::int64_t(records.size()));
    for (const auto& entry : fs::directory_iterator(run.folder.path())) {
        const std::string name = entry.path().filename();
        INFO(name);
        CHECK((name.starts_with("x.") || name.starts_with("std")));
        CHECK(name.find(".part") == std::string::npos);
    }
}

}  // namespace

TEST_CASE("a signal ends a run that waits for a web server or a pipe, whatever it waits for") {
    for (const int number : {SIGINT, SIGTERM}) {
        const CrowdedPort crowded;
        Runs runs;
        const auto add = [&](auto&&... of) { runs.push_back(std::make_unique<Run>(of...)); };
        add("connecting", crowded.url());
        add("silence", only("HTTP/1.1 2"));
        add("headers without an end", only("HTTP/1.1 200 OK\r\n", "X-More: and more\r\n"));
        add("nothing behind the header", nothing_of_clip());
        HttpAnswer slow = only("HTTP/1.1 302 Found\r\nLocation: /again.ts\r\nContent-Length: 0\r\n\r\n");
        slow.pause_ms = 3000;
        add("a redirection to itself that takes its time", slow);
        slow = only("HTTP/1.1 200 OK\r\n\r\n", "#");
        slow.pause_ms = 200;
        add("noise that comes in drops", slow);
        add("half of the file, and silence", half_clip(Break::stall), Arguments{}, true);
        add("half of the file, and nobody there", half_clip(Break::vanish), Arguments{}, true);
        add("a pipe without a writer", "x.ts");
        make_fifo(runs.back()->folder / "x.ts");
        add("a pipe that stalls before its first frame", "x.ts");
        const StalledPipe silent(runs.back()->folder / "x.ts", false);
        add("a pipe that stalls in the middle", "x.ts", Arguments{}, true);
        const StalledPipe stalled(runs.back()->folder / "x.ts", true);
        for (const auto& run : runs) run->start();
        for (const auto& run : runs) wait_until([&] { return !run->child->running() || run->has_begun(); });
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        for (const auto& run : runs) {
            CAPTURE(run->state, number);
            CHECK(run->child->running());
            run->child->signal(number);
        }
        for (const auto& run : runs) {
            CAPTURE(run->state, number);
            const Finished finished = run->child->wait(kLimit);
            INFO(finished.err);
            CHECK(finished.status == 130);
            CHECK(contains(finished.err, "interrupted; what was written is complete"));
            CHECK_FALSE(contains(finished.err, "error"));
            CHECK_FALSE(contains(finished.err, "warning"));
            check_results(*run);
        }
    }
}

TEST_CASE("--give-up ends a run that waits for a web server, whatever it waits for") {
    const CrowdedPort crowded;
    const Arguments give_up = {"--give-up", "2"};
    const std::string empty = "Content-Length: 0\r\n\r\n";
    Runs runs;
    std::vector<std::string> reasons;
    const auto add = [&](const std::string& reason, auto&&... of) {
        reasons.push_back(reason);
        runs.push_back(std::make_unique<Run>(of...));
    };
    add("it says nothing", "connecting", crowded.url(), give_up);
    add("it says nothing", "silence", only("HTTP/1.1 2"), give_up);
    add("it says nothing", "headers without an end", only("HTTP/1.1 200 OK\r\n", "X-More: and more\r\n"), give_up);
    add("it says nothing", "nothing behind the header", nothing_of_clip(), give_up);
    add("nothing more came for 2.00 s", "half of the file, and silence", half_clip(Break::stall), give_up, true);
    add("nothing more came for 2.00 s", "half of the file, and nobody there", half_clip(Break::vanish), give_up, true);
    add("circle", "redirections", only("HTTP/1.1 302 Found\r\nLocation: /again.ts\r\n" + empty), give_up);
    HttpAnswer drops = only("HTTP/1.1 200 OK\r\n\r\n", "#");
    drops.pause_ms = 200;
    add("it says nothing", "noise that comes in drops", drops, give_up);
    add("is no video", "noise", only("HTTP/1.1 200 OK\r\n\r\n", std::string(4096, '#')), give_up);
    add("404", "404", only("HTTP/1.1 404 Not Found\r\n" + empty), give_up);
    add("Server returned 5XX", "500", only("HTTP/1.1 500 Oops\r\n" + empty), give_up);
    HttpAnswer half = half_clip(Break::close);
    half.ranges = false;
    add("the server knows no ranges", "half of the file, and no ranges", half, Arguments{}, true);
    for (const auto& run : runs) run->start();
    for (std::size_t i = 0; i < runs.size(); ++i) {
        const Run& run = *runs[i];
        CAPTURE(run.state);
        const Finished finished = run.child->wait(kLimit);
        INFO(finished.err);
        CHECK(finished.status == 1);
        CHECK(contains(finished.err, "yolo-run: error: '" + run.input + "' "));
        CHECK(contains(finished.err, reasons[i]));
        CHECK_FALSE(contains(finished.err, "warning"));
        check_results(run);
    }
}

TEST_CASE("a file behind a web server that drops it again and again has the records of the file") {
    const TemporaryFolder folder;
    HttpAnswer answer = whole_clip();
    answer.length = HttpAnswer::Length::chunked;
    answer.breaks_after = 150'000;
    const HttpServer server(answer);
    const Finished finished =
        run("yolo-run", with_small_model({server.url("clip.mp4"), "--jsonl", "-", "--threads", "1"}), folder.path());
    INFO(finished.err);
    CHECK(finished.status == 0);
    CHECK_FALSE(contains(finished.err, "warning"));
    CHECK(comparable(finished.out) == records_of_clip());
    CHECK(server.connections() >= 6);
}
