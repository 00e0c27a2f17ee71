// SPDX-License-Identifier: MIT
#include "tools/fleet/content_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <new>
#include <thread>
#include <utility>

extern "C" {
#include <libavformat/avio.h>
#include <libavutil/error.h>
#include <libavutil/mem.h>
#include <libavutil/sha.h>
}

#include <convoy/error.h>
#include <convoy/media/input.h>
#include "tools/media/byte_stream.h"
#include "tools/media/files.h"

namespace convoy::fleet {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::int64_t kEndOfFile = 1 << 20, kEndOfAddress = 1 << 16;  // bytes, of each end
constexpr auto kFirstPause = 500ms;
constexpr auto kPatience = 30s;  // with a server that says nothing
constexpr int kTries = 5;

class File {
public:
    explicit File(const std::string& path) : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (fd_ < 0 || ::fstat(fd_, &state_) != 0) fail();
    }
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    const struct stat& state() const { return state_; }
    void read(std::int64_t from, std::int64_t size, std::string& bytes) const {
        bytes.resize(std::size_t(size));
        for (std::size_t have = 0; have < bytes.size();) {
            const ssize_t n = ::pread(fd_, bytes.data() + have, bytes.size() - have, off_t(from) + off_t(have));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) fail();
            if (n == 0) media::throw_input(path_, "became shorter while it was read; try again");
            have += std::size_t(n);
        }
    }

private:
    [[noreturn]] void fail() const {
        media::throw_input(path_, "cannot be read (" + media::system_message(errno) + ")");
    }

    std::string path_;
    int fd_;
    struct stat state_ {};
};

Content content_of_file(const std::string& path) {
    // What is read but once has no content to compare; opening it would wait.
    if (media::is_stream(path))
        media::throw_input(path, "is a pipe or a device, which cannot be work for several; give a file");
    const File file(path);
    if (!S_ISREG(file.state().st_mode)) media::throw_input(path, "is no file");
    Content content;
    content.bytes = file.state().st_size;
    content.mtime_ns = std::int64_t(file.state().st_mtim.tv_sec) * 1'000'000'000 + file.state().st_mtim.tv_nsec;
    Digest digest;
    digest.add(fmt::format("{}\n", content.bytes));
    std::string bytes;
    const std::int64_t first = std::min(content.bytes, kEndOfFile), last = std::min(content.bytes - first, kEndOfFile);
    for (const auto& [from, size] : {std::pair(std::int64_t(0), first), std::pair(content.bytes - last, last)}) {
        file.read(from, size, bytes);
        digest.add(bytes);
    }
    content.key = digest.hex();
    return content;
}

/// Asks for one address, each time on a connection of its own.
class Address {
public:
    Address(std::string url, const media::GiveUp& give_up) : url_(std::move(url)), give_up_(give_up) {}

    Content content() {
        auto pause = std::chrono::milliseconds(kFirstPause);
        for (int tries = 1;; ++tries, pause *= 2) {
            deadline_ = Clock::now() + kPatience;
            Content content;
            const int code = look(content);
            if (code >= 0) return content;
            if (tries == kTries || gives_up() || !may_pass(code))
                media::throw_input(url_, "cannot be read (" + reason_of(code) + ")");
            for (const auto until = Clock::now() + pause; Clock::now() < until && !(give_up_ && give_up_());)
                std::this_thread::sleep_for(20ms);
        }
    }

private:
    struct Closer {
        void operator()(AVIOContext* io) const { avio_close(io); }
    };

    bool gives_up() const { return (give_up_ && give_up_()) || Clock::now() > deadline_; }

    static std::string reason_of(int code) {
        std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
        return av_strerror(code, text.data(), text.size()) == 0 ? text.data() : fmt::format("error {}", code);
    }

    static bool may_pass(int code) {
        for (const int refusal : {AVERROR_HTTP_BAD_REQUEST, AVERROR_HTTP_UNAUTHORIZED, AVERROR_HTTP_FORBIDDEN,
                                  AVERROR_HTTP_NOT_FOUND, AVERROR_PROTOCOL_NOT_FOUND, AVERROR(EINVAL)})
            if (code == refusal) return false;
        return true;
    }

    /// libav's error, or 0.
    int look(Content& content) const {
        const AVIOInterruptCB interrupt = {[](void* self) { return int(static_cast<Address*>(self)->gives_up()); },
                                           const_cast<Address*>(this)};
        AVDictionary* options = nullptr;
        av_dict_set(&options, "protocol_whitelist", "http,https,tcp,tls", 0);
        AVIOContext* opened = nullptr;
        const int code = avio_open2(&opened, url_.c_str(), AVIO_FLAG_READ, &interrupt, &options);
        av_dict_free(&options);
        if (code < 0) return code;
        const std::unique_ptr<AVIOContext, Closer> io(opened);
        const std::int64_t size = std::max<std::int64_t>(avio_size(io.get()), 0);
        const bool has_ranges = size > 0 && io->seekable & AVIO_SEEKABLE_NORMAL;
        Digest digest;
        digest.add(fmt::format("{}\n", size));
        const std::int64_t first = size > 0 ? std::min(size, kEndOfAddress) : kEndOfAddress;
        if (const int error = add(*io, first, size > 0, digest); error < 0) return error;
        if (const std::int64_t last = std::min(size - first, kEndOfAddress); has_ranges && last > 0) {
            if (const std::int64_t at = avio_seek(io.get(), size - last, SEEK_SET); at < 0) return int(at);
            if (const int error = add(*io, last, true, digest); error < 0) return error;
        }
        content.bytes = size;
        content.key = digest.hex();
        return 0;
    }

    static int add(AVIOContext& io, std::int64_t size, bool all, Digest& digest) {
        std::string bytes(std::size_t(size), '\0');
        const int n = avio_read(&io, reinterpret_cast<unsigned char*>(bytes.data()), int(size));
        if (n < 0 || (n < size && all)) return n < 0 && n != AVERROR_EOF ? n : AVERROR(EIO);
        digest.add(std::string_view(bytes).substr(0, std::size_t(n)));
        return 0;
    }

    const std::string url_;
    const media::GiveUp& give_up_;
    Clock::time_point deadline_;
};

}  // namespace

Digest::Digest() : sha_(av_sha_alloc()) {
    if (!sha_) throw std::bad_alloc();
    av_sha_init(sha_, 256);
}

Digest::~Digest() { av_free(sha_); }

void Digest::add(std::string_view bytes) {
    av_sha_update(sha_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::string Digest::hex() {
    std::array<std::uint8_t, 32> all{};
    av_sha_final(sha_, all.data());
    std::string text;
    for (std::size_t i = 0; i < 16; ++i) text += fmt::format("{:02x}", all[i]);
    return text;
}

Content content_of(const std::string& location, const media::GiveUp& give_up) {
    if (!media::is_address(location)) return content_of_file(location);
    if (!location.starts_with("http://") && !location.starts_with("https://"))
        media::throw_input(location, "is a live input, which has no end that could be shared out; give a recording");
    return Address(location, give_up).content();
}

std::string digest_of_files(std::span<const std::string> paths) {
    Digest digest;
    std::string bytes;
    for (const std::string& path : paths) {
        const File file(path);
        const std::int64_t size = file.state().st_size;
        digest.add(fmt::format("{}\n", size));
        for (std::int64_t at = 0; at < size; at += std::int64_t(bytes.size())) {
            file.read(at, std::min(size - at, kEndOfFile), bytes);
            digest.add(bytes);
        }
    }
    return digest.hex();
}

}  // namespace convoy::fleet
