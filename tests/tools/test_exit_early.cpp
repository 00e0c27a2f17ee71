// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/tools/media_files.h"
#include "tools/exit_early.h"

using namespace convoy;
using namespace convoy::test;

namespace {

constexpr int kStatus = 42;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif
constexpr const char* kWhySkipped = "a sanitizer looks after threads and leaks at the end";

int open_file(const std::string& path) { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); }

struct Orphans {
    Orphans() { REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); }
    ~Orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 0); }
};

/// A file that names the system's first process.
std::string first_process(const TempFolder& folder, const char* name) {
    const std::string path = folder / name;
    std::ofstream(path) << name << '\n';
    return path;
}

/// Of a process that has the files open, locked, and ends so that `slow` ones are closed later.
pid_t start(const std::vector<std::string>& files, const std::string& slow, const std::string& first,
            const std::array<int, 2>& pipe) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child > 0) return child;
    ::close(pipe[0]);
    for (const std::string& file : files)
        if (::flock(open_file(file), LOCK_EX) != 0) ::_exit(1);
    if (::write(pipe[1], "written", 7) != 7) ::_exit(1);
    tools::exit_early(kStatus, slow.c_str(), first.c_str());
}

}  // namespace

TEST_CASE("a process that leaves slow files to a child ends with its status, all else closed", "[exit_early]") {
    if (kSanitized) SKIP_TEST_CASE(kWhySkipped);
    const TempFolder folder;
    const Orphans orphans;
    const std::string slow = folder / "slow", other = folder / "other";
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const pid_t process = start({slow, other}, slow, first_process(folder, "systemd"), pipe);
    ::close(pipe[1]);

    int state = 0;
    REQUIRE(::waitpid(process, &state, 0) == process);
    CHECK(WIFEXITED(state));
    CHECK(WEXITSTATUS(state) == kStatus);
    std::array<char, 16> said{};
    CHECK(::read(pipe[0], said.data(), said.size()) == 7);
    CHECK(::read(pipe[0], said.data(), said.size()) == 0);
    ::close(pipe[0]);
    const int free = open_file(other);
    CHECK(::flock(free, LOCK_EX | LOCK_NB) == 0);
    ::close(free);

    // What it has left behind, which holds the slow one, ends by itself.
    const pid_t child = ::waitpid(-1, &state, 0);
    CHECK(child > 0);
    CHECK(state == 0);
    const int closed = open_file(slow);
    CHECK(::flock(closed, LOCK_EX | LOCK_NB) == 0);
    ::close(closed);
}

TEST_CASE("a process leaves no child without slow files, and none that nobody would bury", "[exit_early]") {
    if (kSanitized) SKIP_TEST_CASE(kWhySkipped);
    const char* const name = GENERATE("systemd", "python3");
    const TempFolder folder;
    const Orphans orphans;
    const std::string slow = folder / "slow", file = name == std::string("systemd") ? folder / "other" : slow;
    std::array<int, 2> pipe{};
    REQUIRE(::pipe(pipe.data()) == 0);
    const pid_t process = start({file}, slow, first_process(folder, name), pipe);
    int state = 0;
    REQUIRE(::waitpid(process, &state, 0) == process);
    for (const int end : pipe) ::close(end);
    CHECK(WEXITSTATUS(state) == kStatus);
    CHECK(::waitpid(-1, &state, 0) == -1);
}
