// SPDX-License-Identifier: MIT
#include "engine/backend_cpu.h"

#include <omp.h>

#include <algorithm>
#include <thread>

#include "engine/fold.h"
#include "kernels/elementwise.h"
#include "kernels/pool.h"
#include "kernels/upsample.h"

namespace convoy {
namespace {

kernels::Activation kernel_activation(Activation a) {
    switch (a) {
        case Activation::linear:
            return kernels::Activation::linear;
        case Activation::leaky:
            return kernels::Activation::leaky;
        case Activation::relu:
            return kernels::Activation::relu;
        case Activation::logistic:
            return kernels::Activation::logistic;
        case Activation::mish:
            return kernels::Activation::mish;
        case Activation::swish:
            return kernels::Activation::swish;
    }
    return kernels::Activation::linear;
}

// OpenMP's thread count belongs to the calling thread: set here, put back at the end.
class OmpThreads {
public:
    explicit OmpThreads(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
    ~OmpThreads() { omp_set_num_threads(before_); }
    OmpThreads(const OmpThreads&) = delete;
    OmpThreads& operator=(const OmpThreads&) = delete;

private:
    int before_;
};

// oneDNN throws an exception of its own; whoever embeds us knows one type only.
template <typename F>
void with_layer_name(const Node& node, F&& f) {
    try {
        f();
    } catch (const Error&) {
        throw;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& e) {
        throw Error(ErrorKind::device,
                    "layer " + std::to_string(node.layer) + " (" + node.name() + ") failed on the CPU: " + e.what());
    }
}

}  // namespace

HostBuffer::HostBuffer(std::size_t bytes) {
    const std::size_t a = MemoryPlan::kAlignment;
    data_.reset(static_cast<std::byte*>(std::aligned_alloc(a, std::max<std::size_t>(1, (bytes + a - 1) / a) * a)));
    if (!data_) throw std::bad_alloc();
}

struct CpuBackend::Conv {
    struct Packing {
        HostBuffer weights;
        std::size_t made_for;  // index into kernels
    };
    std::vector<kernels::cpu::ConvOnednn> kernels;  // by batch size
    std::vector<Packing> packings;                  // oneDNN may want another layout for another batch size
    std::vector<std::size_t> packing_of;            // by batch size
    std::vector<float> bias;
};

struct CpuBackend::BatchNorm {
    std::vector<float> scale, bias;
};

BackendTraits cpu_traits() { return {.conv_takes_pitch = false, .slice_alignment = 1}; }

std::unique_ptr<Backend> make_cpu_backend(Plan plan, const DetectOptions& detect, int threads) {
    return std::make_unique<CpuBackend>(std::move(plan), detect, threads);
}

CpuBackend::CpuBackend(Plan plan, const DetectOptions& detect, int threads)
    : plan_(std::move(plan)), detect_(detect), threads_(threads) {
    if (threads_ <= 0) threads_ = int(std::max(1u, std::thread::hardware_concurrency()));
    if (!plan_.weights_storage)
        throw Error(ErrorKind::model, "the network was loaded without weights: name its .weights file");
    for (int n = 1; n < plan_.max_batch; n *= 2) batch_sizes_.push_back(n);
    batch_sizes_.push_back(plan_.max_batch);
    const OmpThreads scope(threads_);
    for (std::size_t i = 0; i < plan_.graph.nodes.size(); ++i) {
        const Node& node = plan_.graph.nodes[i];
        if (const auto* conv = std::get_if<ConvOp>(&node.op)) with_layer_name(node, [&] { prepare(int(i), *conv); });
        if (const auto* bn = std::get_if<BatchNormOp>(&node.op)) prepare(int(i), *bn, plan_.batch_norm);
    }
    std::size_t scratch = 0;
    for (const auto& [node, conv] : convs_)
        for (const auto& kernel : conv.kernels) scratch = std::max(scratch, kernel.scratch_bytes());
    scratch_ = HostBuffer(scratch);
    arena_ = HostBuffer(plan_.memory.arena_bytes);
}

CpuBackend::~CpuBackend() = default;

kernels::ConvProblem conv_problem(const ConvOp& op, const Shape& x, int n) {
    kernels::ConvProblem problem;
    problem.n = n, problem.h = x.h, problem.w = x.w, problem.c = x.c, problem.k = op.k;
    problem.r = problem.s = op.size;
    problem.stride_h = op.stride_y, problem.stride_w = op.stride_x;
    problem.pad_h = problem.pad_w = op.padding;
    problem.dilation = op.dilation, problem.groups = op.groups;
    problem.activation = kernel_activation(op.activation);
    problem.residual = op.residual;
    problem.after_residual = kernel_activation(op.after_residual);
    return problem;
}

void CpuBackend::prepare(int node, const ConvOp& op) {
    const Shape x = plan_.graph.tensors[plan_.graph.nodes[node].inputs[0]].shape;
    Conv conv;
    conv.bias = op.bias.empty() ? std::vector<float>(op.k, 0.f) : op.bias;
    for (std::size_t i = 0; i < batch_sizes_.size(); ++i) {
        conv.kernels.emplace_back(conv_problem(op, x, batch_sizes_[i]));
        const auto same = std::find_if(conv.packings.begin(), conv.packings.end(), [&](const Conv::Packing& p) {
            return conv.kernels[p.made_for].shares_packing(conv.kernels[i]);
        });
        conv.packing_of.push_back(std::size_t(same - conv.packings.begin()));
        if (same != conv.packings.end()) continue;
        HostBuffer packed(conv.kernels[i].packed_bytes());
        conv.kernels[i].pack(op.weights.data, op.scale.empty() ? nullptr : op.scale.data(), packed.data());
        conv.packings.push_back({std::move(packed), i});
    }
    convs_.emplace(node, std::move(conv));
}

void CpuBackend::prepare(int node, const BatchNormOp& op, BatchNormFormula formula) {
    const FoldedBatchNorm folded = fold(op, int(op.scales.count), formula);
    batchnorms_[node] = {std::vector<float>(folded.scale.begin(), folded.scale.end()), folded.bias};
}

kernels::Tensor CpuBackend::view(TensorId t, int batch, std::byte* slot) const {
    const Graph::Place place = plan_.graph.place(t);
    const MemoryPlan::Block& block = plan_.memory.blocks[plan_.memory.block_of[place.root]];
    std::byte* base = (block.home == MemoryPlan::Home::slot ? slot : arena_.data()) + block.offset;
    const Shape s = plan_.graph.tensors[t].shape;
    return {reinterpret_cast<float*>(base) + place.channel_offset,
            batch,
            s.h,
            s.w,
            s.c,
            plan_.graph.tensors[place.root].shape.c};
}

void CpuBackend::run_conv(int node, const ConvOp& op, int size_index, std::byte* slot) {
    const Node& n = plan_.graph.nodes[node];
    const Conv& conv = convs_.at(node);
    const int batch = batch_sizes_[size_index];
    const kernels::Tensor y = view(n.output, batch, slot);
    if (op.residual) {
        const kernels::Tensor residual = view(n.inputs[1], batch, slot);
        if (residual.data != y.data) kernels::cpu::copy(residual, y);
    }
    conv.kernels[size_index].run(view(n.inputs[0], batch, slot).data,
                                 conv.packings[conv.packing_of[size_index]].weights.data(), conv.bias.data(), y.data,
                                 scratch_.data());
}

void CpuBackend::run(std::byte* slot, int count) {
    const OmpThreads scope(threads_);
    const int size_index =
        int(std::lower_bound(batch_sizes_.begin(), batch_sizes_.end(), count) - batch_sizes_.begin());
    for (std::size_t i = 0; i < plan_.graph.nodes.size(); ++i)
        with_layer_name(plan_.graph.nodes[i], [&] { run_node(int(i), size_index, slot); });
}

void CpuBackend::run_node(int index, int size_index, std::byte* slot) {
    namespace k = kernels::cpu;
    const Node& node = plan_.graph.nodes[index];
    const int batch = batch_sizes_[size_index];
    const auto in = [&](std::size_t i = 0) { return view(node.inputs[i], batch, slot); };
    const auto out = [&] { return view(node.output, batch, slot); };
    if (const auto* conv = std::get_if<ConvOp>(&node.op)) {
        run_conv(index, *conv, size_index, slot);
    } else if (std::get_if<BatchNormOp>(&node.op)) {
        const BatchNorm& bn = batchnorms_.at(index);
        k::scale_bias(bn.scale.data(), bn.bias.data(), in(), out());
    } else if (const auto* act = std::get_if<ActivationOp>(&node.op)) {
        k::activate(kernel_activation(act->activation), in(), out());
    } else if (const auto* add = std::get_if<AddOp>(&node.op)) {
        k::add(kernel_activation(add->activation), in(0), in(1), out());
    } else if (const auto* pool = std::get_if<MaxpoolOp>(&node.op)) {
        k::maxpool(pool->size, pool->stride_y, pool->stride_x, pool->padding, in(), out());
    } else if (std::get_if<AvgpoolOp>(&node.op)) {
        k::avgpool(in(), out());
    } else if (const auto* up = std::get_if<UpsampleOp>(&node.op)) {
        k::upsample(up->stride, up->scale, in(), out());
    } else if (const auto* slice = std::get_if<SliceOp>(&node.op)) {
        kernels::Tensor part = in();
        part.data += slice->offset, part.c = out().c;
        k::copy(part, out());
    } else if (std::get_if<ConcatOp>(&node.op)) {
        concat(node, batch, slot);
    }
}

void CpuBackend::concat(const Node& node, int batch, std::byte* slot) const {
    kernels::Tensor part = view(node.output, batch, slot);
    for (TensorId t : node.inputs) {
        part.c = plan_.graph.tensors[t].shape.c;
        const kernels::Tensor x = view(t, batch, slot);
        if (x.data != part.data) kernels::cpu::copy(x, part);
        part.data += part.c;
    }
}

std::string CpuBackend::description() const {
    return "cpu, fp32, " + std::to_string(threads_) + (threads_ == 1 ? " thread" : " threads");
}

std::unique_ptr<Slot> CpuBackend::make_slot() { return std::make_unique<CpuSlot>(*this); }

}  // namespace convoy
