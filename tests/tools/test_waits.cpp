// SPDX-License-Identifier: MIT
//
// Inputs that keep their reader waiting: pipes, silent servers, a name service that does not answer.
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>

#include <convoy/media/input.h>
#include <convoy/media/source.h>
#include "tests/support/catch.h"
#include "tests/support/in_time.h"
#include "tests/tools/http_server.h"
#include "tests/tools/media_files.h"
#include "tests/tools/segment_frames.h"
#include "tests/tools/silent_server.h"
#include "tools/media/in/host_lookup.h"

using namespace convoy;
using namespace convoy::test;
using Clock = std::chrono::steady_clock;

namespace {

std::string make_fifo(const std::string& path) {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    return path;
}

/// Writes bytes into a pipe from a thread of its own, and closes it.
std::jthread write_into(const std::string& path, Bytes bytes) {
    return std::jthread([path, bytes = std::move(bytes)] { write_bytes(path, bytes); });
}

/// Asks to stop a little later.
std::jthread stop_soon(std::stop_source& cancel) {
    return std::jthread([&cancel] {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        cancel.request_stop();
    });
}

/// In a network of this process's own: a name service that takes every question and answers none. False where the
/// system does not allow that.
bool silence_name_service(const TempFolder& folder) {
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER)) != 0) return false;
    write_bytes(folder / "resolv.conf", Bytes{});
    const int file = ::open((folder / "resolv.conf").c_str(), O_WRONLY | O_CLOEXEC);
    constexpr std::string_view kSelf = "nameserver 127.0.0.1\n";
    if (file < 0 || ::write(file, kSelf.data(), kSelf.size()) < 0) return false;
    const int server = ::socket(AF_INET, SOCK_DGRAM, 0);
    ifreq loopback = {};
    std::strcpy(loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP | IFF_RUNNING;
    sockaddr_in name = {};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(53);
    return ::ioctl(server, SIOCSIFFLAGS, &loopback) == 0 &&
           ::bind(server, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0 &&
           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount((folder / "resolv.conf").c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr) == 0;
}

/// A variable of the environment: not set at first, and as it was in the end.
class Variable {
public:
    explicit Variable(const char* name) : name_(name) {
        if (const char* value = std::getenv(name)) kept_ = value;
        ::unsetenv(name);
    }
    ~Variable() { kept_ ? ::setenv(name_, kept_->c_str(), 1) : ::unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    void set(const char* value) const { ::setenv(name_, value, 1); }

private:
    const char* name_;
    std::optional<std::string> kept_;
};

std::vector<FrameMark> frames_of(Input& input) {
    std::vector<FrameMark> all;
    const auto reader = input.make_reader({});
    while (const auto segment = input.next_segment()) {
        const std::vector<FrameMark> some = read_segment(*reader, segment);
        all.insert(all.end(), some.begin(), some.end());
    }
    CHECK(input.notes().damaged == 0);
    return all;
}

}  // namespace

TEST_CASE("a video comes through a pipe as from its file", "[waits]") {
    if (!has_ffmpeg()) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    const TempFolder folder;
    const std::string file = folder / "clip.mkv", pipe = make_fifo(folder / "pipe.mkv");
    output_of("ffmpeg -y -i " + clip() + " -c copy -frames:v 100 " + file);
    const std::jthread writer = write_into(pipe, read_bytes(file));
    in_time("a video through a pipe", [&] {
        const auto of_file = media::open_input(file), of_pipe = media::open_input(pipe);
        const std::vector<FrameMark> expected = frames_of(*of_file);
        CHECK(expected.size() == 100);
        CHECK(difference(frames_of(*of_pipe), expected) == "");
    });
}

TEST_CASE("what libav calls the end of a GXF in a pipe is one", "[waits]") {
    const TempFolder folder;
    const std::string file = folder / "x.gxf", pipe = make_fifo(folder / "pipe.gxf");
    if (!make_video("-f lavfi -i testsrc2=s=720x576:r=25:d=1 -c:v mpeg2video", file)) return;
    Bytes bytes = read_bytes(file);
    for (const bool whole : {true, false}) {
        if (!whole) bytes.resize(bytes.size() / 2);
        const std::jthread writer = write_into(pipe, bytes);
        in_time("a GXF through a pipe", [&] {
            const auto source = media::open_source(pipe, {1});
            int frames = 0;
            while (source->next()) ++frames;
            CHECK((frames == 25) == whole);
            CHECK((source->damaged() == 0) == whole);
        });
    }
}

TEST_CASE("what must be read again from its start says that it came through a pipe", "[waits]") {
    if (!has_ffmpeg()) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    const TempFolder folder;
    const std::string file = folder / "clip.mp4", pipe = make_fifo(folder / "pipe.mp4");
    output_of("ffmpeg -y -i " + clip() + " -c copy " + file);  // its index is at the end
    const std::jthread writer = write_into(pipe, read_bytes(file));
    const Error error = in_time("an .mp4 through a pipe", [&] { return error_of([&] { media::open_input(pipe); }); });
    CHECK(error.kind() == ErrorKind::input);
    CHECK(std::string(error.what()).find("pipe.mp4") != std::string::npos);
    CHECK(std::string(error.what()).find("a pipe cannot be read back: give the file") != std::string::npos);
}

TEST_CASE("waiting for whoever writes into a pipe can be ended", "[waits]") {
    const TempFolder folder;
    const std::string unwritten = make_fifo(folder / "unwritten.ts"), stalled = make_fifo(folder / "stalled.ts");
    const int writer = ::open(stalled.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(writer >= 0);
    for (const std::string& path : {unwritten, stalled}) {
        INFO(path);
        std::stop_source cancel;
        const std::jthread stop = stop_soon(cancel);
        const auto open = [&] { return error_of([&] { media::open_input(path, {}, cancel.get_token()); }); };
        CHECK(in_time("opening a silent pipe", open).kind() == ErrorKind::input);
        CHECK(cancel.stop_requested());
    }
    ::close(writer);
}

TEST_CASE("a picture comes through a pipe, and waiting for it can be ended", "[waits]") {
    const TempFolder folder;
    const media::Image image = synthetic(61, 47, 3);
    media::write_image(folder / "p.png", image);
    const std::string pipe = make_fifo(folder / "pipe.png");
    std::stop_source cancel;
    const auto input = media::open_input(pipe, {}, cancel.get_token());
    const auto reader = input->make_reader({});
    const auto segment = input->next_segment();
    {
        const std::jthread writer = write_into(pipe, read_bytes(folder / "p.png"));
        reader->open(segment);
        const auto frame = in_time("a picture through a pipe", [&] { return reader->next(); });
        REQUIRE(frame);
        CHECK(copy_of(*frame).rgb == image.rgb);
    }
    const std::jthread stop = stop_soon(cancel);
    reader->open(segment);
    CHECK_FALSE(in_time("a silent pipe for a picture", [&] { return reader->next(); }));
    CHECK(reader->notes().damaged == 0);
    const Error error = error_of([&] { media::read_image(pipe, [] { return true; }); });
    CHECK(std::string(error.what()).find("pipe.png") != std::string::npos);
}

TEST_CASE("an address that says nothing is given up in the time that was allowed", "[waits]") {
    const SilentServer server;
    media::InputOptions options;
    options.give_up_s = 1;
    // By default it is 30 s.
    const auto open = [&] {
        return error_of([&] { media::open_input("http://" + server.address() + "/clip.mp4", options); });
    };
    const Error error = in_time("a silent server", open, std::chrono::seconds(20));
    CHECK(error.kind() == ErrorKind::input);
    CHECK(std::string(error.what()).find("it says nothing") != std::string::npos);
}

TEST_CASE("opening a silent address can be ended", "[waits]") {
    const SilentServer server;
    std::stop_source cancel;
    const std::jthread stop = stop_soon(cancel);
    const auto open = [&] {
        return error_of([&] { media::open_input("http://" + server.address() + "/clip.mp4", {}, cancel.get_token()); });
    };
    CHECK(in_time("a silent server", open, std::chrono::seconds(20)).kind() == ErrorKind::input);
}

namespace {

enum Outcome { ended, went_on, not_tried };

/// Runs `wait` in a process with a network of its own and checks that it has ended. False where it was not tried.
template <typename Wait>
bool ends_in_child(Wait wait) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(wait());
    int state = 0;
    REQUIRE(::waitpid(child, &state, 0) == child);
    if (WIFEXITED(state) && WEXITSTATUS(state) == not_tried) {
        WARN("skipped: this system allows no network of our own");
        return false;
    }
    CHECK(state == ended);
    return true;
}

}  // namespace

TEST_CASE("waiting for a name service can be ended", "[waits]") {
    const TempFolder folder;
    const Variable proxy("http_proxy"), no_proxy("no_proxy");
    const auto look_up = [&] {
        if (!silence_name_service(folder)) return not_tried;
        std::stop_source cancel;
        const std::jthread stop = stop_soon(cancel);
        const auto start = Clock::now();
        try {
            media::open_input("http://host.example/clip.mp4", {}, cancel.get_token());
        } catch (const Error&) {
            if (!cancel.stop_requested()) return not_tried;  // somebody has answered
        }
        // By itself the C library gives up after ten seconds.
        return Clock::now() - start < std::chrono::seconds(7) ? ended : went_on;
    };
    for (const bool past_proxy : {false, true}) {
        CAPTURE(past_proxy);
        if (past_proxy) proxy.set("http://127.0.0.1:9"), no_proxy.set("host.example");
        if (!ends_in_child(look_up)) return;
    }
}

TEST_CASE("so can waiting for it to connect again", "[waits]") {
    const TempFolder folder;
    const Variable proxy("http_proxy");
    const auto read_on = [&](bool cancelled) {
        if (!silence_name_service(folder)) return not_tried;
        const std::string hosts = folder / "hosts", known = "127.0.0.1 host.example\n";
        write_bytes(hosts, Bytes(known.begin(), known.end()));
        if (::mount(hosts.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) != 0) return not_tried;
        HttpAnswer answer;
        const Bytes file = read_bytes(clip());
        answer.file.assign(file.begin(), file.end());
        answer.breaks_after = file.size() / 2;
        const HttpServer server(answer);
        std::stop_source cancel;
        media::InputOptions options;
        if (!cancelled) options.give_up_s = 1;
        const std::string port = server.url("clip.mp4").substr(std::string("http://127.0.0.1").size());
        const auto input = media::open_input("http://host.example" + port, options, cancel.get_token());
        write_bytes(hosts, {});
        std::jthread stop;
        if (cancelled) stop = stop_soon(cancel);
        const auto start = Clock::now();
        bool failed = false;
        try {
            while (input->next_segment()) continue;
        } catch (const Error& error) {
            failed = std::string(error.what()).find("nothing more came for 1.00 s") != std::string::npos;
        }
        return failed != cancelled && Clock::now() - start < std::chrono::seconds(7) ? ended : went_on;
    };
    for (const bool cancelled : {true, false}) {
        CAPTURE(cancelled);
        if (!ends_in_child([&] { return read_on(cancelled); })) return;
    }
}

TEST_CASE("the host of an address is the one that is looked up", "[waits]") {
    const Variable proxy("http_proxy"), no_proxy("no_proxy");
    CHECK(media::host_to_look_up("http://host.example/clip.mp4") == "host.example");
    CHECK(media::host_to_look_up("https://name:word@host.example:8080?a=http://other/") == "host.example");
    CHECK(media::host_to_look_up("rtsp://host.example") == "host.example");
    for (const char* url : {"http://127.0.0.1:80/a", "http://[::1]:80/a", "udp://@239.0.0.1:5000", "unix://a/b",
                            "file:///tmp/a.mp4", "srt://:1234?mode=listener", "tcp://"})
        CHECK(media::host_to_look_up(url) == "");
    proxy.set("http://proxy.example:3128");
    for (const char* url : {"http://host.example/clip.mp4", "https://host.example", "rtsps://host.example/1"})
        CHECK(media::host_to_look_up(url) == "proxy.example");
    CHECK(media::host_to_look_up("rtsp://host.example") == "host.example");
    for (const char* list : {"*", "host.example", "localhost, .example", "a,*.example", "example,b"}) {
        INFO(list);
        no_proxy.set(list);
        CHECK(media::host_to_look_up("http://host.example/clip.mp4") == "host.example");
        CHECK(media::host_to_look_up("http://127.0.0.1/clip.mp4") == (list[0] == '*' ? "" : "proxy.example"));
    }
    for (const char* list : {"", " , ", "localhost", "xample", "host", "a.host.example", "host.example.org"}) {
        INFO(list);
        no_proxy.set(list);
        CHECK(media::host_to_look_up("http://host.example/clip.mp4") == "proxy.example");
    }
    proxy.set("socks://proxy.example:3128");  // none that libav takes
    CHECK(media::host_to_look_up("http://host.example/clip.mp4") == "host.example");
    const auto later = Clock::now() + std::chrono::seconds(60);
    CHECK(media::why_not_found("localhost", later, {}) == "");
    CHECK(media::why_not_found("no such host", later, {})
              .starts_with("the name of its host, no such host, cannot be resolved: "));
}
