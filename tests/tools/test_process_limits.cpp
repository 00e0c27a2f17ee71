// SPDX-License-Identifier: MIT
#include "tools/process_limits.h"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"

namespace convoy::test {
namespace {

/// How many heaps glibc has.
int heaps() {
    char* text = nullptr;
    std::size_t size = 0;
    FILE* const out = open_memstream(&text, &size);
    malloc_info(0, out);
    fclose(out);
    int count = 0;
    const std::string all(text, size);
    for (std::size_t at = 0; (at = all.find("<heap nr=", at)) != all.npos; ++at) ++count;
    std::free(text);
    return count;
}

/// In a process of its own, whose threads have all taken memory at the same time.
int heaps_of_threads(int threads, bool shared) {
    const pid_t child = fork();
    if (child == 0) {
        unsetenv("MALLOC_ARENA_MAX");
        if (shared) tools::share_heaps();
        std::barrier together(threads);
        std::vector<std::thread> all;
        for (int i = 0; i < threads; ++i)
            all.emplace_back([&] {
                void* volatile memory = std::malloc(1000);
                together.arrive_and_wait();
                std::free(memory);
            });
        for (std::thread& thread : all) thread.join();
        _exit(heaps());
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("threads share heaps, no more than there are cores") {
    const int cores = std::max(2, int(std::thread::hardware_concurrency())), threads = std::min(4 * cores, 200);
    if (heaps_of_threads(threads, false) <= cores)
        SKIP_TEST_CASE("this malloc() has no heaps to count, or shares them");
    CHECK(heaps_of_threads(threads, true) <= cores);
}

TEST_CASE("as many files may be open as the system allows") {
    rlimit before{}, limit{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
    limit = {64, before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    tools::raise_file_limit();
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(limit.rlim_cur == std::min<rlim_t>(before.rlim_max, 65536));
    CHECK(limit.rlim_max == before.rlim_max);
    limit = {before.rlim_max, before.rlim_max};  // what is more already stays
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0) {
        tools::raise_file_limit();
        getrlimit(RLIMIT_NOFILE, &limit);
        CHECK(limit.rlim_cur == before.rlim_max);
    }
    setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace convoy::test
