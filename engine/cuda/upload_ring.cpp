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

UploadRing::UploadRing() {
    for (Entry& e : entries_) e.stream = make_stream();
}

UploadRing::Upload UploadRing::upload(const kernels::PixelView& picture, cudaEvent_t started) {
    const int entry = next_;
    Entry& e = entries_[std::size_t(entry)];
    next_ = (next_ + 1) % kDepth;
    cuda_check(cudaStreamSynchronize(e.stream.get()), "upload");
    const std::size_t first = (plane_bytes(picture, 0) + kPlaneAlignment - 1) / kPlaneAlignment * kPlaneAlignment;
    const std::size_t bytes = first + plane_bytes(picture, 1);
    if (bytes > e.host.bytes()) {
        DeviceBuffer device(bytes, "frames");
        e.host = PinnedBuffer(bytes);
        e.device = std::move(device);
    }
    Upload out{picture, e.stream.get(), entry};
    if (started) cuda_check(cudaEventRecord(started, out.stream), "cudaEventRecord");
    for (int plane : {0, 1}) {
        const std::size_t offset = plane ? first : 0, count = plane_bytes(picture, plane);
        if (count == 0) continue;
        std::memcpy(e.host.data() + offset, picture.plane[plane], count);
        cuda_check(cudaMemcpyAsync(e.device.data() + offset, e.host.data() + offset, count, cudaMemcpyHostToDevice,
                                   out.stream),
                   "upload");
        out.device.plane[plane] = reinterpret_cast<const std::uint8_t*>(e.device.data() + offset);
    }
    return out;
}

}  // namespace convoy
