// SPDX-License-Identifier: MIT
#include "tools/process_limits.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <thread>

namespace convoy::tools {

// glibc gives threads up to eight heaps per core, and each grows to what the hungriest of its threads has ever held. Of
// hundreds of streams that come and go, whose decoders hold 20 MB each, that takes an hour to end.
void share_heaps() {
#ifdef M_ARENA_MAX
    const char* const tunables = std::getenv("GLIBC_TUNABLES");
    if (std::getenv("MALLOC_ARENA_MAX")) return;
    if (tunables && std::string_view(tunables).find("glibc.malloc.arena_max") != std::string_view::npos) return;
    ::mallopt(M_ARENA_MAX, std::max(2, int(std::thread::hardware_concurrency())));
#endif
}

// Hundreds of streams take some five descriptors each, and whoever connects to the page takes one.
void raise_file_limit() {
    constexpr rlim_t kEnough = 65536;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    const rlim_t most = std::min(limit.rlim_max, kEnough);  // RLIM_INFINITY is the largest number
    if (limit.rlim_cur >= most) return;
    limit.rlim_cur = most;
    static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));  // without it fewer are open, which is said then
}

}  // namespace convoy::tools
