// SPDX-License-Identifier: MIT
#include "tools/fleet/claims.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/complaint.h"
#include "tests/tools/child.h"

using namespace convoy;
using namespace convoy::fleet;
using namespace std::chrono_literals;

namespace {

/// Runs `work` in so many processes at once; what they return.
std::vector<int> in_processes(int count, const std::function<int(int)>& work) {
    int gate[2];
    REQUIRE(::pipe(gate) == 0);
    std::vector<pid_t> children;
    for (int i = 0; i < count; ++i) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::close(gate[1]);
            char end;
            if (::read(gate[0], &end, 1) != 0) ::_exit(101);
            int status = 102;
            try {
                status = work(i);
            } catch (...) {
            }
            ::_exit(status);
        }
        children.push_back(child);
    }
    ::close(gate[0]), ::close(gate[1]);  // all begin
    std::vector<int> statuses;
    for (const pid_t child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        statuses.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    }
    return statuses;
}

/// By the stamp of another file, since the local clock does not count.
void age(const std::string& path, const std::string& by, double seconds) {
    struct stat now {};
    REQUIRE(::stat(by.c_str(), &now) == 0);
    const double then = double(now.st_mtim.tv_sec) + double(now.st_mtim.tv_nsec) * 1e-9 - seconds;
    const timespec time{time_t(then), long((then - double(time_t(then))) * 1e9)}, times[2] = {time, time};
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

int count(const std::vector<int>& statuses, int status) {
    return int(std::count(statuses.begin(), statuses.end(), status));
}

/// What lies in the folder beside the claims.
std::vector<std::string> others_in(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() != ".claim") names.push_back(entry.path().filename());
    return names;
}

}  // namespace

TEST_CASE("of many processes one gets a name", "[claims]") {
    const test::TemporaryFolder folder;
    constexpr int kNames = 12, kProcesses = 8;
    // Each keeps a bit for what it got.
    const std::string got = folder / "got";
    const auto statuses = in_processes(kProcesses, [&](int number) -> int {
        Claims claims(folder / "claims", 60s);
        for (int name = 0; name < kNames; ++name)
            if (claims.take(std::to_string(name)))
                test::write_file(got + std::to_string(name) + "-" + std::to_string(number), "");
        ::_exit(0);  // without letting go of them
    });
    CHECK(count(statuses, 0) == kProcesses);
    for (int name = 0; name < kNames; ++name) {
        int owners = 0;
        for (int number = 0; number < kProcesses; ++number)
            owners += std::filesystem::exists(got + std::to_string(name) + "-" + std::to_string(number));
        INFO("name " << name);
        CHECK(owners == 1);
    }
    CHECK(others_in(folder.path() / "claims").empty());
}

