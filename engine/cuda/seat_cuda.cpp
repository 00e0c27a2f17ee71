// SPDX-License-Identifier: MIT
#include "engine/cuda/seat_cuda.h"

#include <utility>

namespace convoy {
namespace {

constexpr int kRowAlignment = 64;

int aligned(int bytes) { return (bytes + kRowAlignment - 1) / kRowAlignment * kRowAlignment; }

}  // namespace

CudaSeat::CudaSeat(CudaBackend& backend, const std::string& name)
    : DecoderSeat(name),
      backend_(backend),
      stream_((DeviceScope(backend.device()), make_stream(true))),  // its short kernels feed the network's long ones
      ring_((DeviceScope(backend.device()), UploadRing(stream_.get()))),
      trail_(backend, name + " stream") {
    const DeviceScope scope(backend.device());
    done_ = make_event();
    for (CudaEvent& event : held_until_) event = make_event();
    context_ = current_context();
}

CudaSeat::~CudaSeat() {
    try {
        const DeviceScope scope(backend_.device());
        release();
        static_cast<void>(cudaStreamSynchronize(stream_.get()));
        trail_.collect(true);
    } catch (const Error&) {
        // A device that has failed takes its memory with it.
    }
}

DecodeTarget CudaSeat::target() const { return {backend_.device(), context_, stream_.get()}; }

cudaStream_t CudaSeat::stream_of(const Frame& frame) const {
    return frame.pixels.on_device && frame.cuda_stream ? static_cast<cudaStream_t>(frame.cuda_stream) : stream_.get();
}

kernels::PixelView CudaSeat::on_device(const Frame& frame) {
    if (frame.pixels.on_device) return frame.pixels;
    trail_.start(stream_.get());
    const kernels::PixelView view = ring_.upload(frame.pixels);
    trail_.stop(stream_.get(), "copy to the GPU");
    return view;
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
    trail_.start(stream);
    for (int plane : {0, 1}) {
        if (rows[plane] == 0) continue;
        std::byte* to = host.get() + (plane ? std::size_t(pitch) * std::size_t(rows[0]) : 0);
        cuda_check(cudaMemcpy2DAsync(to, std::size_t(pitch), p.plane[plane], std::size_t(p.pitch[plane]),
                                     std::size_t(row[plane]), std::size_t(rows[plane]), cudaMemcpyDeviceToHost, stream),
                   "copy of a frame to the host");
        p.plane[plane] = reinterpret_cast<const std::uint8_t*>(to);
        p.pitch[plane] = pitch;
    }
    trail_.stop(stream, "copy to the host");
    cuda_check(cudaEventRecord(done_.get(), stream), "cudaEventRecord");
    cuda_check(cudaEventSynchronize(done_.get()), "copy of a frame to the host");
    p.on_device = false;
    frame.cuda_stream = nullptr;
    frame.owner = host;
}

void CudaSeat::hold(Frame& frame) {
    std::shared_ptr<const void> owner = std::exchange(frame.owner, nullptr);
    if (!frame.pixels.on_device) return;  // its bytes were copied already
    const DeviceScope scope(backend_.device());
    const int next = 1 - which_;
    cuda_check(cudaEventRecord(held_until_[std::size_t(next)].get(), stream_of(frame)), "cudaEventRecord");
    release();
    held_ = std::move(owner);
    which_ = next;
}

void CudaSeat::release() {
    if (!held_) return;
    const DeviceScope scope(backend_.device());
    static_cast<void>(cudaEventSynchronize(held_until_[std::size_t(which_)].get()));
    held_.reset();
}

}  // namespace convoy
