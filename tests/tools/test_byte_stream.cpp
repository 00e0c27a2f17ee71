// SPDX-License-Identifier: MIT
#include "tools/media/byte_stream.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include <convoy/media/input.h>
#include "tests/support/catch.h"
#include "tests/support/in_time.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using namespace convoy::test;
using media::InputStream;
using media::OutputStream;

namespace {

/// The two ends of a pipe, or of a pair of sockets.
struct Ends {
    explicit Ends(bool sockets) {
        const int code =
            sockets ? ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) : ::pipe2(fds.data(), O_CLOEXEC);
        REQUIRE(code == 0);
    }
    ~Ends() {
        for (const int fd : fds) ::close(fd);
    }
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;
    std::array<int, 2> fds = {-1, -1};  // to read from, to write to
};

const std::string& much() {
    static const std::string text(3 << 20, 'x');  // more than any pipe or socket holds
    return text;
}

std::string read_all(int fd, std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t at = 0; at < size;) {
        const ssize_t n = ::read(fd, text.data() + at, size - at);
        if (n <= 0) return text.substr(0, at);
        at += std::size_t(n);
    }
    return text;
}

}  // namespace

TEST_CASE("what is read slowly arrives whole, what is not read is given up", "[stream]") {
    for (const bool sockets : {false, true}) {
        INFO((sockets ? "sockets" : "a pipe"));
        const Ends ends(sockets);
        const int flags = ::fcntl(ends.fds[1], F_GETFL);
        std::atomic<bool> give_up = false;
        OutputStream stream(ends.fds[1], [&] { return give_up.load(); });
        std::string read;
        std::thread reader([&] { read = read_all(ends.fds[0], much().size()); });
        CHECK(stream.write(much()));
        reader.join();
        CHECK(read == much());
        CHECK(stream.written() == std::int64_t(much().size()));
        std::jthread impatience([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(100));
            give_up = true;
        });
        CHECK_FALSE(in_time("a pipe that nobody reads", [&] { return stream.write(much()); }));
        CHECK(stream.reason() == "nobody reads it");
        const std::int64_t written = stream.written();
        CHECK_FALSE(stream.write("more"));  // else it would go on in the middle of something
        CHECK(stream.written() == written);
        CHECK(::fcntl(ends.fds[1], F_GETFL) == flags);  // others share them
    }
}

TEST_CASE("a reader that is gone is a failure", "[stream]") {
    const auto handler = ::signal(SIGPIPE, SIG_IGN);
    Ends ends(false);
    OutputStream stream(ends.fds[1], {});
    ::close(ends.fds[0]);
    ends.fds[0] = -1;
    CHECK_FALSE(stream.write("x"));
    CHECK(stream.reason() == "Broken pipe");
    ::signal(SIGPIPE, handler);
}

TEST_CASE("a named pipe waits for its reader, and for its writer", "[stream]") {
    const TempFolder folder;
    const std::string path = folder / "pipe";
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK(media::is_stream(path));
    std::string read;
    std::jthread reader([&] {
        InputStream stream(path, {});
        std::array<char, 1000> block;
        while (const ssize_t n = stream.read(block.data(), block.size())) {
            if (n < 0) return;
            read.append(block.data(), std::size_t(n));
        }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));  // it is waiting by now, which is not the end
    {
        OutputStream stream(path, {});
        CHECK(stream.write(much()));
        CHECK(stream.close());
    }
    in_time("the end of a named pipe", [&] { reader.join(); });
    CHECK(read == much());

    OutputStream unread(path, [] { return true; });
    CHECK_FALSE(unread.write("x"));
    CHECK(unread.reason() == "nobody reads it");
    InputStream unwritten(path, [] { return true; });
    char c = 0;
    CHECK(unwritten.read(&c, 1) == -ECANCELED);
}

TEST_CASE("a socket cannot be opened by its name, and the error says what to do", "[stream]") {
    const TempFolder folder;
    sockaddr_un name = {};
    name.sun_family = AF_UNIX;
    const std::string path = folder / "s.mp4";
    REQUIRE(path.size() < sizeof name.sun_path);
    path.copy(name.sun_path, path.size());
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    const Ends inherited(true);
    const std::string descriptor = "/dev/fd/" + std::to_string(inherited.fds[0]);
    for (const std::string& socket : {path, descriptor}) {
        INFO(socket);
        const Error error = error_of([&] { media::open_input(socket); });
        CHECK(error.kind() == ErrorKind::input);
        CHECK(std::string(error.what()) == "'" + socket +
                                               "' cannot be read: it is a socket, which cannot be opened by its name; "
                                               "give a pipe, or an address such as unix:///PATH");
        OutputStream stream(socket, {});
        CHECK_FALSE(stream.write("x"));
        CHECK(stream.reason() == "it is a socket, which cannot be opened by its name; take a pipe in its place");
    }
    ::close(listener);
}

TEST_CASE("files are written and cut", "[stream]") {
    const TempFolder folder;
    const std::string path = folder / "file";
    CHECK_FALSE(media::is_stream(folder.path()));
    OutputStream stream(path, [] { return true; });  // nobody is waited for
    CHECK(stream.write(much()));
    CHECK(stream.cut(5));
    CHECK(stream.close());
    CHECK(read_bytes(path) == Bytes(5, 'x'));
    OutputStream nowhere(folder / "none/file", {});
    CHECK_FALSE(nowhere.write("x"));
    CHECK(nowhere.reason() == "No such file or directory");
    CHECK_FALSE(nowhere.cut(0));
}