TEST_CASE("of many processes one takes over a claim that is stale", "[claims]") {
    for (int round = 0; round < 10; ++round) {
        const test::TemporaryFolder folder;
        const std::string claims_folder = folder / "claims", claim = claims_folder + "/000007.claim";
        std::filesystem::create_directory(claims_folder);
        test::write_file(claim, "{\"host\":\"gone\",\"pid\":1}\n");
        age(claim, claim, 100);
        const auto statuses = in_processes(6, [&](int) -> int {
            Claims claims(claims_folder, 30s);
            const int status = claims.take("000007") && claims.holds("000007") ? 7 : 0;
            ::usleep(100'000);
            if (status == 7 && !claims.holds("000007")) return 8;  // another has taken it over in its turn
            ::_exit(status);
        });
        CHECK(count(statuses, 7) == 1);
        CHECK(count(statuses, 0) == 5);
        CHECK(others_in(claims_folder).empty());
    }
}

TEST_CASE("a claim is stale by the stamps of the folder's files", "[claims]") {
    const test::TemporaryFolder folder;
    const std::string path = folder / "a.claim";
    Claims claims(folder.path(), 10s);
    test::write_file(path, "{\"host\":\"other\",\"pid\":4711}\n");
    CHECK_FALSE(claims.take("a"));
    REQUIRE(claims.holder("a"));
    CHECK(claims.holder("a")->who == "host other, process 4711");
    CHECK(std::abs(claims.now_s() - claims.holder("a")->touched_s) < 5);
    age(path, path, 7);
    CHECK_FALSE(claims.take("a"));
    age(path, path, -1000);  // in the future
    CHECK_FALSE(claims.take("a"));
    test::write_file(folder / "now", "");
    age(path, folder / "now", 11);
    std::string from = "?";
    CHECK(claims.take("a", &from));
    CHECK(from == "host other, process 4711");
    CHECK(claims.holds("a"));
    CHECK_FALSE(claims.holder("b"));
    CHECK(claims.take("b", &from));
    CHECK(from.empty());
}

TEST_CASE("a claim that says nothing, or that is no file, gets stale as well", "[claims]") {
    const test::TemporaryFolder folder;
    Claims claims(folder.path(), 10s);
    const std::string odd = folder / "odd.claim", link = folder / "link.claim", own = folder / "own.claim";
    test::write_file(odd, R"({"host": 5, "pid": "x"})");
    std::filesystem::create_symlink("nowhere", link);
    std::filesystem::create_directory(own);
    CHECK_FALSE(claims.take("odd"));
    CHECK_FALSE(claims.take("own"));
    REQUIRE(claims.holder("odd"));
    CHECK(claims.holder("odd")->who == "host ?, process 0");
    REQUIRE(claims.holder("own"));
    CHECK(claims.holder("own")->who == "somebody");
    REQUIRE(claims.holder("link"));
    test::write_file(folder / "now", "");
    for (const std::string& path : {odd, own}) age(path, folder / "now", 11);
    CHECK(claims.take("odd"));
    CHECK(claims.take("own"));
}

TEST_CASE("a claim that goes on is touched, and one that was taken over is noticed", "[claims]") {
    const test::TemporaryFolder folder;
    Claims claims(folder.path(), 1s);  // touched every sixth of it
    REQUIRE(claims.take("a"));
    CHECK_FALSE(claims.take("a"));
    const std::string path = folder / "a.claim";
    struct stat before {
    }, after{};
    REQUIRE(::stat(path.c_str(), &before) == 0);
    const auto is_touched = [&] {
        return ::stat(path.c_str(), &after) == 0 &&
               (after.st_mtim.tv_sec != before.st_mtim.tv_sec || after.st_mtim.tv_nsec != before.st_mtim.tv_nsec);
    };
    for (int i = 0; i < 600 && !is_touched(); ++i) ::usleep(50'000);
    CHECK(is_touched());
    CHECK(claims.holds("a"));

    std::filesystem::rename(path, folder / "aside");
    CHECK_FALSE(claims.holds("a"));
    test::write_file(path, "{\"host\":\"other\",\"pid\":4711}\n");
    CHECK_FALSE(claims.holds("a"));
    claims.release("a");
    CHECK(test::read_file(path) == "{\"host\":\"other\",\"pid\":4711}\n");  // which is not ours to remove
}

TEST_CASE("claims are let go of", "[claims]") {
    const test::TemporaryFolder folder;
    {
        Claims claims(folder.path(), 60s), others(folder.path(), 60s);
        REQUIRE(claims.take("a"));
        REQUIRE(claims.take("b"));
        claims.release("a");
        CHECK(claims.take("a"));
    }
    CHECK(std::filesystem::is_empty(folder.path()));
    const std::string why = test::complaint([&] { Claims(folder.path(), 0.5s); }, ErrorKind::usage);
    CHECK(why.find("a second or more") != std::string::npos);
    test::write_file(folder / "file", "");
    CHECK(test::complaint([&] { Claims(folder / "file", 60s); }, ErrorKind::output).find("file") != std::string::npos);
}
