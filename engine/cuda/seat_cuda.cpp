// SPDX-License-Identifier: MIT
#include "engine/cuda/seat_cuda.h"

#include <array>
#include <utility>

namespace convoy {
namespace {

constexpr int kRowAlignment = 64;

int aligned(int bytes) { return (bytes + kRowAlignment - 1) / kRowAlignment * kRowAlignment; }

}  // namespace

struct CudaSeat::Resources {
    Resources(CudaBackend& backend, const std::string& name)
        : stream(make_stream(true)),  // its short kernels feed the network's long ones
          ring(stream.get(), backend.patience()),
          done(make_event()),
          held_until{make_event(), make_event()},
          trail(backend, name + " stream") {}

    CudaStream stream;
    UploadRing ring;
    CudaEvent done;
    // Frames that are perhaps still being read, and the events after that: the last one, and while it is waited for,
    // the one before.
    std::array<std::shared_ptr<const void>, 2> held;
    std::array<CudaEvent, 2> held_until;
    GpuTrail trail;
};

CudaSeat::CudaSeat(CudaBackend& backend, const std::string& name) : DecoderSeat(name), backend_(backend) {
    const DeviceScope scope(backend.device());
    resources_ = std::make_shared<Resources>(backend, name);
    context_ = current_context();
}

CudaSeat::~CudaSeat() {
    try {
        const DeviceScope scope(backend_.device());
        release();
        wait_for(backend_.patience(), resources_->stream.get(), "a decoder's stream");
        resources_->trail.collect(true);
    } catch (const std::exception&) {
        // It has failed, or hangs.
    }
    backend_.keep_until_trim(std::move(resources_));
}

GpuTrail& CudaSeat::trail() { return resources_->trail; }

DecodeTarget CudaSeat::target() const { return {backend_.device(), context_, resources_->stream.get()}; }

cudaStream_t CudaSeat::stream_of(const Frame& frame) const {
    return frame.pixels.on_device && frame.cuda_stream ? static_cast<cudaStream_t>(frame.cuda_stream)
                                                       : resources_->stream.get();
}

void CudaSeat::with_picture(const Frame& frame, const std::function<void(const PixelView&, cudaStream_t)>& read) {
    const cudaStream_t stream = stream_of(frame);
    if (frame.pixels.on_device) return read(frame.pixels, stream);
    GpuTrail& trail = resources_->trail;
    trail.start(stream);
    resources_->ring.upload(frame.pixels, [&](const PixelView& on_device) {
        trail.stop(stream, "copy to the GPU");
        read(on_device, stream);
    });
}

void CudaSeat::to_host(Frame& frame) {
    const DeviceScope scope(backend_.device());
    PixelView& p = frame.pixels;
    const bool nv12 = p.format == PixelFormat::nv12;
    const int row[2] = {nv12 ? p.width : 3 * p.width, nv12 ? (p.width + 1) / 2 * 2 : 0};
    const int rows[2] = {p.height, nv12 ? (p.height + 1) / 2 : 0};
    const int pitch = aligned(row[0] > row[1] ? row[0] : row[1]);
    const std::shared_ptr<std::byte> host = backend_.pinned().take(std::size_t(pitch) * std::size_t(rows[0] + rows[1]));
    const cudaStream_t stream = stream_of(frame);
    resources_->trail.start(stream);
    for (int plane : {0, 1}) {
        if (rows[plane] == 0) continue;
        std::byte* to = host.get() + (plane ? std::size_t(pitch) * std::size_t(rows[0]) : 0);
        cuda_check(cudaMemcpy2DAsync(to, std::size_t(pitch), p.plane[plane], std::size_t(p.pitch[plane]),
                                     std::size_t(row[plane]), std::size_t(rows[plane]), cudaMemcpyDeviceToHost, stream),
                   "copy of a frame to the host");
        p.plane[plane] = reinterpret_cast<const std::uint8_t*>(to);
        p.pitch[plane] = pitch;
    }
    resources_->trail.stop(stream, "copy to the host");
    cuda_check(cudaEventRecord(resources_->done.get(), stream), "cudaEventRecord");
    std::shared_ptr<const void>& held = resources_->held[std::size_t(1 - which_)];  // free between two calls
    held = std::exchange(frame.owner, host);
    wait_for(backend_.patience(), resources_->done.get(), "copy of a frame to the host");
    held.reset();
    p.on_device = false;
    frame.cuda_stream = nullptr;
}

void CudaSeat::hold(Frame& frame) {
    if (!frame.pixels.on_device) return frame.owner.reset();  // its bytes were copied already
    const DeviceScope scope(backend_.device());
    const auto before = std::size_t(which_), next = 1 - before;
    cuda_check(cudaEventRecord(resources_->held_until[next].get(), stream_of(frame)), "cudaEventRecord");
    resources_->held[next] = std::move(frame.owner);
    which_ = int(next);
    let_go(before);
}

void CudaSeat::release() { let_go(std::size_t(which_)); }

void CudaSeat::let_go(std::size_t which) {
    if (!resources_->held[which]) return;
    const DeviceScope scope(backend_.device());
    wait_for(backend_.patience(), resources_->held_until[which].get(), "preprocessing");
    resources_->held[which].reset();
}

}  // namespace convoy
