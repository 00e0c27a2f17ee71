// SPDX-License-Identifier: MIT
#include "engine/cuda/slot_cuda.h"

#include <cuda_fp16.h>

#include <algorithm>
#include <cstring>

#include "engine/cuda/seat_cuda.h"
#include "engine/stage.h"

namespace convoy {
namespace k = kernels::cuda;

struct CudaSlot::Resources {
    DeviceBuffer memory, candidates, transforms;
    PinnedBuffer host_transforms, survivors;
    CudaStream side;  // what does not wait for the network
    CudaEvent ready, start, done;
    std::unique_ptr<PictureGroup> group;  // of pictures in device memory
    // By place: whether its picture is the last of some that came from host memory, and then, when these are ready in
    // the input.
    std::vector<char> waited_for;
    std::vector<CudaEvent> preprocessed;
    std::vector<CudaGraph> graphs;  // by index into batches()
};

CudaSlot::CudaSlot(CudaBackend& backend)
    : backend_(backend),
      heads_(heads_of(backend.plan())),
      decodes_(std::none_of(heads_.begin(), heads_.end(), [](const Head& h) { return !h.decode.tree.empty(); })) {
    const DeviceScope scope(backend.device());
    try {
        const TraceScope traced = backend.start_step("memory and graphs of a slot");
        take_memory();
        capture_graphs();
    } catch (...) {
        resources_.reset();  // while its device is current
        throw;
    }
}

void CudaSlot::take_memory() {
    resources_ = std::make_unique<Resources>();
    const Plan& plan = backend_.plan();
    const int n = plan.max_batch;
    for (const Node& node : plan.graph.nodes)
        if (std::holds_alternative<InputOp>(node.op)) input_ = node.output;
    Resources& r = *resources_;
    const Patience* patience = &backend_.patience();
    r.memory = DeviceBuffer(plan.memory.slot_bytes, "slot", patience);
    r.candidates = DeviceBuffer(k::candidate_bytes(kCapacity, n), "candidates", patience);
    r.transforms = DeviceBuffer(sizeof(kernels::BoxTransform) * std::size_t(n), "transforms", patience);
    r.host_transforms = PinnedBuffer(r.transforms.bytes(), patience);
    r.survivors = PinnedBuffer(k::survivor_bytes(kCapacity, n), patience);
    r.side = make_stream(true);  // its short kernels feed the network's long ones
    r.ready = make_event();
    r.start = make_event(true), r.done = make_event(true);
    r.group = std::make_unique<PictureGroup>(backend_, backend_.view(input_, memory(), 1), n, r.side.get(),
                                             "preprocess " + std::to_string(backend_.count_slot()));
    r.waited_for.resize(std::size_t(n));
    for (int i = 0; i < n; ++i) r.preprocessed.push_back(make_event());
    // Places that a batch leaves empty are computed all the same: on numbers, not on what memory held before.
    cuda_check(cudaMemset(r.memory.data(), 0, r.memory.bytes()), "memset");
    const kernels::Placement whole{plan.input.w, plan.input.h, 0, 0, plan.input.w, plan.input.h};
    for (int i = 0; i < n; ++i)
        reinterpret_cast<kernels::BoxTransform*>(r.host_transforms.data())[i] = {whole, plan.input.w, plan.input.h};
    backend_.count_device_bytes(r.memory.bytes() + r.candidates.bytes() + r.transforms.bytes());
}

CudaSlot::~CudaSlot() {
    release_or_leave(backend_, resources_,
                     [&] { wait_for(backend_.patience(), resources_->done.get(), "the network"); });
}

std::byte* CudaSlot::memory() const { return resources_->memory.data(); }

void CudaSlot::enqueue_postprocess(int batch, cudaStream_t stream) const {
    if (!decodes_) return;
    Resources& r = *resources_;
    const Plan& plan = backend_.plan();
    std::vector<k::DeviceHead> heads;
    for (const Head& head : heads_) heads.push_back({head.decode, backend_.view(head.tensor, memory(), batch)});
    try {
        k::yolo_decode(heads, backend_.detect().confidence,
                       reinterpret_cast<const kernels::BoxTransform*>(r.transforms.data()), kCapacity, plan.max_batch,
                       batch, r.candidates.data(), stream);
        k::nms(r.candidates.data(), kCapacity, plan.max_batch, batch, plan.classes, plan.nms_kind, plan.beta_nms,
               backend_.detect().nms, r.survivors.data(), stream);
    } catch (const std::runtime_error& e) {
        throw Error(ErrorKind::device, std::string("post-processing failed on the GPU: ") + e.what());
    }
}

void CudaSlot::capture_graphs() {
    Resources& r = *resources_;
    const cudaStream_t stream = backend_.compute_stream();
    // Once outside of a graph, as the layers were: a kernel is loaded when it is first launched.
    send_transforms(stream);
    enqueue_postprocess(1, stream);
    wait_for(backend_.patience(), stream, "post-processing");
    for (int batch : backend_.batches())
        r.graphs.push_back(capture(stream, [&](cudaStream_t captured) {
            backend_.enqueue(memory(), batch, captured);
            enqueue_postprocess(batch, captured);
        }));
}

void CudaSlot::send_transforms(cudaStream_t stream) const {
    Resources& r = *resources_;
    cuda_check(cudaMemcpyAsync(r.transforms.data(), r.host_transforms.data(), r.transforms.bytes(),
                               cudaMemcpyHostToDevice, stream),
               "transforms");
    try {
        k::clear_candidates(backend_.plan().max_batch, r.candidates.data(), stream);
    } catch (const std::runtime_error& e) {
        throw Error(ErrorKind::device, std::string("post-processing failed on the GPU: ") + e.what());
    }
}

void CudaSlot::preprocess(int first, const Frame& frame, std::span<const Area> areas, DecoderSeat& any_seat) {
    const DeviceScope scope(backend_.device());
    auto& seat = static_cast<CudaSeat&>(any_seat);
    Resources& r = *resources_;
    const bool from_host = !frame.pixels.on_device;
    const PixelView& picture = from_host ? seat.on_device(frame) : frame.pixels;
    std::vector<k::PlacedPicture> pictures;
    for (const Area& area : areas) {
        const std::size_t at = std::size_t(first) + pictures.size();
        const Shape net = backend_.plan().input;
        const kernels::Placement placement =
            kernels::place(backend_.detect().fit, area.width, area.height, net.w, net.h);
        reinterpret_cast<kernels::BoxTransform*>(r.host_transforms.data())[at] = {placement, area.width, area.height};
        r.waited_for[at] = from_host && pictures.size() + 1 == areas.size();
        pictures.push_back({view_of(picture, area), placement});
    }
    if (!from_host) return seat.add_to(*r.group, first, frame, pictures);
    kernels::DeviceTensor y = backend_.view(input_, memory(), 1);
    y.data = static_cast<std::byte*>(y.data) +
             std::size_t(first) * y.pixels() * std::size_t(y.pitch) * kernels::size_of(y.type);
    y.n = int(pictures.size());
    const cudaStream_t stream = seat.stream();
    seat.trail().start(stream);
    try {
        k::preprocess(pictures.data(), y.n, backend_.detect().resize, y, stream);
    } catch (const std::runtime_error& e) {
        throw Error(ErrorKind::device, std::string("preprocessing failed on the GPU: ") + e.what());
    }
    seat.trail().stop(stream, "preprocess");
    cuda_check(cudaEventRecord(r.preprocessed[std::size_t(first) + pictures.size() - 1].get(), stream),
               "cudaEventRecord");
}

void CudaSlot::drop() { resources_->group->drop(); }

void CudaSlot::run(int count, const std::atomic<bool>* /*stop*/) {
    const DeviceScope scope(backend_.device());
    Resources& r = *resources_;
    const cudaStream_t stream = backend_.compute_stream();
    for (int i = 0; i < count; ++i)
        if (r.waited_for[std::size_t(i)])
            cuda_check(cudaStreamWaitEvent(stream, r.preprocessed[std::size_t(i)].get(), 0), "cudaStreamWaitEvent");
    // Beside the batch that the network is busy with.
    r.group->launch();
    r.group->check();
    const cudaStream_t side = r.side.get();
    send_transforms(side);
    wait_for_other(stream, r.ready.get(), side);
    count_ = count;
    batch_ = backend_.batch_for(count);
    const auto& batches = backend_.batches();
    const auto at = std::size_t(std::find(batches.begin(), batches.end(), batch_) - batches.begin());
    cuda_check(cudaEventRecord(r.start.get(), stream), "cudaEventRecord");
    cuda_check(cudaGraphLaunch(r.graphs[at].get(), stream), "cudaGraphLaunch");
    cuda_check(cudaEventRecord(r.done.get(), stream), "cudaEventRecord");
}

std::optional<double> CudaSlot::wait() {
    const DeviceScope scope(backend_.device());
    float ms = 0;
    wait_for(backend_.patience(), resources_->done.get(), "the network", backend_.manner());
    cuda_check(cudaEventElapsedTime(&ms, resources_->start.get(), resources_->done.get()), "cudaEventElapsedTime");
    if (!backend_.tracing()) return ms;
    resources_->group->collect_spans();
    backend_.add_span("network", "batch of " + std::to_string(count_), resources_->start.get(), resources_->done.get());
    return ms;
}

std::optional<std::int64_t> CudaSlot::collect(int index, std::vector<Detection>& out, const std::atomic<bool>& stop) {
    const bool read = decodes_ && k::read_survivors(resources_->survivors.data(), kCapacity, backend_.plan().max_batch,
                                                    index, backend_.plan().classes, candidates_, survivors_);
    if (!read && !decode_on_host(index, stop)) return std::nullopt;
    list_detections(candidates_, survivors_, out);
    return std::int64_t(candidates_.not_finite);
}

std::string CudaSlot::first_not_finite(int index) {
    const DeviceScope scope(backend_.device());
    const auto run = [&](int node) { backend_.run_layer(node, memory(), batch_); };
    const auto is_clean = [&](TensorId t) {
        const kernels::DeviceTensor x = backend_.view(t, memory(), 1);
        return all_finite(read(t, index).data(), x.pixels(), x.c, x.pitch);
    };
    std::string layer = seek_not_finite(backend_.plan().graph, heads_, run, is_clean, [&](const Head& head) {
        candidates_.clear();
        decode_on_host(head, index);
        return candidates_.not_finite == 0;
    });
    return layer.empty() ? layer : layer + backend_.range_note();
}

std::vector<float> CudaSlot::read(TensorId t, int index) const {
    const kernels::DeviceTensor x = backend_.view(t, memory(), 1);
    const std::size_t stride = x.pixels() * std::size_t(x.pitch) * kernels::size_of(x.type);
    // The last pixel of a slice ends before its pitch does.
    const std::size_t count = (x.pixels() - 1) * std::size_t(x.pitch) + std::size_t(x.c);
    const std::size_t bytes = count * kernels::size_of(x.type);
    const std::shared_ptr<std::byte> raw = backend_.pinned().take(bytes);
    cuda_check(cudaMemcpyAsync(raw.get(), static_cast<const std::byte*>(x.data) + std::size_t(index) * stride, bytes,
                               cudaMemcpyDeviceToHost, resources_->side.get()),
               "read of a tensor");
    wait_for(backend_.patience(), resources_->side.get(), "read of a tensor");
    std::vector<float> values(count);
    if (x.type == kernels::DataType::fp16)
        for (std::size_t i = 0; i < count; ++i) values[i] = __half2float(reinterpret_cast<const __half*>(raw.get())[i]);
    else
        std::memcpy(values.data(), raw.get(), bytes);
    return values;
}

void CudaSlot::decode_on_host(const Head& head, int index) {
    const auto& transform = reinterpret_cast<const kernels::BoxTransform*>(resources_->host_transforms.data())[index];
    const kernels::DeviceTensor x = backend_.view(head.tensor, memory(), 1);
    const std::vector<float> values = read(head.tensor, index);
    kernels::cpu::yolo_decode(head.decode, {values.data(), 1, x.h, x.w, x.c, x.pitch}, 0, backend_.detect().confidence,
                              transform, candidates_);
}

// A tree of classes; more candidates than the device keeps room for, at a threshold near 0: the host has all the room
// it wants; or numbers that are not finite.
bool CudaSlot::decode_on_host(int index, const std::atomic<bool>& stop) {
    const DeviceScope scope(backend_.device());
    const StageScope timed(backend_.host_decode_clock());
    const Plan& plan = backend_.plan();
    candidates_.clear();
    for (const Head& head : heads_) decode_on_host(head, index);
    return kernels::cpu::nms(candidates_, plan.classes, plan.nms_kind, plan.beta_nms, backend_.detect().nms, survivors_,
                             &stop);
}

}  // namespace convoy
