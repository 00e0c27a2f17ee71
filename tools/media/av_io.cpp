// SPDX-License-Identifier: MIT
#include "tools/media/av_io.h"

#include <cerrno>
#include <new>
#include <string_view>

#include "tools/media/av_compat.h"

namespace convoy::media {
namespace {

constexpr int kBufferBytes = 1 << 16;  // what a pipe holds

int read_packet(void* stream, std::uint8_t* to, int size) {
    const ssize_t n = static_cast<InputStream*>(stream)->read(to, std::size_t(size));
    if (n == 0) return AVERROR_EOF;
    return n == -ECANCELED ? AVERROR_EXIT : int(n);
}

int write_packet(void* stream, AvioBytes from, int size) {
    const std::string_view bytes(reinterpret_cast<const char*>(from), std::size_t(size));
    return static_cast<OutputStream*>(stream)->write(bytes) ? size : AVERROR_EXIT;
}

AvioPtr make(void* stream, int (*read)(void*, std::uint8_t*, int), int (*write)(void*, AvioBytes, int)) {
    auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
    if (!buffer) throw std::bad_alloc();
    AvioPtr io(avio_alloc_context(buffer, kBufferBytes, write != nullptr, stream, read, write, nullptr));
    if (io) return io;
    av_free(buffer);
    throw std::bad_alloc();
}

}  // namespace

void AvioDeleter::operator()(AVIOContext* p) const {
    av_freep(&p->buffer);  // libav may have taken a larger one
    avio_context_free(&p);
}

AvioPtr avio_over(InputStream& stream) { return make(&stream, read_packet, nullptr); }
AvioPtr avio_over(OutputStream& stream) { return make(&stream, nullptr, write_packet); }

}  // namespace convoy::media
