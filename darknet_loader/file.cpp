// SPDX-License-Identifier: MIT
#include "darknet_loader/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

namespace fs = std::filesystem;

namespace convoy {
namespace {

constexpr const char* kOpenFiles = "/proc/self/fd";

std::string reason(int code) { return std::generic_category().message(code); }

/// What a name stands for in the end: links are followed, also to what does not exist yet.
std::string followed(fs::path path) {
    constexpr int kMostLinks = 40;  // Linux's own limit
    std::error_code error;
    for (int i = 0; i < kMostLinks && fs::is_symlink(fs::symlink_status(path, error)); ++i)
        path = path.parent_path() / fs::read_symlink(path, error);
    return path.string();
}

struct Descriptor {
    int fd;
    ~Descriptor() {
        if (fd >= 0) ::close(fd);
    }
};

}  // namespace

MappedFile map_file(const std::string& path, const std::string& what, std::size_t limit) {
    const auto fail = [&](const std::string& why) {
        throw Error(ErrorKind::model, "cannot read " + what + " '" + path + "': " + why);
    };
    // Without O_NONBLOCK, opening a pipe that nobody writes to would hang.
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat info {};
    if (file.fd < 0 || ::fstat(file.fd, &info) != 0) fail(reason(errno));
    if (S_ISDIR(info.st_mode)) fail("it is a directory; name a file");
    if (!S_ISREG(info.st_mode)) fail("it is not a regular file");
    MappedFile out;
    out.size = std::size_t(info.st_size);
    if (out.size > limit)
        fail("it has " + std::to_string(out.size) + " bytes, more than any such file needs (limit " +
             std::to_string(limit) + "); is it the right file?");
    if (out.size == 0) return out;
    void* address = ::mmap(nullptr, out.size, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (address == MAP_FAILED) fail(reason(errno));
    out.data = static_cast<const char*>(address);
    out.storage = {address, [size = out.size](const void* p) { ::munmap(const_cast<void*>(p), size); }};
    return out;
}

std::string_view without_marks(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    const std::size_t end = text.find_last_not_of(" \t\r\n");
    return end != text.npos && text[end] == '\x1a' ? text.substr(0, end) : text;
}

AtomicFile::AtomicFile(std::string path) : path_(std::move(path)) {
    struct stat info {};
    // Renaming onto a device or pipe would replace it.
    if (::stat(path_.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
        fail(S_ISDIR(info.st_mode) ? "it is a directory; name a file" : "it is not a regular file");
    const bool replaces = info.st_mode != 0;
    path_ = followed(path_);
    static std::atomic<unsigned> serial{0};
    const std::string name = ".convoy-" + std::to_string(::getpid()) + "-" + std::to_string(serial++) + ".tmp";
    const fs::path folder = fs::path(path_).parent_path();
    temporary_ = (folder / name).string();
    const mode_t mode = replaces ? 0600 : 0666;
    if (::access(kOpenFiles, X_OK) == 0)
        file_ = ::open(folder.empty() ? "." : folder.c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
    unnamed_ = file_ >= 0;
    if (!unnamed_) file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file_ < 0) fail(reason(errno));
    if (!replaces) return;
    // What takes a file's place has its permissions and, where that is allowed, its owner.
    const bool same_owner = ::fchown(file_, info.st_uid, info.st_gid) == 0;
    if (::fchmod(file_, info.st_mode & (same_owner ? 07777 : 0777)) != 0) fail(reason(errno));
}

AtomicFile::~AtomicFile() {
    if (file_ >= 0) ::close(file_);
    if (!unnamed_ && !committed_) ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const std::string& what) const {
    throw Error(ErrorKind::output, "cannot write '" + path_ + "': " + what);
}

void AtomicFile::write(const void* data, std::size_t size) {
    const char* from = static_cast<const char*>(data);
    while (size > 0) {
        const ssize_t n = ::write(file_, from, std::min(size, std::size_t(1) << 30));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) fail(reason(n < 0 ? errno : EIO));
        from += n;
        size -= std::size_t(n);
    }
}

void AtomicFile::finish() {
    if (unnamed_) {
        const std::string open = std::string(kOpenFiles) + "/" + std::to_string(file_);
        if (::linkat(AT_FDCWD, open.c_str(), AT_FDCWD, temporary_.c_str(), AT_SYMLINK_FOLLOW) != 0) fail(reason(errno));
        unnamed_ = false;
    }
    const int file = file_;
    file_ = -1;
    if (::close(file) != 0) fail(reason(errno));
}

void AtomicFile::commit() {
    if (file_ >= 0) finish();
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail(reason(errno));
    committed_ = true;
}

}  // namespace convoy
