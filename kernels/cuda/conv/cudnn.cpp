// SPDX-License-Identifier: MIT
//
// A convolution and its whole epilogue as one fused graph of cuDNN, whose heuristics list execution plans for it, the
// most promising first: row i is the i-th of those that keep to Math. The only file that includes cuDNN, which is
// opened at run time.
#define NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING
#define CUDNN_FRONTEND_SKIP_JSON_LIB
#include <cudnn_frontend.h>

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include "kernels/cuda/conv/libraries.h"
#include "kernels/cuda/conv/rows.h"
#include "kernels/cuda/dynamic_library.h"

namespace cudnn_frontend {
void* cudnn_dlhandle = nullptr;  // cudnn-frontend's own name and design: where it looks its functions up
}

namespace convoy::kernels::cuda {
namespace {

namespace fe = cudnn_frontend;
namespace lib = cudnn_frontend::detail;  // cuDNN's functions as cudnn-frontend finds them

constexpr int kRows = 6;
/// The captured graphs never outlive the prepared kernels, so they need not own the plans.
constexpr auto kRetention = fe::CudaGraphRetention_t::NONE;

/// A tensor's number in the graph.
enum Uid : std::int64_t { kX = 1, kWeights, kBias, kResidual, kY };

using FeTensor = std::shared_ptr<fe::graph::Tensor_attributes>;

void check(cudnnStatus_t status, const char* what) {
    if (status != CUDNN_STATUS_SUCCESS)
        throw std::runtime_error(std::string("cuDNN: ") + what + ": " + lib::get_error_string(status));
}

/// Shape (n, c, h, w) in NHWC memory, `pitch` elements between pixels.
fe::graph::Tensor_attributes nhwc(Uid uid, DataType type, std::int64_t n, std::int64_t c, std::int64_t h,
                                  std::int64_t w, std::int64_t pitch) {
    fe::graph::Tensor_attributes t;
    t.set_uid(uid).set_dim({n, c, h, w}).set_stride({h * w * pitch, 1, w * pitch, pitch});
    t.set_data_type(type == DataType::fp16 ? fe::DataType_t::HALF : fe::DataType_t::FLOAT);
    return t;
}

FeTensor fused(fe::graph::Graph& graph, fe::PointwiseMode_t mode, const FeTensor& a, const FeTensor& b = nullptr) {
    fe::graph::Pointwise_attributes attributes;
    attributes.set_mode(mode);
    return b ? graph.pointwise(a, b, attributes) : graph.pointwise(a, attributes);
}

FeTensor activated(fe::graph::Graph& graph, Activation activation, const FeTensor& x) {
    using Mode = fe::PointwiseMode_t;
    switch (activation) {
        case Activation::linear:
            return x;
        case Activation::leaky: {
            fe::graph::Pointwise_attributes attributes;
            attributes.set_mode(Mode::RELU_FWD).set_relu_lower_clip_slope(.1f);
            return graph.pointwise(x, attributes);
        }
        case Activation::relu:
            return fused(graph, Mode::RELU_FWD, x);
        case Activation::logistic:
            return fused(graph, Mode::SIGMOID_FWD, x);
        case Activation::swish:
            return fused(graph, Mode::SWISH_FWD, x);
        case Activation::mish:
            return fused(graph, Mode::MUL, x, fused(graph, Mode::TANH_FWD, fused(graph, Mode::SOFTPLUS_FWD, x)));
        default:  // no convolution is asked for it
            return x;
    }
}

/// Engines that would not compute as Math says, or not the same bits every time.
std::vector<fe::NumericalNote_t> unwanted(Math math) {
    using Note = fe::NumericalNote_t;
    std::vector<Note> notes = {Note::NONDETERMINISTIC, Note::REDUCED_PRECISION_REDUCTION};
    if (math != Math::fp16) notes.push_back(Note::DOWN_CONVERT_INPUTS);
    if (math == Math::fp32) notes.insert(notes.end(), {Note::TENSOR_CORE, Note::WINOGRAD, Note::FFT});
    return notes;
}

}  // namespace

/// The operation graph of one convolution and the plans that cuDNN lists for it.
class CudnnGraph : private fe::graph::Graph {
public:
    CudnnGraph(const Conv& conv, cudnnHandle_t handle) : conv_(conv) {
        describe();
        if (validate().is_bad() || build_operation_graph(handle).is_bad() ||
            create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK}).is_bad())
            return;
        deselect_numeric_notes(unwanted(conv.math));
        for (std::int64_t i = 0; i < get_execution_plan_count() && int(listed_.size()) < kRows; ++i)
            if (plans.check_support_at_index(i).is_good()) listed_.push_back(i);
    }

    const Conv& conv() const { return conv_; }

    /// Builds the row-th plan, which may mean to compile it. Null when there is none.
    std::shared_ptr<fe::ExecutionPlan> build(int row) {
        if (row >= int(listed_.size()) || build_plan_at_index(listed_[row]).is_bad()) return nullptr;
        return plans.get_execution_plans()[std::size_t(listed_[row])];
    }

