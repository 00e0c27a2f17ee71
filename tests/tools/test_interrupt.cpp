// SPDX-License-Identifier: MIT
//
// SIGINT and SIGTERM while yolo-run waits for somebody else: for whoever writes what it reads, and for whoever reads
// what it writes. It ends with status 130 and whole files, whatever it waits for.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>

#include "tests/support/catch.h"
#include "tests/tools/silent_server.h"
#include "tests/tools/yolo_run_support.h"

using namespace convoy;
using namespace convoy::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::chrono::seconds kLimit{10};  // after the signal; it takes two at most, but this machine may be busy

void pause_ms(int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }

/// A descriptor that goes with the object.
class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) { REQUIRE(fd >= 0); }
    ~Descriptor() { close(); }
    void close() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    operator int() const { return fd_; }

private:
    int fd_;
};

struct Pipe {
    Pipe() : Pipe(make()) {}
    Descriptor reading, writing;
    /// Whether nothing more goes in.
    bool full() const {
        pollfd p{writing, POLLOUT, 0};
        return ::poll(&p, 1, 0) == 0;
    }
    /// Fills it up with what nobody is going to read.
    void fill() const {
        const std::array<char, 4096> page{};
        while (!full()) REQUIRE(::write(writing, page.data(), page.size()) > 0);
    }

private:
    explicit Pipe(std::array<int, 2> fds) : reading(fds[0]), writing(fds[1]) {}
    static std::array<int, 2> make() {
        std::array<int, 2> fds = {-1, -1};
        REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
        return fds;
    }
};

/// Returns when it has slept for 300 ms but for short looks whether it may go on, however busy the machine is.
void wait_until_asleep(Child& child) {
    int asleep = 0;
    wait_until([&] {
        asleep = child.sleeps() ? asleep + 1 : 0;
        return asleep == 15 || !child.running();
    });
}

/// Runs yolo-run until `blocked` says that it waits, and interrupts it then.
Finished interrupted(const TemporaryFolder& folder, const Arguments& arguments, const std::function<bool()>& blocked,
                     Streams streams = {}, int number = SIGINT) {
    Child child("yolo-run", with_small_model(arguments), folder.path(), streams);
    const auto begun = [&] { return streams.err >= 0 || contains(child.err(), " on cpu"); };
    wait_until([&] { return !child.running() || (begun() && blocked()); });
    wait_until_asleep(child);
    CHECK(child.running());
    child.signal(number);
    return child.wait(kLimit);
}

/// The same for one that waits as soon as it has begun.
Finished interrupted(const TemporaryFolder& folder, const Arguments& arguments, Streams streams = {}) {
    return interrupted(
        folder, arguments, [] { return true; }, streams);
}

void check_interrupted(const Finished& finished) {
    INFO(finished.err);
    CHECK(finished.status == 130);
    CHECK(contains(finished.err, "interrupted"));
    CHECK_FALSE(contains(finished.err, "warning"));
}

/// … and that nothing was wrong with what it has read.
void check_interrupted_input(const Finished& finished) {
    check_interrupted(finished);
    INFO(finished.err);
    CHECK_FALSE(contains(finished.err, "error"));
}

void check_given_up(const Finished& finished, const std::string& output) {
    check_interrupted(finished);
    INFO(finished.err);
    CHECK(contains(finished.err, "error: cannot write " + output + ": nobody reads it"));
}

}  // namespace

TEST_CASE("a server that accepts and says nothing does not hold up the end") {
    for (const std::string protocol : {"http://", "tcp://", "rtsp://"}) {
        const TemporaryFolder folder;
        const SilentServer server;
        const std::string url = protocol + server.address() + "/clip.mp4";
        INFO(url);
        const auto connected = [&] { return server.connected(); };
        check_interrupted_input(interrupted(folder, {url, "--jsonl", "x.jsonl"}, connected));
    }
}

TEST_CASE("a pipe that nobody writes into does not hold up the end") {
    for (const std::string name : {"x.ts", "x.jpg"}) {
        INFO(name);
        const TemporaryFolder folder;
        make_fifo(folder / name);
        check_interrupted_input(interrupted(folder, {name, "--jsonl", "x.jsonl"}));
    }
    const TemporaryFolder folder;
    const Pipe silent;
    check_interrupted_input(interrupted(folder, {"/dev/stdin", "--jsonl", "x.jsonl"}, {.in = silent.reading}));
}

TEST_CASE("a pipe whose writer stalls does not hold up the end, and what came is there") {
    const TemporaryFolder folder;
    make_fifo(folder / "x.jpg");
    const Descriptor keeps(::open((folder / "x.jpg").c_str(), O_RDWR | O_CLOEXEC));
    save_frame(folder / "whole.jpg", 0);
    const std::string part = read_file(folder / "whole.jpg").substr(0, 5000);
    REQUIRE(::write(keeps, part.data(), part.size()) == 5000);
    const auto one_done = [&] { return lines_of(read_file(folder / "x.jsonl")).size() == 1; };
    check_interrupted_input(
        interrupted(folder, {"whole.jpg", "x.jpg", "--jsonl", "x.jsonl", "--batch", "1"}, one_done));
    CHECK(records_in(read_file(folder / "x.jsonl")).size() == 1);
}

