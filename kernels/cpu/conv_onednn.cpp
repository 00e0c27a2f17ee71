// SPDX-License-Identifier: MIT
#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>

#include "kernels/conv.h"
#include "kernels/cpu/onednn_compat.h"
#include "kernels/elementwise.h"

namespace convoy::kernels::cpu {
namespace {

using dnnl::memory;
using tag = memory::format_tag;

void append_activation(dnnl::post_ops& ops, Activation a) {
    switch (a) {
        case Activation::linear:
            return;
        case Activation::leaky:
            return onednn::append_eltwise(ops, dnnl::algorithm::eltwise_relu, .1f, 0.f);
        case Activation::relu:
            // Not as eltwise_relu: oneDNN 2.6 gives two of them in one chain the same slope.
            return onednn::append_eltwise(ops, dnnl::algorithm::eltwise_clip, 0.f,
                                          std::numeric_limits<float>::infinity());
        case Activation::logistic:
            return onednn::append_eltwise(ops, dnnl::algorithm::eltwise_logistic, 0.f, 0.f);
        case Activation::mish:
            return onednn::append_eltwise(ops, dnnl::algorithm::eltwise_mish, 0.f, 0.f);
        case Activation::swish:
            return onednn::append_eltwise(ops, dnnl::algorithm::eltwise_swish, 1.f, 0.f);
        default:
            throw std::invalid_argument("this activation is not fused");
    }
}

memory::desc floats(const memory::dims& dims, tag format) { return {dims, memory::data_type::f32, format}; }

memory::desc weights_desc(const ConvProblem& p, tag plain, tag grouped) {
    if (p.groups == 1) return floats({p.k, p.c, p.r, p.s}, plain);
    return floats({p.groups, p.k / p.groups, p.c / p.groups, p.r, p.s}, grouped);
}

using Description = dnnl::convolution_forward::primitive_desc;

bool is_reference(const Description& description) {
    return std::string_view(description.impl_info_str()).starts_with("ref");
}

/// With the residual as a post-operation, or without.
Description describe(const dnnl::engine& engine, const ConvProblem& p, bool with_residual) {
    onednn::ConvDescription d;
    // Activations are told, not asked: dense NHWC is oneDNN's fast layout here, and neighbours agree without reorders.
    d.src = floats({p.n, p.c, p.h, p.w}, tag::nhwc);
    d.weights = weights_desc(p, tag::any, tag::any);
    d.bias = floats({p.k}, tag::a);
    d.dst = floats({p.n, p.k, p.p(), p.q()}, tag::nhwc);
    d.strides = {p.stride_h, p.stride_w};
    d.dilation = {p.dilation - 1, p.dilation - 1};
    d.padding = {p.pad_h, p.pad_w};

    dnnl::post_ops ops;
    append_activation(ops, p.activation);
    if (with_residual) {
        ops.append_sum(1.f);  // in place: a binary add of another tensor is many times slower
        append_activation(ops, p.after_residual);
    }
    dnnl::primitive_attr attr;
    attr.set_post_ops(ops);
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    return onednn::describe(engine, d, attr);
}

/// Processors without AVX-512 have no fast kernel that adds a residual, but some for the rest; the reference one is
/// hundreds of times slower than that and an addition.
Description choose(const dnnl::engine& engine, const ConvProblem& p, bool& adds_apart) {
    Description fused = describe(engine, p, p.residual);
    adds_apart = false;
    if (!p.residual || !is_reference(fused)) return fused;
    Description apart = describe(engine, p, false);
    if (is_reference(apart)) return fused;
    adds_apart = true;
    return apart;
}

/// oneDNN does not look whether it got memory for the code that it writes: 256 KiB at the least for each of the
/// kernels of a primitive, some of which have dozens. The rest is for what other threads take meanwhile.
void require_code_memory() {
    constexpr std::size_t kBytes = std::size_t(192) << 20;
    void* const trial = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (trial == MAP_FAILED)
        throw std::runtime_error("oneDNN needs up to 192 MiB of memory for its code (" +
                                 std::generic_category().message(errno) + "); free some or raise ulimit -v");
    ::munmap(trial, kBytes);
}

Description checked(Description description) {
    require_code_memory();
    return description;
}

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

}  // namespace

struct ConvOnednn::Impl {
    explicit Impl(const ConvProblem& p)
        : problem(p),
          description(choose(engine, p, adds_apart)),
          primitive(checked(description)),
          arguments{{DNNL_ARG_SRC, {description.src_desc(), engine, nullptr}},
                    {DNNL_ARG_WEIGHTS, {description.weights_desc(), engine, nullptr}},
                    {DNNL_ARG_BIAS, {description.bias_desc(), engine, nullptr}},
                    {DNNL_ARG_DST, {description.dst_desc(), engine, nullptr}},
                    {DNNL_ARG_SCRATCHPAD, {description.scratchpad_desc(), engine, nullptr}}} {}

