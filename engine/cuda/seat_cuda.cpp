// SPDX-License-Identifier: MIT
#include "engine/cuda/seat_cuda.h"

#include <deque>
#include <optional>
#include <utility>

namespace convoy {
namespace {

constexpr int kRowAlignment = 64;
constexpr std::size_t kMostHeld = 4;  // frames, or their parts in a batch: each costs a decoder a surface

int aligned(int bytes) { return (bytes + kRowAlignment - 1) / kRowAlignment * kRowAlignment; }

}  // namespace

struct CudaSeat::Resources {
    Resources(CudaBackend& backend, const std::string& name)
        : stream(make_stream(true)),  // its short kernels feed the network's long ones
          ring(stream.get(), backend.patience()),
          done(make_event()),
          trail(backend, name + " stream") {}

    CudaStream stream;
    UploadRing ring;
    std::optional<PixelView> uploaded;  // of the frame that is being preprocessed
    CudaEvent done;
    // A frame that a group is to read.
    struct Held {
        std::shared_ptr<const void> owner;
        PictureGroup* group;
        std::shared_ptr<PictureGroup::Launch> launch;
    };
    std::deque<Held> held;
    std::shared_ptr<const void> copied;  // owner of the frame that is being copied to the host
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

cudaStream_t CudaSeat::stream() const { return resources_->stream.get(); }

cudaStream_t CudaSeat::stream_of(const Frame& frame) const {
    return frame.cuda_stream ? static_cast<cudaStream_t>(frame.cuda_stream) : stream();
}

const PixelView& CudaSeat::on_device(const Frame& frame) {
    Resources& r = *resources_;
    if (!r.uploaded) {
        r.trail.start(stream());
        r.uploaded = r.ring.upload(frame.pixels);
        r.trail.stop(stream(), "copy to the GPU");
    }
    return *r.uploaded;
}

void CudaSeat::frame_done() noexcept {
    if (!std::exchange(resources_->uploaded, std::nullopt)) return;
    try {
        const DeviceScope scope(backend_.device());
        resources_->ring.done();
    } catch (const std::exception&) {
        // It has failed, or hangs.
    }
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
    resources_->copied = std::exchange(frame.owner, host);
    wait_for(backend_.patience(), resources_->done.get(), "copy of a frame to the host");
    resources_->copied.reset();
    p.on_device = false;
    frame.cuda_stream = nullptr;
}

void CudaSeat::add_to(PictureGroup& group, int first, const Frame& frame,
                      std::span<const kernels::cuda::PlacedPicture> pictures) {
    std::deque<Resources::Held>& held = resources_->held;
    const auto was_read = [](const Resources::Held& h) {
        return h.launch->enqueued && cudaEventQuery(h.launch->done.get()) == cudaSuccess;
    };
    while (!held.empty() && was_read(held.front())) held.pop_front();
    if (held.size() == kMostHeld) let_go_of_oldest();
    held.push_back({frame.owner, &group, group.add(first, pictures, stream_of(frame))});
}

void CudaSeat::release() {
    if (resources_->held.empty()) return;
    const DeviceScope scope(backend_.device());
    while (!resources_->held.empty()) let_go_of_oldest();
}

void CudaSeat::let_go_of_oldest() {
    const Resources::Held& oldest = resources_->held.front();
    if (!oldest.launch->enqueued) oldest.group->launch();
    wait_for(backend_.patience(), oldest.launch->done.get(), "preprocessing");
    resources_->held.pop_front();
}

}  // namespace convoy
