// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "tools/media/av_io.h"

namespace convoy::media {

struct ConnectionCloser {
    void operator()(AVIOContext* p) const { avio_close(p); }
};
using ConnectionPtr = std::unique_ptr<AVIOContext, ConnectionCloser>;

/// A file behind a web server that knows ranges. A connection that drops is made again, at once, then after 1, 3, 7,
/// … s, and must go on with the same file: of the same size, and with the same bytes before the place where it dropped.
class HttpBody {
public:
    /// Connects from a byte of the file on: null when it cannot be, `too_far` when there is no such byte.
    using Connect = std::function<ConnectionPtr(std::int64_t from, bool& too_far)>;

    /// Whether an open connection is to such a file, and not to a playlist, whose options libav hands on.
    static bool fits(AVIOContext& connection);
    /// From the first byte on. Waits end when `gives_up` says so, which `connect` heeds, too.
    HttpBody(ConnectionPtr connection, Connect connect, std::function<bool()> gives_up);
    HttpBody(const HttpBody&) = delete;
    HttpBody& operator=(const HttpBody&) = delete;

    /// What libav reads from.
    AVIOContext* io() const { return io_.get(); }
    /// Whether another file has taken its place: nothing is read from then on.
    bool is_replaced() const { return replaced_; }
    /// Bytes that have come, some of them perhaps more than once.
    std::int64_t arrived() const { return arrived_; }

private:
    int read(std::uint8_t* to, int size);
    std::int64_t seek(std::int64_t to, int whence);
    void keep_tail();
    void check_less();
    bool reconnect();
    bool connect();
    void pause();

    Connect connect_;
    std::function<bool()> gives_up_;
    std::int64_t size_ = 0, at_ = 0, arrived_ = 0;  // bytes; where read() goes on
    std::size_t most_tail_ = 1 << 14;               // bytes that tell a file from another
    std::vector<std::uint8_t> tail_, again_;        // the bytes before at_, and what a new connection says they are
    ConnectionPtr connection_;
    AvioPtr io_;
    int tries_ = 0;  // to connect, since something came
    bool replaced_ = false;
};

}  // namespace convoy::media