    void point(int argument, const void* data) {
        memory& m = arguments.at(argument);
        if (m.get_data_handle() != data) m.set_data_handle(const_cast<void*>(data));
    }

    /// Bytes of the scratch that are oneDNN's; where the residual is added apart, the sums follow.
    std::size_t own_scratch() const { return aligned(description.scratchpad_desc().get_size()); }
    Tensor output(float* data) const { return {data, problem.n, problem.p(), problem.q(), problem.k, problem.k}; }

    ConvProblem problem;
    bool adds_apart = false;
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream{engine};
    dnnl::convolution_forward::primitive_desc description;
    dnnl::convolution_forward primitive;
    std::optional<dnnl::reorder> reorder;  // of weights, once there were any
    std::unordered_map<int, memory> arguments;
};

ConvOnednn::ConvOnednn(const ConvProblem& problem) : impl_(std::make_unique<Impl>(problem)) {}
ConvOnednn::~ConvOnednn() = default;
ConvOnednn::ConvOnednn(ConvOnednn&&) noexcept = default;
ConvOnednn& ConvOnednn::operator=(ConvOnednn&&) noexcept = default;

std::size_t ConvOnednn::packed_bytes() const { return impl_->description.weights_desc().get_size(); }
std::size_t ConvOnednn::scratch_bytes() const {
    return impl_->own_scratch() + (impl_->adds_apart ? impl_->description.dst_desc().get_size() : 0);
}
const char* ConvOnednn::name() const { return impl_->description.impl_info_str(); }

bool ConvOnednn::shares_packing(const ConvOnednn& other) const {
    return impl_->description.weights_desc() == other.impl_->description.weights_desc();
}

void ConvOnednn::pack(const float* w, const double* scale, void* packed) const {
    const ConvProblem& p = impl_->problem;
    std::unique_ptr<float[]> scaled;
    if (scale) {
        const std::size_t row = p.weight_count() / p.k;
        scaled = std::make_unique_for_overwrite<float[]>(p.weight_count());
#pragma omp parallel for
        for (int k = 0; k < p.k; ++k)
            for (std::size_t i = k * row; i < (k + 1) * row; ++i) scaled[i] = float(w[i] * scale[k]);
        w = scaled.get();
    }
    memory from(weights_desc(p, tag::oihw, tag::goihw), impl_->engine, const_cast<float*>(w));
    memory to(impl_->description.weights_desc(), impl_->engine, packed);
    if (!impl_->reorder) {
        require_code_memory();
        impl_->reorder.emplace(from, to);
    }
    impl_->reorder->execute(impl_->stream, from, to);
    impl_->stream.wait();
}

void ConvOnednn::run(const float* x, const void* packed, const float* bias, float* y, void* scratch) const {
    impl_->point(DNNL_ARG_SRC, x);
    impl_->point(DNNL_ARG_WEIGHTS, packed);
    impl_->point(DNNL_ARG_BIAS, bias);
    float* sums =
        impl_->adds_apart ? reinterpret_cast<float*>(static_cast<std::byte*>(scratch) + impl_->own_scratch()) : y;
    impl_->point(DNNL_ARG_DST, sums);
    impl_->point(DNNL_ARG_SCRATCHPAD, scratch);
    impl_->primitive.execute(impl_->stream, impl_->arguments);
    impl_->stream.wait();
    if (impl_->adds_apart) add(impl_->problem.after_residual, impl_->output(sums), impl_->output(y), impl_->output(y));
}

}  // namespace convoy::kernels::cpu