TEST_CASE("records that nobody reads do not hold up the end, and the video beside them is whole") {
    for (const int number : {SIGINT, SIGTERM}) {
        const TemporaryFolder folder;
        const Pipe stalled;
        stalled.fill();
        const auto drawn = [&] { return files_in(folder.path()) > 1; };  // the video's temporary file is there
        const Finished finished =
            interrupted(folder, {clip(), "--jsonl", "-", "--video", "x.mp4"}, drawn, {.out = stalled.writing}, number);
        check_given_up(finished, "to standard output");
        if (fs::exists(folder / "x.mp4")) CHECK(frames_in_video(folder / "x.mp4") > 0);
        CHECK(files_in(folder.path()) == (fs::exists(folder / "x.mp4") ? 2 : 1));
        CHECK((::fcntl(stalled.writing, F_GETFL) & O_NONBLOCK) == 0);
    }
}

TEST_CASE("records that somebody reads after the signal are all there") {
    const TemporaryFolder folder;
    Pipe pipe;
    Child child("yolo-run", with_small_model({clip(), clip(), "--jsonl", "-"}), folder.path(), {.out = pipe.writing});
    while (child.running() && !pipe.full()) pause_ms(20);
    pipe.writing.close();
    child.signal(SIGINT);
    std::string read;
    std::array<char, 4096> block;
    while (const ssize_t n = ::read(pipe.reading, block.data(), block.size())) {
        REQUIRE(n > 0);
        read.append(block.data(), std::size_t(n));
    }
    check_interrupted_input(child.wait());
    CHECK(records_in(read).size() > 50);  // a pipe full of them, each whole
}

TEST_CASE("named pipes that nobody reads do not hold up the end") {
    struct Case {
        Arguments arguments;
        std::string fifo, name;
    };
    const std::vector<Case> cases = {
        {{"p.jpg", "--jsonl", "out"}, "out", "out"},
        {{"p.jpg", "--jsonl", "x.jsonl", "--coco", "out"}, "out", "out"},
        {{"p.jpg", "--yolo", "labels"}, "labels/p.txt", "'labels/p.txt'"},
        {{clip(), "--frames", "3", "--video", "out.mkv"}, "out.mkv", "'out.mkv'"},
        {{"p.jpg", "--pictures", "found"}, "found/p.jpg", "'found/p.jpg'"},
        {{"p.jpg", "--contact-sheet", "out.jpg"}, "out.jpg", "'out.jpg'"},
        {{"p.jpg", "--jsonl", "x.jsonl", "--report-json", "out"}, "out", "'out'"},
        {{"p.jpg", "--jsonl", "x.jsonl", "--trace", "out"}, "out", "'out'"},
    };
    for (const Case& c : cases) {
        INFO(c.arguments[1] << " " << c.arguments.back());
        const TemporaryFolder folder;
        save_frame(folder / "p.jpg", 0);
        if (fs::path(c.fifo).has_parent_path()) fs::create_directory(folder.path() / fs::path(c.fifo).parent_path());
        make_fifo(folder / c.fifo);
        check_given_up(interrupted(folder, c.arguments), c.name);
        const bool records = fs::exists(folder / "x.jsonl");
        if (records) CHECK(records_in(read_file(folder / "x.jsonl")).size() == 1);
        CHECK(files_in(folder.path()) == std::size_t(records ? 5 : 4));  // no temporary file is left
    }
}

TEST_CASE("a named pipe whose reader stalls does not hold up the end") {
    for (const std::string option : {"--jsonl", "--video"}) {
        INFO(option);
        const TemporaryFolder folder;
        const std::string name = option == "--jsonl" ? "out" : "out.mkv";
        make_fifo(folder / name);
        const Descriptor stalled(::open((folder / name).c_str(), O_RDWR | O_CLOEXEC));
        const auto full = [&] {
            pollfd p{stalled, POLLOUT, 0};
            return ::poll(&p, 1, 0) == 0;
        };
        const Finished finished = interrupted(folder, {clip(), option, name, "--contact-sheet", "sheet.jpg"}, full);
        check_given_up(finished, option == "--jsonl" ? "out" : "'out.mkv'");
        if (option == "--jsonl") {
            CHECK(contains(finished.err, " records are in it"));
        } else {
            int held = 0;
            REQUIRE(::ioctl(stalled, FIONREAD, &held) == 0);
            CHECK(contains(finished.err, "; " + std::to_string(held) + " bytes have gone out"));
        }
        CHECK(fs::file_size(folder.path() / "sheet.jpg") > 0);
        CHECK(files_in(folder.path()) == 4);
    }
}

