// SPDX-License-Identifier: MIT
#include "engine/cuda/upload_ring.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace convoy {
namespace {

constexpr std::size_t kPlaneAlignment = 256;

// Bytes from a plane's first to its last: the last row need not be followed by padding.
std::size_t plane_bytes(const PixelView& p, int plane) {
    const bool rgb = p.format == PixelFormat::rgb8;
    if (rgb && plane == 1) return 0;
    const int rows = plane == 0 ? p.height : (p.height + 1) / 2;
    const int row = rgb ? 3 * p.width : plane == 0 ? p.width : (p.width + 1) / 2 * 2;
    return std::size_t(rows - 1) * std::size_t(p.pitch[plane]) + std::size_t(row);
}

bool has_memory_pools() {
    int device = 0, pools = 0;
    cuda_check(cudaGetDevice(&device), "cudaGetDevice");
    cuda_check(cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, device), "cudaDeviceGetAttribute");
    return pools != 0;
}

std::shared_ptr<std::byte> memory_of_stream(std::size_t bytes, cudaStream_t stream) {
    void* data = nullptr;
    cuda_check(cudaMallocAsync(&data, bytes, stream), "room for a large picture");
    return {static_cast<std::byte*>(data), [stream](std::byte* p) { static_cast<void>(cudaFreeAsync(p, stream)); }};
}

// Sizes that come again and again are taken as they are; what grows does so by halves at least.
template <typename Buffer, typename... What>
void grow(Buffer& buffer, std::vector<Buffer>& outgrown, std::size_t bytes, std::size_t most, What... what) {
    if (bytes <= buffer.bytes()) return;
    Buffer larger(std::max(bytes, std::min(buffer.bytes() * 3 / 2, most)), what...);
    if (buffer.bytes() > 0) outgrown.push_back(std::move(buffer));
    buffer = std::move(larger);
}

}  // namespace

UploadRing::UploadRing(cudaStream_t stream, Patience& patience)
    : stream_(stream), patience_(patience), stream_allocates_(has_memory_pools()) {
    for (Piece& piece : pieces_) piece.copied = make_event();
}

std::size_t UploadRing::host_bytes() const {
    std::size_t sum = 0;
    for (const Piece& piece : pieces_) sum += piece.host.bytes();
    for (const PinnedBuffer& piece : outgrown_pieces_) sum += piece.bytes();
    return sum;
}

PixelView UploadRing::upload(const PixelView& picture) {
    const std::size_t first = (plane_bytes(picture, 0) + kPlaneAlignment - 1) / kPlaneAlignment * kPlaneAlignment;
    const std::size_t bytes = first + plane_bytes(picture, 1);
    done();
    if (stream_allocates_ && bytes > kMostKept)
        large_ = memory_of_stream(bytes, stream_);
    else
        grow(device_, outgrown_, bytes, kMostKept, "frames", &patience_);
    std::byte* const device = large_ ? large_.get() : device_.data();
    copy(picture, first, bytes, device);
    PixelView out = picture;
    out.plane[0] = reinterpret_cast<std::uint8_t*>(device);
    if (out.plane[1]) out.plane[1] = reinterpret_cast<std::uint8_t*>(device + first);
    out.on_device = true;
    return out;
}

// In one go where the picture fits into a piece; its second plane lies `first` bytes behind the first one.
void UploadRing::copy(const PixelView& picture, std::size_t first, std::size_t bytes, std::byte* to) {
    const auto send = [&](std::byte* piece, std::size_t count, std::byte* where) {
        cuda_check(cudaMemcpyAsync(where, piece, count, cudaMemcpyHostToDevice, stream_), "upload");
        cuda_check(cudaEventRecord(pieces_[std::size_t(last_)].copied.get(), stream_), "cudaEventRecord");
    };
    if (bytes <= kPieceBytes) {
        std::byte* piece = next_piece(bytes);
        for (int plane : {0, 1})
            if (const std::size_t count = plane_bytes(picture, plane))
                std::memcpy(piece + (plane ? first : 0), picture.plane[plane], count);
        return send(piece, bytes, to);
    }
    for (int plane : {0, 1}) {
        const std::size_t whole = plane_bytes(picture, plane);
        for (std::size_t done = 0; done < whole; done += kPieceBytes) {
            const std::size_t count = std::min(whole - done, kPieceBytes);
            std::byte* piece = next_piece(count);
            std::memcpy(piece, picture.plane[plane] + done, count);
            send(piece, count, to + (plane ? first : 0) + done);
        }
    }
}

// The last one again when it has been copied from, since memory is slow to lock; or else waits for the oldest copy.
std::byte* UploadRing::next_piece(std::size_t bytes) {
    if (cudaEventQuery(pieces_[std::size_t(last_)].copied.get()) != cudaSuccess) last_ = (last_ + 1) % kDepth;
    Piece& piece = pieces_[std::size_t(last_)];
    wait_for(patience_, piece.copied.get(), "upload");
    grow(piece.host, outgrown_pieces_, bytes, kPieceBytes, &patience_);
    return piece.host.data();
}

}  // namespace convoy
