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

using type = memory::data_type;

type onednn_type(DataType t) { return t == DataType::bf16 ? type::bf16 : type::f32; }

memory::desc weights_desc(const ConvProblem& p, type t, tag plain, tag grouped) {
    if (p.groups == 1) return {{p.k, p.c, p.r, p.s}, t, plain};
    return {{p.groups, p.k / p.groups, p.c / p.groups, p.r, p.s}, t, grouped};
}

memory::desc input_desc(const ConvProblem& p, DataType t) { return {{p.n, p.c, p.h, p.w}, onednn_type(t), tag::nhwc}; }
memory::desc output_desc(const ConvProblem& p, DataType t) {
    return {{p.n, p.k, p.p(), p.q()}, onednn_type(t), tag::nhwc};
}

using Description = dnnl::convolution_forward::primitive_desc;

bool is_reference(const Description& description) {
    return std::string_view(description.impl_info_str()).starts_with("ref");
}

/// With the residual as a post-operation, or without. The products are of `types.x`.
Description describe(const dnnl::engine& engine, const ConvProblem& p, ConvTypes types, bool with_residual) {
    onednn::ConvDescription d;
    // Activations are told, not asked: dense NHWC is oneDNN's fast layout here, and neighbours agree without reorders.
    d.src = input_desc(p, types.x);
    d.weights = weights_desc(p, onednn_type(types.x), tag::any, tag::any);
    d.bias = {{p.k}, type::f32, tag::a};
    d.dst = output_desc(p, types.y);
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

/// How a problem is computed: by oneDNN alone, or with a step of ours before and after it.
struct Way {
    Description description;
    ConvTypes types;      ///< of what oneDNN reads and writes
    bool fuses_residual;  ///< else it is added afterwards
};

Way choose(const dnnl::engine& engine, const ConvProblem& p, ConvTypes asked) {
    const auto way = [&](ConvTypes types, bool fused) { return Way{describe(engine, p, types, fused), types, fused}; };
    const auto is_fast = [](const Way& w) { return !is_reference(w.description); };
    constexpr ConvTypes kFloats{};
    if (asked.x == DataType::bf16) {
        Way fused = way(asked, p.residual);
        if (is_fast(fused)) return fused;
        Way apart = way({DataType::bf16, DataType::fp32}, false);
        if (p.residual && is_fast(apart)) return apart;
    }
    // Processors without AVX-512 have no fast kernel that adds a residual, but some for the rest; the reference one is
    // hundreds of times slower than that and an addition.
    const bool can_fuse = p.residual && asked.y == DataType::fp32;
    Way floats = way(kFloats, can_fuse);
    if (!can_fuse || is_fast(floats)) return floats;
    Way apart = way(kFloats, false);
    return is_fast(apart) ? apart : floats;
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
    Impl(const ConvProblem& p, ConvTypes asked)
        : problem(p),
          types(asked),
          way(choose(engine, p, asked)),
          primitive(checked(way.description)),
          arguments{{DNNL_ARG_SRC, {way.description.src_desc(), engine, nullptr}},
                    {DNNL_ARG_WEIGHTS, {way.description.weights_desc(), engine, nullptr}},
                    {DNNL_ARG_BIAS, {way.description.bias_desc(), engine, nullptr}},
                    {DNNL_ARG_DST, {way.description.dst_desc(), engine, nullptr}},
                    {DNNL_ARG_SCRATCHPAD, {way.description.scratchpad_desc(), engine, nullptr}}} {
        if (widens()) widen = step(input_desc(p, types.x), way.description.src_desc());
        if (ends_apart() && !p.residual) finish = step(way.description.dst_desc(), output_desc(p, types.y));
    }

    /// A copy to another type.
    struct Step {
        memory from, to;
        dnnl::reorder copy;
        void run(dnnl::stream& stream, const void* x, void* y) {
            from.set_data_handle(const_cast<void*>(x));
            to.set_data_handle(y);
            copy.execute(stream, from, to);
        }
    };
    std::optional<Step> step(const memory::desc& from, const memory::desc& to) const {
        require_code_memory();
        memory x(from, engine, nullptr), y(to, engine, nullptr);
        dnnl::reorder copy(x, y);
        return Step{std::move(x), std::move(y), std::move(copy)};
    }

    void point(int argument, const void* data) {
        memory& m = arguments.at(argument);
        if (m.get_data_handle() != data) m.set_data_handle(const_cast<void*>(data));
    }

    /// Whether oneDNN reads floats that are made of x first.
    bool widens() const { return way.types.x != types.x; }
    /// Whether it writes floats of which y is made afterwards.
    bool ends_apart() const { return way.types.y != types.y || problem.residual != way.fuses_residual; }

    // The scratch: what is oneDNN's own, x in floats, y in floats.
    std::size_t own_scratch() const { return aligned(way.description.scratchpad_desc().get_size()); }
    std::size_t wide_input() const { return widens() ? aligned(way.description.src_desc().get_size()) : 0; }
    std::size_t sums() const { return ends_apart() ? way.description.dst_desc().get_size() : 0; }

    template <typename T>
    View<T> output(void* data) const {
        return {static_cast<T*>(data), problem.n, problem.p(), problem.q(), problem.k, problem.k};
    }
    void add_residual(void* from, void* y) const {
        if (types.y == DataType::bf16)
            add(problem.after_residual, output<float>(from), output<Bf16>(y), output<Bf16>(y));
        else
            add(problem.after_residual, output<float>(from), output<float>(y), output<float>(y));
    }

    ConvProblem problem;
    ConvTypes types;
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream{engine};
    Way way;
    dnnl::convolution_forward primitive;
    std::optional<Step> widen, finish;
    std::optional<dnnl::reorder> reorder;  // of weights, once there were any
    std::unordered_map<int, memory> arguments;
};

ConvOnednn::ConvOnednn(const ConvProblem& problem, ConvTypes types) : impl_(std::make_unique<Impl>(problem, types)) {}
ConvOnednn::~ConvOnednn() = default;
ConvOnednn::ConvOnednn(ConvOnednn&&) noexcept = default;
ConvOnednn& ConvOnednn::operator=(ConvOnednn&&) noexcept = default;

std::size_t ConvOnednn::packed_bytes() const { return impl_->way.description.weights_desc().get_size(); }
std::size_t ConvOnednn::scratch_bytes() const { return impl_->own_scratch() + impl_->wide_input() + impl_->sums(); }
DataType ConvOnednn::products() const { return impl_->way.types.x; }
const char* ConvOnednn::name() const { return impl_->way.description.impl_info_str(); }

bool ConvOnednn::shares_packing(const Conv& other) const {
    const auto* onednn = dynamic_cast<const ConvOnednn*>(&other);
    return onednn && impl_->way.description.weights_desc() == onednn->impl_->way.description.weights_desc();
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
    memory from(weights_desc(p, type::f32, tag::oihw, tag::goihw), impl_->engine, const_cast<float*>(w));
    memory to(impl_->way.description.weights_desc(), impl_->engine, packed);
    if (!impl_->reorder) {
        require_code_memory();
        impl_->reorder.emplace(from, to);
    }
    impl_->reorder->execute(impl_->stream, from, to);
    impl_->stream.wait();
}

void ConvOnednn::run(const void* x, const void* packed, const float* bias, void* y, void* scratch) const {
    Impl& k = *impl_;
    auto* const wide = static_cast<std::byte*>(scratch) + k.own_scratch();
    void* const sums = k.ends_apart() ? wide + k.wide_input() : y;
    if (k.widen) k.widen->run(k.stream, x, wide);
    k.point(DNNL_ARG_SRC, k.widen ? wide : x);
    k.point(DNNL_ARG_WEIGHTS, packed);
    k.point(DNNL_ARG_BIAS, bias);
    k.point(DNNL_ARG_DST, sums);
    k.point(DNNL_ARG_SCRATCHPAD, scratch);
    k.primitive.execute(k.stream, k.arguments);
    if (k.finish) k.finish->run(k.stream, sums, y);
    k.stream.wait();
    if (k.ends_apart() && !k.finish) k.add_residual(sums, y);
}

}  // namespace convoy::kernels::cpu
