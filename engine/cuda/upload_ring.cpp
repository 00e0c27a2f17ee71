// SPDX-License-Identifier: MIT
#include "engine/cuda/upload_ring.h"

#include <cstring>
#include <utility>

namespace convoy {
namespace {

constexpr std::size_t kPlaneAlignment = 256;

// Bytes from a plane's first to its last: the last row need not be followed by padding.
std::size_t plane_bytes(const kernels::PixelView& p, int plane) {
    const bool rgb = p.format == kernels::PixelFormat::rgb8;
    if (rgb && plane == 1) return 0;
    const int rows = plane == 0 ? p.height : (p.height + 1) / 2;
    const int row = rgb ? 3 * p.width : plane == 0 ? p.width : (p.width + 1) / 2 * 2;
    return std::size_t(rows - 1) * std::size_t(p.pitch[plane]) + std::size_t(row);
}

}  // namespace

UploadRing::UploadRing(cudaStream_t stream) : stream_(stream) {
    for (Entry& e : entries_) e.read = make_event();
}

kernels::PixelView UploadRing::upload(const kernels::PixelView& picture) {
    last_ = (last_ + 1) % kDepth;
    Entry& e = entries_[std::size_t(last_)];
    cuda_check(cudaEventSynchronize(e.read.get()), "upload");
    const std::size_t first = (plane_bytes(picture, 0) + kPlaneAlignment - 1) / kPlaneAlignment * kPlaneAlignment;
    const std::size_t bytes = first + plane_bytes(picture, 1);
    if (bytes > e.host.bytes()) {
        DeviceBuffer device(bytes, "frames");
        e.host = PinnedBuffer(bytes);
        e.device = std::move(device);
    }
    kernels::PixelView out = picture;
    for (int plane : {0, 1}) {
        const std::size_t offset = plane ? first : 0, count = plane_bytes(picture, plane);
        if (count == 0) continue;
        std::memcpy(e.host.data() + offset, picture.plane[plane], count);
        cuda_check(
            cudaMemcpyAsync(e.device.data() + offset, e.host.data() + offset, count, cudaMemcpyHostToDevice, stream_),
            "upload");
        out.plane[plane] = reinterpret_cast<const std::uint8_t*>(e.device.data() + offset);
    }
    out.on_device = true;
    return out;
}

void UploadRing::has_reader() {
    cuda_check(cudaEventRecord(entries_[std::size_t(last_)].read.get(), stream_), "cudaEventRecord");
}

}  // namespace convoy
