// SPDX-License-Identifier: MIT
#include "tools/media/output_locks.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "tools/media/files.h"
#include "tools/media/unfinished.h"

namespace fs = std::filesystem;

namespace convoy::media {
namespace {

constexpr const char* kLockFile = ".convoy.lock";
constexpr off_t kPresence = 0;  // the byte that every run in the folder holds with the others

/// Locks one byte of a file, or with `length` 0 all behind it, for this open file alone: threads and other descriptors
/// of the process make no difference. 0, or errno.
int lock(int fd, short type, off_t at, off_t length = 1) noexcept {
    struct flock wanted {};
    wanted.l_type = type;
    wanted.l_whence = SEEK_SET;
    wanted.l_start = at;
    wanted.l_len = length;
    return ::fcntl(fd, F_OFD_SETLK, &wanted) == 0 ? 0 : errno;
}

bool is_held(int error) { return error == EAGAIN || error == EACCES; }

bool is_at(int fd, const char* path) noexcept {
    struct stat open {
    }, named{};
    return ::fstat(fd, &open) == 0 && ::stat(path, &named) == 0 && open.st_dev == named.st_dev &&
           open.st_ino == named.st_ino;
}

/// A name's byte, by FNV-1a.
off_t byte_of(std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return off_t(hash >> 2) + 1;
}

}  // namespace

void OutputLocks::swap(OutputLocks& other) noexcept {
    folders_.swap(other.folders_);
    made_.swap(other.made_);
    files_.swap(other.files_);
}

void OutputLocks::make_folder(const std::string& path) {
    std::vector<std::string> missing;
    std::error_code error;
    fs::path folder = fs::absolute(path).lexically_normal();
    if (!folder.has_filename()) folder = folder.parent_path();
    for (fs::path at = folder; !fs::exists(at, error) && at.has_relative_path(); at = at.parent_path())
        missing.push_back(at.string());
    do {  // until it is there to stay: another run may be about to remove it
        fs::create_directories(folder, error);
        if (error) throw Error(ErrorKind::output, "cannot create the folder " + path + ": " + error.message());
    } while (!enter(folder.string()) && !fs::exists(folder, error));
    made_.insert(made_.begin(), missing.begin(), missing.end());  // the deepest first
}

/// The folder's locks; null where there can be none.
const OutputLocks::Folder* OutputLocks::enter(const std::string& path) {
    std::error_code error;
    const std::string folder = fs::canonical(path, error).string();
    const auto known =
        std::find_if(folders_.begin(), folders_.end(), [&](const Folder& f) { return f.path == folder; });
    if (known != folders_.end()) return &*known;
    const std::string file = folder + "/" + kLockFile;
    for (int tries = 0; !error && tries < 1000; ++tries) {
        const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (fd < 0) return nullptr;
        const int code = lock(fd, F_RDLCK, kPresence);
        if (code == 0 && is_at(fd, file.c_str())) {
            std::vector<std::string> unfinished = unfinished_in(folder);
            std::erase_if(unfinished, [&](const std::string& name) {  // whatever they are of: pictures without names
                return fs::is_directory(folder + "/" + name, error) && remove_unfinished(folder + "/" + name);
            });
            return &folders_.emplace_back(Folder{folder, file, fd, std::move(unfinished)});
        }
        ::close(fd);
        if (code != 0 && !is_held(code)) return nullptr;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));  // another run is just removing it
    }
    return nullptr;
}

bool OutputLocks::take(const std::string& path) {
    const std::optional<std::string> replaced = replaceable_file(path);
    if (!replaced) return true;
    const fs::path file = *replaced;
    if (const Folder* folder = enter(file.has_parent_path() ? file.parent_path().string() : ".")) {
        if (is_held(lock(folder->fd, F_WRLCK, byte_of(file.filename().string())))) return false;
        for (const std::string& name : folder->unfinished)
            if (is_unfinished_of(name, file)) remove_unfinished(folder->path + "/" + name);
        return true;
    }
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK);  // it is written in place
    if (fd < 0) return true;
    if (is_held(lock(fd, F_WRLCK, 0, 0))) {
        ::close(fd);
        return false;
    }
    files_.push_back(fd);
    return true;
}

void OutputLocks::require(const std::string& path) {
    if (!take(path)) throw_output(path, "another run is writing it; wait until that has ended, or name another file");
}

void OutputLocks::release() noexcept {
    for (int& fd : files_)
        if (const int open = std::exchange(fd, -1); open >= 0) ::close(open);
    for (Folder& folder : folders_) {
        const int fd = std::exchange(folder.fd, -1);
        if (fd < 0) continue;
        // Who holds this byte alone knows that nobody else is there: who comes waits until the file is gone.
        if (lock(fd, F_UNLCK, kPresence) == 0 && lock(fd, F_WRLCK, kPresence) == 0 && is_at(fd, folder.file.c_str()))
            ::unlink(folder.file.c_str());
        ::close(fd);
    }
    for (const std::string& folder : made_) ::rmdir(folder.c_str());
}

}  // namespace convoy::media
