// SPDX-License-Identifier: MIT
#include "tools/media/in/http_body.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <new>
#include <thread>
#include <utility>

extern "C" {
#include <libavutil/error.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>
}

namespace convoy::media {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBufferBytes = 1 << 16;
constexpr std::int64_t kShortWay = 1 << 18;  // bytes that come sooner than another connection
constexpr int kLongestPause = 6;             // as a power of 2, in s
constexpr std::chrono::milliseconds kTick{50};

}  // namespace

bool HttpBody::fits(AVIOContext& connection) {
    if (!(connection.seekable & AVIO_SEEKABLE_NORMAL) || avio_size(&connection) <= 0) return false;
    const int first = avio_r8(&connection);
    avio_seek(&connection, 0, SEEK_SET);
    return first != '#' && first != '<';
}

HttpBody::HttpBody(ConnectionPtr connection, Connect connect, std::function<bool()> gives_up)
    : connect_(std::move(connect)), gives_up_(std::move(gives_up)), connection_(std::move(connection)) {
    size_ = avio_size(connection_.get());
    av_opt_set_int(connection_.get(), "reconnect", 0, AV_OPT_SEARCH_CHILDREN);  // libav takes whatever it finds then
    tail_.reserve(most_tail_ + kBufferBytes);
    again_.reserve(most_tail_);
    const auto read_some = [](void* self, std::uint8_t* to, int size) {
        try {
            return static_cast<HttpBody*>(self)->read(to, size);
        } catch (const std::exception&) {  // memory, or threads
            return AVERROR(ENOMEM);
        }
    };
    const auto go = [](void* self, std::int64_t to, int whence) {
        return static_cast<HttpBody*>(self)->seek(to, whence);
    };
    auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
    if (buffer) io_.reset(avio_alloc_context(buffer, kBufferBytes, 0, this, read_some, nullptr, go));
    if (!io_) av_free(buffer);
    if (!io_) throw std::bad_alloc();
}

void HttpBody::keep_tail() {
    if (tail_.size() > most_tail_) tail_.erase(tail_.begin(), tail_.end() - std::ptrdiff_t(most_tail_));
}

/// A connection that drops before it comes to what is new must not be asked for as much the next time.
void HttpBody::check_less() {
    most_tail_ = tail_.size() / 2;
    keep_tail();
}

int HttpBody::read(std::uint8_t* to, int size) {
    for (;;) {
        if (replaced_) return AVERROR(EIO);
        if (at_ >= size_) return AVERROR_EOF;
        const int most = int(std::min<std::int64_t>({size, kBufferBytes, size_ - at_}));
        const int n = connection_ ? avio_read_partial(connection_.get(), to, most) : 0;
        if (n > 0) {
            at_ += n;
            arrived_ += n;
            tries_ = 0;
            tail_.insert(tail_.end(), to, to + n);
            keep_tail();
            return n;
        }
        if (connection_ && tries_ > 0) check_less();
        if (!reconnect()) return replaced_ ? AVERROR(EIO) : AVERROR_EXIT;
    }
}

std::int64_t HttpBody::seek(std::int64_t to, int whence) {
    if (whence & AVSEEK_SIZE) return size_;
    if ((whence & ~AVSEEK_FORCE) != SEEK_SET || to < 0 || to > size_) return AVERROR(EINVAL);
    while (connection_ && at_ < to && to - at_ <= kShortWay) {
        std::uint8_t passed[4096];
        const int n = read(passed, int(std::min<std::int64_t>(sizeof passed, to - at_)));
        if (n < 0) return n;
    }
    if (to == at_) return to;
    connection_.reset();  // read() makes the next one
    tail_.clear();
    tries_ = 0;
    return at_ = to;
}

bool HttpBody::reconnect() {
    while (!replaced_) {
        connection_.reset();
        pause();
        if (gives_up_()) return false;
        if (connect()) return true;
    }
    return false;
}

void HttpBody::pause() {
    const auto until = Clock::now() + std::chrono::seconds((1 << std::min(tries_++, kLongestPause)) - 1);
    while (Clock::now() < until && !gives_up_()) std::this_thread::sleep_for(kTick);
}

bool HttpBody::connect() {
    const std::int64_t from = at_ - std::int64_t(tail_.size());
    bool too_far = false, ignored = false;
    connection_ = connect_(from, too_far);
    if (too_far) connection_ = connect_(0, ignored);  // it knows the size
    if (!connection_) return false;
    av_opt_set_int(connection_.get(), "reconnect", 0, AV_OPT_SEARCH_CHILDREN);
    const std::int64_t size = avio_size(connection_.get());
    replaced_ = size > 0 && size != size_;
    if (replaced_ || too_far || size <= 0) return false;
    again_.resize(tail_.size());
    if (tail_.empty()) return true;
    if (avio_read(connection_.get(), again_.data(), int(again_.size())) < int(again_.size())) {
        check_less();
        return false;
    }
    replaced_ = again_ != tail_;
    return !replaced_;
}

}  // namespace convoy::media
