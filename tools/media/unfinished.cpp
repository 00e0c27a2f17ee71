// SPDX-License-Identifier: MIT
#include "tools/media/unfinished.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>
#include <system_error>

namespace fs = std::filesystem;

namespace convoy::media {
namespace {

constexpr std::string_view kBegin = ".convoy-", kEnding = ".part";
constexpr std::size_t kDigest = 8, kHostAt = kBegin.size() + kDigest + 1, kBootAt = kHostAt + kDigest + 1;

/// Short, since names are bounded; FNV-1a.
std::string digest(std::string_view text) {
    std::uint32_t hash = 0x811c9dc5;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x01000193;
    std::array<char, kDigest + 1> hex{};
    std::snprintf(hex.data(), hex.size(), "%08x", hash);
    return hex.data();
}

std::string begin_of(const std::string& output) {
    return std::string(kBegin) + digest(fs::path(output).filename().string()) + "-";
}

std::string host() {
    std::array<char, 256> name{};
    gethostname(name.data(), name.size() - 1);
    return digest(name.data());
}

/// Before a restart every process was another one.
std::string boot() {
    std::string id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
    return digest(id);
}

}  // namespace

std::string unfinished_prefix(const std::string& output) { return begin_of(output) + host() + "-" + boot() + "-"; }

bool keep_unfinished(int fd) {
    struct stat status {};
    // A file system without locks: then nobody removes it.
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;
    return fstat(fd, &status) == 0 && status.st_nlink > 0;
}

std::vector<std::string> unfinished_in(const std::string& folder) {
    const std::string ours = host();
    std::vector<std::string> names;
    // Without memory, libstdc++'s directory_iterator ends the process.
    const std::unique_ptr<DIR, int (*)(DIR*)> open(opendir(folder.c_str()), closedir);
    while (const dirent* entry = open ? readdir(open.get()) : nullptr) {
        std::string name = entry->d_name;
        if (name.size() > kBootAt && name.starts_with(kBegin) && name.ends_with(kEnding) &&
            name.compare(kHostAt, kDigest, ours) == 0)
            names.push_back(std::move(name));
    }
    return names;
}

bool is_unfinished_of(const std::string& name, const std::string& output) { return name.starts_with(begin_of(output)); }

bool remove_unfinished(const std::string& path) {
    const std::string name = fs::path(path).filename().string(), now = boot();
    const bool since_start = name.size() > kBootAt && name.compare(kBootAt, kDigest, now) == 0;
    const int fd = open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    std::error_code ignored;
    const bool dead = flock(fd, LOCK_EX | LOCK_NB) == 0 || (!since_start && errno != EWOULDBLOCK);
    if (dead) fs::remove_all(path, ignored);
    close(fd);
    return dead;
}

void remove_all_unfinished(const std::string& folder) {
    for (const std::string& name : unfinished_in(folder)) remove_unfinished(folder + "/" + name);
}

}  // namespace convoy::media
