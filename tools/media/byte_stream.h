// SPDX-License-Identifier: MIT
//
// Bytes from and to what may keep us waiting: pipes, terminals, and sockets that are written to as a descriptor. Every
// wait can be given up.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <convoy/media/give_up.h>

namespace convoy::media {

/// Whether a path names something that is read or written once, in sequence, by another program's leave: a named or
/// inherited pipe (/dev/stdin, /dev/fd/63), a terminal or another character device; or a socket, which cannot be opened
/// by a name.
bool is_stream(const std::string& path);

/// What such a path holds. A named pipe without a writer waits for one; its last writer's leaving is the end.
class InputStream {
public:
    /// Opens it without waiting. Throws Error(input) that names the path, and says what to do where that is a socket.
    InputStream(const std::string& path, GiveUp give_up);
    ~InputStream();
    InputStream(const InputStream&) = delete;
    InputStream& operator=(const InputStream&) = delete;

    /// The next bytes, as many as there are but at most `size`: how many; 0 at the end; -errno, -ECANCELED when given
    /// up.
    ssize_t read(void* to, std::size_t size);

private:
    GiveUp give_up_;
    int fd_;
};

/// Bytes into a file or to whoever reads them. Regular files are plainly written. Where somebody must take the bytes,
/// each wait for that ends when it is given up; from then on, as after any failure, nothing more is written. What is
/// shared with other programs, such as standard output, keeps its flags. For one thread at a time.
class OutputStream {
public:
    /// Opens a file, and empties it; a named pipe waits for its reader. What goes wrong is for write() to say.
    OutputStream(const std::string& path, GiveUp give_up);
    /// A descriptor that stays its owner's.
    OutputStream(int fd, GiveUp give_up);
    ~OutputStream();
    OutputStream(const OutputStream&) = delete;
    OutputStream& operator=(const OutputStream&) = delete;

    /// Whether all of the bytes have gone out; if not, reason() says why.
    bool write(std::string_view bytes);
    /// Whether the file is whole, and still has a name. Without a file of its own it only says so.
    bool close();
    /// Shortens a regular file to so many bytes; false where it is none.
    bool cut(std::int64_t size);
    /// Why write() or close() has failed: a few words; empty as long as neither has.
    const std::string& reason() const { return reason_; }
    /// How many bytes have gone out.
    std::int64_t written() const { return written_; }

private:
    void look();
    bool has_name() const;
    ssize_t write_some(std::string_view bytes) const;
    bool fail(const std::string& reason);

    GiveUp give_up_;
    int fd_ = -1;
    bool owned_ = false;  // the descriptor is ours, and does not block
    bool waits_ = false;  // somebody must take what is written
    bool named_ = false;  // a regular file that had a name when it was opened
    std::int64_t written_ = 0;
    std::string reason_;
};

}  // namespace convoy::media