private:
    void describe() {
        const ConvProblem& p = conv_.problem;
        const DataType type = storage(conv_.math);
        const int c = conv_.packed_c(), k = conv_.packed_k();
        set_intermediate_data_type(fe::DataType_t::FLOAT).set_compute_data_type(fe::DataType_t::FLOAT);
        set_cuda_graph_retention(kRetention);

        fe::graph::Conv_fprop_attributes fprop;
        fprop.set_padding({p.pad_h, p.pad_w})
            .set_stride({p.stride_h, p.stride_w})
            .set_dilation({p.dilation, p.dilation});
        const FeTensor sum = conv_fprop(tensor(nhwc(kX, type, p.n, c, p.h, p.w, conv_.x_pitch)),
                                        tensor(nhwc(kWeights, type, k, c, p.r, p.s, c)), fprop);
        const FeTensor bias = tensor(nhwc(kBias, DataType::fp32, 1, k, 1, 1, k));
        FeTensor y = activated(*this, p.activation, fused(*this, fe::PointwiseMode_t::ADD, sum, bias));
        if (p.residual) {
            const FeTensor residual = tensor(nhwc(kResidual, type, p.n, k, p.p(), p.q(), conv_.residual_pitch));
            y = activated(*this, p.after_residual, fused(*this, fe::PointwiseMode_t::ADD, y, residual));
        }
        const fe::graph::Tensor_attributes out = nhwc(kY, type, p.n, k, p.p(), p.q(), conv_.y_pitch);
        y->set_output(true).set_uid(kY).set_data_type(out.get_data_type());
        y->set_dim(out.get_dim()).set_stride(out.get_stride());
    }

    Conv conv_;
    std::vector<std::int64_t> listed_;  // by row: an index into cuDNN's list
};

class Cudnn {
public:
    Cudnn() = default;
    ~Cudnn() {
        for (cudnnHandle_t handle : idle_) lib::destroy_handle(handle);
        if (handle_) lib::destroy_handle(handle_);
    }
    Cudnn(const Cudnn&) = delete;
    Cudnn& operator=(const Cudnn&) = delete;

    /// Of whoever launches. Made when it is first needed: it takes device memory, and a tuned network may do without.
    cudnnHandle_t handle() {
        if (!handle_) handle_ = make_handle();
        return handle_;
    }
    /// The rows are prepared one after the other for the same convolution, so the last graph is kept for the next row.
    /// From several threads at once.
    std::shared_ptr<CudnnGraph> graph(const Conv& conv) {
        {
            const std::lock_guard lock(mutex_);
            if (last_ && last_->conv() == conv) return last_;
        }
        const IdleHandle idle(*this);
        auto graph = std::make_shared<CudnnGraph>(conv, idle.handle);
        const std::lock_guard lock(mutex_);
        return last_ = std::move(graph);
    }
    /// From several threads at once.
    std::shared_ptr<fe::ExecutionPlan> restore(const std::string& serialized) {
        const IdleHandle idle(*this);
        fe::ExecutionPlanBuilder builder;
        builder.setHandle(idle.handle).setCudaGraphRetention(kRetention);
        return std::make_shared<fe::ExecutionPlan>(builder.loadFromJson(serialized));
    }

private:
    // One to make plans with, as long as this lives.
    struct IdleHandle {
        explicit IdleHandle(Cudnn& its_owner) : owner(its_owner) {
            {
                const std::lock_guard lock(owner.mutex_);
                if (!owner.idle_.empty()) handle = owner.idle_.back(), owner.idle_.pop_back();
            }
            if (!handle) handle = make_handle();
        }
        ~IdleHandle() {
            const std::lock_guard lock(owner.mutex_);
            owner.idle_.push_back(handle);
        }
        IdleHandle(const IdleHandle&) = delete;
        IdleHandle& operator=(const IdleHandle&) = delete;
        Cudnn& owner;
        cudnnHandle_t handle = nullptr;
    };

