// SPDX-License-Identifier: MIT
//
// A 1x1 convolution of stride 1 is a matrix product, y (pixels, K) = x (pixels, C) · wᵀ, and cuBLASLt adds the bias and
// the residual on the way. Seen as it sees matrices, column by column: yᵀ (K, pixels) = w · xᵀ.
#include <cublasLt.h>

#include <array>
#include <mutex>
#include <utility>

#include "kernels/cuda/conv/libraries.h"
#include "kernels/cuda/conv/rows.h"
#include "kernels/cuda/dynamic_library.h"

namespace convoy::kernels::cuda {

class CublasLt {
public:
    explicit CublasLt(const DynamicLibrary& library) {
        library.find("cublasLtGetVersion", version);
        library.find("cublasLtGetStatusString", status_string);
        library.find("cublasLtCreate", create);
        library.find("cublasLtDestroy", destroy);
        library.find("cublasLtMatmulDescCreate", desc_create);
        library.find("cublasLtMatmulDescDestroy", desc_destroy);
        library.find("cublasLtMatmulDescSetAttribute", desc_set);
        library.find("cublasLtMatrixLayoutCreate", layout_create);
        library.find("cublasLtMatrixLayoutDestroy", layout_destroy);
        library.find("cublasLtMatmulPreferenceCreate", preference_create);
        library.find("cublasLtMatmulPreferenceDestroy", preference_destroy);
        library.find("cublasLtMatmulPreferenceSetAttribute", preference_set);
        library.find("cublasLtMatmulAlgoGetHeuristic", get_heuristic);
        library.find("cublasLtMatmul", matmul);
    }
    ~CublasLt() {
        if (handle_) destroy(handle_);
    }
    CublasLt(const CublasLt&) = delete;
    CublasLt& operator=(const CublasLt&) = delete;

    void check(cublasStatus_t status, const char* what) const {
        if (status != CUBLAS_STATUS_SUCCESS)
            throw std::runtime_error(std::string("cuBLASLt: ") + what + ": " + status_string(status));
    }
    /// Made when it is first needed: it takes device memory, and a tuned network may do without.
    cublasLtHandle_t handle() {
        const std::lock_guard lock(mutex_);
        if (!handle_) check(create(&handle_), "cublasLtCreate");
        return handle_;
    }

    decltype(&cublasLtGetVersion) version;
    decltype(&cublasLtGetStatusString) status_string;
    decltype(&cublasLtCreate) create;
    decltype(&cublasLtDestroy) destroy;
    decltype(&cublasLtMatmulDescCreate) desc_create;
    decltype(&cublasLtMatmulDescDestroy) desc_destroy;
    decltype(&cublasLtMatmulDescSetAttribute) desc_set;
    decltype(&cublasLtMatrixLayoutCreate) layout_create;
    decltype(&cublasLtMatrixLayoutDestroy) layout_destroy;
    decltype(&cublasLtMatmulPreferenceCreate) preference_create;
    decltype(&cublasLtMatmulPreferenceDestroy) preference_destroy;
    decltype(&cublasLtMatmulPreferenceSetAttribute) preference_set;
    decltype(&cublasLtMatmulAlgoGetHeuristic) get_heuristic;
    decltype(&cublasLtMatmul) matmul;

private:
    std::mutex mutex_;
    cublasLtHandle_t handle_ = nullptr;
};

std::shared_ptr<CublasLt> load_cublaslt(std::string& description) {
    const DynamicLibrary library{"libcublasLt.so.13", "libcublasLt.so.12"};
    try {
        if (!library) throw std::runtime_error(library.error());
        auto out = std::make_shared<CublasLt>(library);
        description = "cuBLASLt " + version_text(out->version());
        return out;
    } catch (const std::exception& e) {
        description = std::string("no cuBLASLt (") + e.what() + ')';
        return nullptr;
    }
}

namespace {

constexpr std::size_t kMaxWorkspace = 32 << 20;
constexpr int kRows = 3;

/// One of cuBLASLt's descriptors, destroyed by its own function.
template <typename T>
using Handle = std::unique_ptr<T, cublasStatus_t (*)(T*)>;
using Desc = Handle<cublasLtMatmulDescOpaque_t>;
using Layout = Handle<cublasLtMatrixLayoutOpaque_t>;
using Preference = Handle<cublasLtMatmulPreferenceOpaque_t>;

class Product final : public PreparedConv {
public:
    Product(std::shared_ptr<CublasLt> library, const Conv& conv)
        : lt_(std::move(library)),
          desc_(make_desc(conv)),
          w_(layout(conv, conv.packed_c(), conv.packed_k(), conv.packed_c())),
          x_(layout(conv, conv.packed_c(), pixels(conv), conv.x_pitch)),
          y_(layout(conv, conv.packed_k(), pixels(conv), conv.y_pitch)),
          residual_(conv.problem.residual ? layout(conv, conv.packed_k(), pixels(conv), conv.residual_pitch)
                                          : Layout(nullptr, lt_->layout_destroy)) {}

