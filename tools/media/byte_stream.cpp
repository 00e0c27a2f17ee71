// SPDX-License-Identifier: MIT
#include "tools/media/byte_stream.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "tools/media/files.h"

namespace convoy::media {
namespace {

constexpr int kSliceMs = 50;  // how often a wait asks whether to give up

/// Whether the descriptor is ready, or has anything else to say; false when given up.
bool wait_until_ready(int fd, short events, const GiveUp& give_up) {
    for (int timeout = 0;; timeout = kSliceMs) {
        pollfd ready{fd, events, 0};
        const int count = ::poll(&ready, 1, timeout);
        if (count > 0 || (count < 0 && errno != EINTR)) return true;
        if (give_up && give_up()) return false;
    }
}

void sleep_a_slice() { ::poll(nullptr, 0, kSliceMs); }

/// What a path names, 0 where nothing: S_IFIFO, S_IFSOCK, …
mode_t kind_of(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_mode & S_IFMT : 0;
}

/// Why a path cannot be opened.
std::string reason_of(int code, const std::string& path, const char* in_place_of_socket) {
    if (code != ENXIO || kind_of(path) != S_IFSOCK) return system_message(code);
    return std::string("it is a socket, which cannot be opened by its name; ") + in_place_of_socket;
}

}  // namespace

bool is_stream(const std::string& path) {
    const mode_t kind = kind_of(path);
    return kind == S_IFIFO || kind == S_IFSOCK || kind == S_IFCHR;
}

InputStream::InputStream(const std::string& path, GiveUp give_up)
    : give_up_(std::move(give_up)), fd_(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)) {
    if (fd_ >= 0) return;
    throw_input(path, "cannot be read: " + reason_of(errno, path, "give a pipe, or an address such as unix:///PATH"));
}

InputStream::~InputStream() { ::close(fd_); }

ssize_t InputStream::read(void* to, std::size_t size) {
    for (;;) {
        // Of a pipe that had no writer yet, poll says nothing and read() would say that it has ended.
        if ((give_up_ && give_up_()) || !wait_until_ready(fd_, POLLIN, give_up_)) return -ECANCELED;
        const ssize_t n = ::read(fd_, to, size);
        if (n >= 0) return n;
        if (errno == EAGAIN)
            sleep_a_slice();  // another reader was faster
        else if (errno != EINTR)
            return -errno;
    }
}

OutputStream::OutputStream(const std::string& path, GiveUp give_up) : give_up_(std::move(give_up)), owned_(true) {
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    while ((fd_ = ::open(path.c_str(), flags, 0666)) < 0 && reason_.empty()) {
        if (errno == EINTR) continue;
        if (errno != ENXIO || kind_of(path) != S_IFIFO)
            fail(reason_of(errno, path, "take a pipe in its place"));
        else if (give_up_ && give_up_())
            fail("nobody reads it");
        else
            sleep_a_slice();
    }
    look();
    named_ = has_name();
}

OutputStream::OutputStream(int fd, GiveUp give_up) : give_up_(std::move(give_up)), fd_(fd) {
    look();
    if (!waits_) return;
    // The flags belong to all who share the descriptor, so that the one that does not block must be opened anew.
    const std::string again = "/proc/self/fd/" + std::to_string(fd);
    const int own = ::open(again.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (own < 0) return;  // a socket, or another user's
    fd_ = own;
    owned_ = true;
}

OutputStream::~OutputStream() {
    if (owned_ && fd_ >= 0) ::close(fd_);
}

void OutputStream::look() { waits_ = ::lseek(fd_, 0, SEEK_CUR) < 0 && errno == ESPIPE; }

/// Whether it is a regular file that nobody has removed.
bool OutputStream::has_name() const {
    struct stat status {};
    return fd_ >= 0 && ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink > 0;
}

bool OutputStream::fail(const std::string& reason) {
    if (reason_.empty()) reason_ = reason;
    return false;
}

ssize_t OutputStream::write_some(std::string_view bytes) const {
    if (!waits_ || owned_) return ::write(fd_, bytes.data(), bytes.size());
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0 || errno != ENOTSOCK) return n;
    return ::write(fd_, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));  // a pipe that is ready takes it
}

bool OutputStream::write(std::string_view bytes) {
    if (!reason_.empty()) return false;
    while (!bytes.empty()) {
        if (waits_ && !wait_until_ready(fd_, POLLOUT, give_up_)) return fail("nobody reads it");
        const ssize_t n = write_some(bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN && waits_) {  // another writer was faster
            if (give_up_ && give_up_()) return fail("nobody reads it");
            sleep_a_slice();
            continue;
        }
        if (n <= 0) return fail(system_message(n < 0 ? errno : EIO));
        written_ += n;
        bytes.remove_prefix(std::size_t(n));
    }
    return true;
}

bool OutputStream::close() {
    if (named_ && fd_ >= 0 && !has_name()) fail("somebody has removed it while it was being written");
    if (owned_ && fd_ >= 0 && ::close(std::exchange(fd_, -1)) != 0) fail(system_message(errno));
    return reason_.empty();
}

bool OutputStream::cut(std::int64_t size) {
    struct stat status {};
    return fd_ >= 0 && ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode) && ::ftruncate(fd_, size) == 0;
}

}  // namespace convoy::media
