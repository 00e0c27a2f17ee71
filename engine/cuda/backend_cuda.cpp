// SPDX-License-Identifier: MIT
#include "engine/cuda/backend_cuda.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "engine/cuda/backend_resources.h"
#include "engine/cuda/seat_cuda.h"
#include "engine/cuda/slot_cuda.h"
#include "kernels/channels.h"
#include "kernels/elementwise.h"
#include "kernels/local.h"
#include "kernels/pool.h"
#include "kernels/rearrange.h"
#include "kernels/upsample.h"

namespace convoy {
namespace k = kernels::cuda;
using kernels::DeviceTensor;

namespace {

DeviceTensor part(DeviceTensor t, int offset, int channels) {
    t.data = static_cast<std::byte*>(t.data) + std::size_t(offset) * kernels::size_of(t.type);
    t.c = channels;
    return t;
}

std::vector<int> batch_sizes(int max_batch, bool same_bits) {
    std::vector<int> sizes;
    for (int n = same_bits ? max_batch : 1; n < max_batch; n *= 2) sizes.push_back(n);
    sizes.push_back(max_batch);
    return sizes;
}

}  // namespace

CudaBackend::CudaBackend(int gpu, Plan plan, const DetectOptions& detect, const CudaOptions& options)
    : device_(device_info(gpu)),
      plan_(std::move(plan)),
      detect_(detect),
      precision_(cuda_precision(options.precision, gpu)),
      batches_(batch_sizes(plan_.max_batch, options.same_bits)),
      trace_(options.trace),
      manner_(options.eager ? Patience::Manner::eager : Patience::Manner::sleep),
      patience_(std::make_shared<Patience>("cuda:" + std::to_string(gpu))),
      pinned_(gpu, patience_) {
    const DeviceScope scope(device_.ordinal);
    static_cast<void>(cudaGetLastError());  // what somebody else left unread is not ours
    auto resources = std::make_unique<Resources>();
    try {
        resources->compute = make_stream();
        resources->beside = make_stream();
        resources->forked = make_event(), resources->joined = make_event();
        if (trace_) resources->clock = std::make_unique<GpuClock>(*patience_);
        resources->libraries = std::make_unique<k::ConvLibraries>();
    } catch (...) {
        resources.reset();  // while its device is current
        throw;
    }
    resources_ = std::move(resources);
}

CudaBackend::~CudaBackend() {
    ready_.reset();
    trim();
    release_or_leave(*this, resources_, [] {});
}

void CudaBackend::keep_until_trim(std::shared_ptr<void> unused) noexcept {
    const std::lock_guard lock(unused_mutex_);
    try {
        unused_.push_back(std::move(unused));
    } catch (const std::bad_alloc&) {
        // It goes at once, then.
    }
}

void CudaBackend::trim() {
    if (ready_) ready_->stop();  // not in the destructor
    pinned_.trim();
    auto unused = std::make_unique<std::vector<std::shared_ptr<void>>>();
    {
        const std::lock_guard lock(unused_mutex_);
        unused->swap(unused_);
    }
    release_or_leave(*this, unused, [] {});
}

void CudaBackend::take_weights(const PackedWeights& packed) {
    const DeviceScope scope(device_.ordinal);
    resources_->constants = packed.constants;
    resources_->weights = DeviceBuffer(packed.size, "weights", patience_.get());
}

DeviceBuffer& CudaBackend::weights() const { return resources_->weights; }

void CudaBackend::bind(const CudaOptions& options, TuningCache& cache) {
    const DeviceScope scope(device_.ordinal);
    try {
        choose_and_check(options, cache);
    } catch (const Error&) {
        // What was remembered may not serve any more. A device that is broken fails again.
        if (!cache.used()) throw;
        cache.forget();
        notes_.clear();
        choose_and_check(options, cache);
    }
    take_workspace();
    if (std::string trouble = cache.save(); !trouble.empty())
        notes_.push_back(std::move(trouble));
    else
        keep_plans(cache);
    if (trace_) start_step(("kernels " + kernel_choice()).c_str());
    device_bytes_ = resources_->weights.bytes() + resources_->arena.bytes() + resources_->workspace.bytes();
}

TraceScope CudaBackend::start_step(const char* name) const {
    return {trace_, "cuda:" + std::to_string(device_.ordinal), "start", name};
}

void CudaBackend::choose_and_check(const CudaOptions& options, TuningCache& cache) {
    resources_->kernels.clear();
    resources_->launches.clear();
    resources_->pairs.clear();
    resources_->inside.clear();
    resources_->untried.clear();
    resources_->arena = DeviceBuffer();
    batches_ = batch_sizes(plan_.max_batch, options.same_bits);
    Autotuner tuner(device_, *resources_->libraries, cache, compute_stream(), *patience_, options.libraries,
                    max_workspace(options), options.stop_measuring);
    {
        const TraceScope traced = start_step("choose kernels and make their plans");
        choose_kernels(options, tuner, cache);
        choose_pairs(options, tuner, cache);
    }
    const TraceScope traced = start_step("run each layer once");
    resources_->arena = DeviceBuffer(plan_.memory.arena_bytes, "activations", patience_.get());
    cuda_check(cudaMemset(resources_->arena.data(), 0, resources_->arena.bytes()), "memset");
    take_workspace();
    self_check();
    refine(tuner);
    refine_pairs(tuner, cache);
    if (options.same_bits) bind_smaller_batches(tuner);
}

void CudaBackend::take_workspace() {
    std::size_t bytes = 0;
    for (const Bound& b : resources_->kernels) {
        bytes = std::max(bytes, b.choice.kernel->workspace_bytes());
        for (const Autotuner::Choice& other : b.others) bytes = std::max(bytes, other.kernel->workspace_bytes());
    }
    if (bytes == resources_->workspace.bytes()) return;
    resources_->workspace = DeviceBuffer();
    resources_->workspace = DeviceBuffer(bytes, "workspace", patience_.get());
}

// Every layer once, waited for one by one: what a kernel does wrong has its layer's name now, and none inside a graph.
void CudaBackend::self_check() {
    const DeviceBuffer slot(plan_.memory.slot_bytes, "slot", patience_.get());
    cuda_check(cudaMemset(slot.data(), 0, slot.bytes()), "memset");
    for (int batch : batches_) {
        const auto start = Patience::Clock::now();
        for (std::size_t i = 0; i < plan_.graph.nodes.size(); ++i) {
            run_layer(int(i), slot.data(), batch);
            if (!pair_to(int(i), batch)) continue;
            with_layer_name(plan_.graph.nodes[i], "the GPU", [&] {
                enqueue_pair(int(i), slot.data(), batch, compute_stream(), false);
                wait_for(*patience_, compute_stream(), "two layers", Patience::Manner::spin);
            });
        }
        patience_->saw(Patience::Clock::now() - start);  // about what a batch takes
    }
}

void CudaBackend::run_layer(int node, std::byte* slot, int batch) const {
    with_layer_name(plan_.graph.nodes[std::size_t(node)], "the GPU", [&] {
        enqueue_node(node, slot, batch, compute_stream());
        wait_for(*patience_, compute_stream(), "a layer", Patience::Manner::spin);
    });
}

std::string CudaBackend::range_note() const {
    return precision_ == Precision::fp16 ? ", in fp16, which ends at 65504" : "";
}

int CudaBackend::batch_for(int count) const { return *std::lower_bound(batches_.begin(), batches_.end(), count); }
cudaStream_t CudaBackend::compute_stream() const { return resources_->compute.get(); }

DeviceTensor CudaBackend::view(TensorId t, std::byte* slot, int n) const {
    const Graph::Place place = plan_.memory.places[std::size_t(t)];
    const MemoryPlan::Block& block = plan_.memory.block(t);
    const Shape s = plan_.graph.tensors[t].shape;
    const kernels::DataType type = k::storage(math_of(precision_));
    std::byte* base = (block.home == MemoryPlan::Home::slot ? slot : resources_->arena.data()) + block.offset;
    return {base + std::size_t(place.channel_offset) * kernels::size_of(type),
            type,
            n,
            s.h,
            s.w,
            s.c,
            plan_.memory.pitch[std::size_t(place.root)]};
}

void CudaBackend::enqueue(std::byte* slot, int batch, cudaStream_t stream) const {
    bool backwards = true;  // in turns, node 0 being the input: what was written last is still in L2
    const cudaStream_t beside = resources_->beside.get();
    cudaStream_t on = stream;
    bool forked = false;
    auto branch = plan_.side_branches.begin();
    for (int i = 0; i < int(plan_.graph.nodes.size()); ++i) {
        if (branch != plan_.side_branches.end() && i > branch->last) ++branch, on = stream;
        if (branch != plan_.side_branches.end() && i == branch->first && goes_beside(*branch, batch)) {
            wait_for_other(beside, resources_->forked.get(), stream);
            on = beside, forked = true;
        }
        if (pair_from(i, batch)) continue;
        with_layer_name(plan_.graph.nodes[std::size_t(i)], "the GPU", [&] {
            if (pair_to(i, batch))
                enqueue_pair(i, slot, batch, on, backwards);
            else
                enqueue_node(i, slot, batch, on, backwards);
        });
        backwards = !backwards;
    }
    if (forked) wait_for_other(stream, resources_->joined.get(), beside);
}

// Its kernels must not share the workspace with what they run beside.
bool CudaBackend::goes_beside(const NodeRange& branch, int batch) const {
    for (int i = branch.first; i <= branch.last; ++i)
        if (std::holds_alternative<ConvOp>(plan_.graph.nodes[std::size_t(i)].op) &&
            bound_to(i, batch).choice.kernel->workspace_bytes() > 0)
            return false;
    return true;
}

void CudaBackend::enqueue_conv(int index, std::byte* slot, int batch, cudaStream_t stream, bool backwards) const {
    const Node& node = plan_.graph.nodes[std::size_t(index)];
    const Bound& bound = bound_to(index, batch);
    const Constants& constants = resources_->constants.at(index);
    std::byte* weights = resources_->weights.data();
    k::ConvPointers p;
    p.x = view(node.inputs[0], slot, batch).data;
    p.weights = weights + constants.weights;
    p.bias = reinterpret_cast<const float*>(weights + constants.bias);
    if (bound.conv.problem.residual) p.residual = view(node.inputs[1], slot, batch).data;
    p.y = view(node.output, slot, batch).data;
    p.workspace = resources_->workspace.data();
    p.backwards = backwards;
    bound.choice.kernel->launch(p, stream);
}

void CudaBackend::enqueue_node(int index, std::byte* slot, int batch, cudaStream_t stream, bool backwards) const {
    const Node& node = plan_.graph.nodes[std::size_t(index)];
    const auto in = [&](std::size_t i = 0) { return view(node.inputs[i], slot, batch); };
    const auto out = [&] { return view(node.output, slot, batch); };
    if (std::holds_alternative<ConvOp>(node.op)) {
        enqueue_conv(index, slot, batch, stream, backwards);
    } else if (std::holds_alternative<BatchNormOp>(node.op)) {
        const Constants& c = resources_->constants.at(index);
        const auto at = [&](std::size_t offset) {
            return reinterpret_cast<const float*>(resources_->weights.data() + offset);
        };
        k::scale_bias(at(c.scale), at(c.bias), in(), out(), stream);
    } else if (const auto* act = std::get_if<ActivationOp>(&node.op)) {
        k::activate(act->activation, in(), out(), stream);
    } else if (const auto* add = std::get_if<AddOp>(&node.op)) {
        k::add(add->activation, in(0), in(1), out(), stream);
    } else if (const auto* pool = std::get_if<MaxpoolOp>(&node.op)) {
        k::maxpool(pool->size, pool->stride_y, pool->stride_x, pool->padding, in(), out(), stream);
    } else if (std::holds_alternative<AvgpoolOp>(node.op)) {
        k::avgpool(in(), out(), stream);
    } else if (const auto* up = std::get_if<UpsampleOp>(&node.op)) {
        k::upsample(up->stride, up->scale, in(), out(), stream);
    } else if (const auto* slice = std::get_if<SliceOp>(&node.op)) {
        k::copy(part(in(), slice->offset, out().c), out(), stream);
    } else if (std::holds_alternative<ConcatOp>(node.op)) {
        concat(node, slot, batch, stream);
    } else {
        enqueue_rare(index, slot, batch, stream);
    }
}

void CudaBackend::enqueue_rare(int index, std::byte* slot, int batch, cudaStream_t stream) const {
    const Node& node = plan_.graph.nodes[std::size_t(index)];
    const auto in = [&](std::size_t i = 0) { return view(node.inputs[i], slot, batch); };
    const auto out = [&] { return view(node.output, slot, batch); };
    if (const auto* pool = std::get_if<LocalAvgpoolOp>(&node.op)) {
        k::local_avgpool(pool->size, pool->stride_y, pool->stride_x, pool->padding, in(), out(), stream);
    } else if (std::holds_alternative<MaxpoolDepthOp>(node.op)) {
        k::maxpool_depth(in(), out(), stream);
    } else if (const auto* rearrange = std::get_if<RearrangeOp>(&node.op)) {
        k::rearrange(rearrange->how, in(), out(), stream);
    } else if (const auto* multiply = std::get_if<MultiplyOp>(&node.op)) {
        k::multiply(multiply->activation, in(0), in(1), out(), stream);
    } else if (std::holds_alternative<BinarizeOp>(node.op)) {
        k::binarize(in(), out(), stream);
    } else if (const auto* softmax = std::get_if<SoftmaxOp>(&node.op)) {
        k::softmax(softmax->groups, softmax->temperature, in(), out(), stream);
    } else if (const auto* local = std::get_if<LocalOp>(&node.op)) {
        const Constants& c = resources_->constants.at(index);
        const auto at = [&](std::size_t offset) {
            return reinterpret_cast<const float*>(resources_->weights.data() + offset);
        };
        k::local({local->size, local->stride, local->padding}, at(c.weights), at(c.bias), in(), out(), stream);
    } else if (const auto* normalize = std::get_if<NormalizeOp>(&node.op)) {
        k::normalize_channels(normalize->kind, in(), out(), stream);
    }
}

void CudaBackend::concat(const Node& node, std::byte* slot, int batch, cudaStream_t stream) const {
    const DeviceTensor y = view(node.output, slot, batch);
    int offset = 0;
    for (TensorId t : node.inputs) {
        const DeviceTensor x = view(t, slot, batch), to = part(y, offset, x.c);
        if (x.data != to.data) k::copy(x, to, stream);
        offset += x.c;
    }
}

std::string CudaBackend::description() const {
    return "cuda:" + std::to_string(device_.ordinal) + " (" + device_.name + "), " +
           std::string(precision_ == Precision::fp16   ? "fp16"
                       : precision_ == Precision::tf32 ? "tf32"
                                                       : "fp32");
}

std::vector<StageStats> CudaBackend::stats() const {
    StageStats host = host_decode_clock_.stats();
    return host.count ? std::vector{host} : std::vector<StageStats>{};
}

void CudaBackend::add_span(const std::string& track, const std::string& name, cudaEvent_t start, cudaEvent_t stop) {
    const auto begin = resources_->clock->time_of(start), end = resources_->clock->time_of(stop);
    trace_->add("cuda:" + std::to_string(device_.ordinal), track, name, begin, end);
}

// A failed context answers every call with its error.
bool CudaBackend::alive() {
    if (hangs()) return false;
    try {
        const DeviceScope scope(device_.ordinal);
        const cudaError_t status = cudaStreamQuery(compute_stream());
        static_cast<void>(cudaGetLastError());
        return status == cudaSuccess || status == cudaErrorNotReady;
    } catch (const Error&) {
        return false;
    }
}

std::unique_ptr<DecoderSeat> CudaBackend::make_seat(const std::string& name) {
    return std::make_unique<CudaSeat>(*this, name);
}

// Where kernels are measured nothing else may go on.
void CudaBackend::begin_early_readers(const CudaOptions& options) {
    if (options.early_reader && options.tuning != Tuning::measured)
        ready_->begin(options.early_reader, kGpuDecoders, trace_);
}

std::unique_ptr<Slot> CudaBackend::make_slot() { return std::make_unique<CudaSlot>(*this); }

}  // namespace convoy