    static cudnnHandle_t make_handle() {
        cudnnHandle_t handle = nullptr;
        check(lib::create_handle(&handle), "cudnnCreate");
        return handle;
    }

    cudnnHandle_t handle_ = nullptr;
    std::mutex mutex_;                 // of what follows
    std::vector<cudnnHandle_t> idle_;  // to make plans with
    std::shared_ptr<CudnnGraph> last_;
};

std::shared_ptr<Cudnn> load_cudnn(std::string& description) {
    try {
        static const DynamicLibrary library{"libcudnn.so.9"};
        static const bool found = (fe::cudnn_dlhandle = library.handle());
        if (!found) throw std::runtime_error(library.error());
        // Throws where cudnn-frontend finds no CUDA runtime of its own to open.
        lib::get_cuda_runtime_version();
        description = "cuDNN " + version_text(lib::get_backend_version());
        return std::make_shared<Cudnn>();
    } catch (const std::exception& e) {
        description = std::string("no cuDNN (") + e.what() + ')';
        return nullptr;
    }
}

namespace {

class Plan final : public PreparedConv {
public:
    Plan(std::shared_ptr<Cudnn> library, std::shared_ptr<fe::ExecutionPlan> plan, bool restored)
        : library_(std::move(library)), plan_(std::move(plan)), restored_(restored) {}
    std::size_t workspace_bytes() const override { return std::size_t(plan_->getWorkspaceSize()); }
    std::string serialized() const override {
        if (restored_) return {};
        try {
            return plan_->getJsonRepresentation();
        } catch (const std::runtime_error&) {
            return {};  // not every engine of every version can
        }
    }
    void launch(const ConvPointers& p, Stream stream) const override {
        check(lib::set_stream(library_->handle(), stream), "cudnnSetStream");
        std::vector<std::int64_t> uids = {kX, kWeights, kBias, kY};
        std::vector<void*> data;
        for (const void* pointer : {p.x, p.weights, static_cast<const void*>(p.bias), static_cast<const void*>(p.y)})
            data.push_back(const_cast<void*>(pointer));
        if (p.residual) uids.push_back(kResidual), data.push_back(const_cast<void*>(p.residual));
        const fe::VariantPack pack = fe::VariantPackBuilder()
                                         .setDataPointers(std::int64_t(data.size()), data.data())
                                         .setUids(std::int64_t(uids.size()), uids.data())
                                         .setWorkspacePointer(p.workspace)
                                         .build();
        check(lib::execute(library_->handle(), plan_->get_raw_desc(), pack.get_raw_desc()), "cudnnBackendExecute");
    }

private:
    std::shared_ptr<Cudnn> library_;  // before the plan, which needs it until the end
    std::shared_ptr<fe::ExecutionPlan> plan_;
    bool restored_;
};

bool supports(const Conv& conv, const DeviceCaps&) {
    // cuDNN 9.19's plans without tensor cores read a residual as if it were dense.
    const bool residual_serves = conv.math != Math::fp32 || conv.residual_pitch == conv.packed_k();
    return conv.problem.groups == 1 && conv.upsample == 1 && (!conv.problem.residual || residual_serves);
}

template <int ROW>
std::unique_ptr<PreparedConv> prepare(const Conv& conv, const DeviceCaps&, const ConvLibraries& libraries) {
    const std::shared_ptr<Cudnn>& cudnn = libraries.impl().cudnn;
    if (!cudnn) return nullptr;
    const std::shared_ptr<fe::ExecutionPlan> plan = cudnn->graph(conv)->build(ROW);
    return plan ? std::make_unique<Plan>(cudnn, plan, false) : nullptr;
}

std::unique_ptr<PreparedConv> restore(const Conv&, const std::string& serialized, const ConvLibraries& libraries) {
    const std::shared_ptr<Cudnn>& cudnn = libraries.impl().cudnn;
    return cudnn ? std::make_unique<Plan>(cudnn, cudnn->restore(serialized), true) : nullptr;
}

}  // namespace

std::span<const ConvCandidate> cudnn_rows() {
    static constexpr ConvCandidate rows[kRows] = {
        {"cudnn_0", supports, prepare<0>, true, restore}, {"cudnn_1", supports, prepare<1>, true, restore},
        {"cudnn_2", supports, prepare<2>, true, restore}, {"cudnn_3", supports, prepare<3>, true, restore},
        {"cudnn_4", supports, prepare<4>, true, restore}, {"cudnn_5", supports, prepare<5>, true, restore}};
    return rows;
}

}  // namespace convoy::kernels::cuda