TEST_CASE("messages that nobody reads hold up neither a run nor its end") {
    const TemporaryFolder folder;
    Arguments arguments;
    for (int i = 0; i < 60; ++i) {
        const std::string name = std::string(120, 'x') + std::to_string(i) + ".jpg";
        write_file(folder / name, "no picture");
        arguments.push_back(name);
    }
    arguments.insert(arguments.end(), {"--jsonl", "x.jsonl", "--frames", "8", clip()});
    const Pipe stalled;
    REQUIRE(::fcntl(stalled.writing, F_SETPIPE_SZ, 4096) > 0);
    Child child("yolo-run", with_small_model(arguments), folder.path(), {.err = stalled.writing});
    CHECK(child.wait(kLimit).status == 1);  // of the pictures
    CHECK(records_in(read_file(folder / "x.jsonl")).size() == 8);
    CHECK(stalled.full());
    make_fifo(folder / "video");  // which nobody writes
    const Finished finished =
        interrupted(folder, {"video", "--jsonl", "y.jsonl"}, [] { return true; }, {.err = stalled.writing});
    CHECK(finished.status == 130);
}

TEST_CASE("while a cfg of 100,000 layers is read and planned, a signal ends it at once") {
    constexpr int kLayers = 100000;
    const TemporaryFolder folder;
    std::string cfg = "[net]\nwidth=8\nheight=8\nchannels=3\n", weights(20, '\0');
    for (int i = 0; i < kLayers; ++i) cfg += "[conv]\nfilters=1\n";
    cfg += "[conv]\nfilters=7\nactivation=linear\n[yolo]\nanchors=9,9\nclasses=2\nnum=1\n";
    weights[4] = 2;  // version 0.2, of which `seen` has 8 bytes
    weights.resize(weights.size() + sizeof(float) * (4 + 2 * (kLayers - 1) + 7 * 2));
    write_file(folder / "m.cfg", cfg);
    write_file(folder / "m.weights", weights);
    make_fifo(folder / "video");  // which nobody writes
    save_frame(folder / "p.jpg", 0);
    write_file(folder / "data.json",
               R"({"images":[{"id":1,"file_name":"p.jpg","width":768,"height":576}],"annotations":[],)"
               R"("categories":[{"id":1,"name":"a"},{"id":2,"name":"b"}]})");
    const std::pair<const char*, Arguments> commands[] = {
        {"yolo-run", {"video", "--model", "m", "--device", "cpu", "--jsonl", "x.jsonl"}},
        {"yolo-eval", {"--model", "m", "--device", "cpu", "--data", "data.json", "--images", "."}},
        {"yolo-inspect", {"m.cfg", "--passes"}}};
    for (const auto& [program, arguments] : commands)
        for (const int signal : {SIGINT, SIGTERM})
            for (const int after_ms : {50, 300}) {
                INFO(program << ", signal " << signal << " after " << after_ms << " ms");
                Child child(program, arguments, folder.path());
                pause_ms(after_ms);
                const auto start = std::chrono::steady_clock::now();
                child.signal(signal);
                const int status = child.wait(kLimit).status;
                CHECK((status == 130 || status == 128 + signal));
                CHECK(std::chrono::steady_clock::now() - start < kLimit / 2);
            }
}

TEST_CASE("when all is written, a signal ends it though nobody reads its answer") {
    const TemporaryFolder folder;
    save_frame(folder / "p.jpg", 0);
    const Pipe stalled;
    stalled.fill();
    const auto written = [&] { return fs::exists(folder / "runs/p.jpg"); };
    const Finished finished = interrupted(folder, {"p.jpg"}, written, {.out = stalled.writing});
    CHECK(finished.status == 130);
    CHECK(fs::file_size(folder.path() / "runs/p.jpg") > 0);
}

TEST_CASE("a video for a pipe must be one that is written in sequence") {
    const TemporaryFolder folder;
    make_fifo(folder / "x.mp4");
    check_failure(yolo_run(folder, {clip(), "--video", "x.mp4"}), 1, "take .mkv");
}

TEST_CASE("videos and records go through pipes") {
    const TemporaryFolder folder;
    write_file(folder / "run.sh",
               "mkfifo in.mkv out.mkv\nffmpeg -v error -y -i \"$1\" -c copy -f matroska - > in.mkv &\n"
               "cat out.mkv > whole.mkv &\nshift\n\"$@\" in.mkv --video out.mkv --jsonl - | cat > records\n"
               "status=${PIPESTATUS[0]}\nwait\nexit $status\n");
    const Finished finished =
        run("/bin/bash", with_small_model({"run.sh", clip(), built_program("yolo-run").string()}), folder.path());
    INFO(finished.err);
    if (contains(finished.err, "ffmpeg: command not found")) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    CHECK(finished.status == 0);
    CHECK(records_in(read_file(folder / "records")).size() == 240);
    CHECK(frames_in_video(folder / "whole.mkv") == 240);
}