    /// Takes the `index`-th algorithm of cuBLASLt's list; false when it is not that long.
    bool choose(int index) {
        std::array<cublasLtMatmulHeuristicResult_t, kRows> found{};
        int count = 0;
        const Preference preference = make_preference();
        const cublasStatus_t status = lt_->get_heuristic(lt_->handle(), desc_.get(), w_.get(), x_.get(), c_layout(),
                                                         y_.get(), preference.get(), kRows, found.data(), &count);
        if (status == CUBLAS_STATUS_NOT_SUPPORTED || status == CUBLAS_STATUS_INVALID_VALUE) return false;
        lt_->check(status, "cublasLtMatmulAlgoGetHeuristic");
        if (index >= count || found[index].state != CUBLAS_STATUS_SUCCESS) return false;
        algorithm_ = found[index].algo;
        workspace_bytes_ = found[index].workspaceSize;
        return true;
    }

    std::size_t workspace_bytes() const override { return workspace_bytes_; }

    void launch(const ConvPointers& p, Stream stream) const override {
        set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias);
        const float alpha = 1, beta = residual_ ? 1 : 0;
        lt_->check(lt_->matmul(lt_->handle(), desc_.get(), &alpha, p.weights, w_.get(), p.x, x_.get(), &beta,
                               residual_ ? p.residual : p.y, c_layout(), p.y, y_.get(), &algorithm_, p.workspace,
                               workspace_bytes_, stream),
                   "cublasLtMatmul");
    }

private:
    static int pixels(const Conv& conv) { return conv.problem.n * conv.problem.p() * conv.problem.q(); }
    cublasLtMatrixLayoutOpaque_t* c_layout() const { return residual_ ? residual_.get() : y_.get(); }

    Layout layout(const Conv& conv, int rows, int columns, int pitch) const {
        cublasLtMatrixLayout_t made = nullptr;
        const cudaDataType type = storage(conv.math) == DataType::fp16 ? CUDA_R_16F : CUDA_R_32F;
        lt_->check(lt_->layout_create(&made, type, std::uint64_t(rows), std::uint64_t(columns), pitch),
                   "cublasLtMatrixLayoutCreate");
        return Layout(made, lt_->layout_destroy);
    }

    Desc make_desc(const Conv& conv) {
        cublasLtMatmulDesc_t made = nullptr;
        lt_->check(lt_->desc_create(&made, conv.math == Math::tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F,
                                    CUDA_R_32F),
                   "cublasLtMatmulDescCreate");
        Desc desc(made, lt_->desc_destroy);
        const ConvProblem& p = conv.problem;
        const bool relu = (p.residual ? p.after_residual : p.activation) == Activation::relu;
        set(desc, CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
        set(desc, CUBLASLT_MATMUL_DESC_EPILOGUE, relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS);
        set(desc, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, CUDA_R_32F);
        return desc;
    }

    Preference make_preference() const {
        cublasLtMatmulPreference_t made = nullptr;
        lt_->check(lt_->preference_create(&made), "cublasLtMatmulPreferenceCreate");
        Preference preference(made, lt_->preference_destroy);
        const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
            lt_->check(lt_->preference_set(made, attribute, &value, sizeof(value)),
                       "cublasLtMatmulPreferenceSetAttribute");
        };
        prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t(kMaxWorkspace));
        // Partial sums stay in fp32, and the same input gives the same bits.
        prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, std::uint32_t(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
        for (auto attribute : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                               CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
            prefer(attribute, std::uint32_t(16));
        return preference;
    }

    template <typename T>
    void set(const Desc& desc, cublasLtMatmulDescAttributes_t attribute, T value) const {
        lt_->check(lt_->desc_set(desc.get(), attribute, &value, sizeof(value)), "cublasLtMatmulDescSetAttribute");
    }
    void set(cublasLtMatmulDescAttributes_t attribute, const void* value) const { set(desc_, attribute, value); }

    std::shared_ptr<CublasLt> lt_;
    Desc desc_;
    Layout w_, x_, y_, residual_;
    cublasLtMatmulAlgo_t algorithm_{};
    std::size_t workspace_bytes_ = 0;
};

bool supports(const Conv& conv, const DeviceCaps&) {
    const ConvProblem& p = conv.problem;
    if (p.r != 1 || p.s != 1 || p.stride_h != 1 || p.stride_w != 1 || p.pad_h || p.pad_w) return false;
    if (p.groups != 1 || conv.upsample != 1) return false;
    // The epilogue's function comes last, and relu is the only one of ours that it has.
    if (p.residual && p.activation != Activation::linear) return false;
    const Activation last = p.residual ? p.after_residual : p.activation;
    return last == Activation::linear || last == Activation::relu;
}

template <int INDEX>
std::unique_ptr<PreparedConv> prepare(const Conv& conv, const DeviceCaps&, const ConvLibraries& libraries) {
    if (!libraries.impl().cublaslt) return nullptr;
    auto product = std::make_unique<Product>(libraries.impl().cublaslt, conv);
    if (!product->choose(INDEX)) return nullptr;
    return product;
}

}  // namespace

std::span<const ConvCandidate> cublaslt_rows() {
    static constexpr ConvCandidate rows[kRows] = {{"cublaslt_0", supports, prepare<0>, true},
                                                  {"cublaslt_1", supports, prepare<1>, true},
                                                  {"cublaslt_2", supports, prepare<2>, true}};
    return rows;
}

}  // namespace convoy::kernels::cuda
