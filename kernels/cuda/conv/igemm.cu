// SPDX-License-Identifier: MIT
//
// Convolution as an implicit matrix product: compute capability 8.0 and later, in fp16 7.5, too; fp32 sums, one group.
// Products are of fp16 or tf32 on tensor cores (mma.sync), or true fp32 on CUDA cores.
//
//                 K = R·S·C                      y (M, N): M = N·P·Q output pixels, N = output channels
//          ┌──────────────────┐                  x (M, K): row m is pixel m's window, never stored: it is gathered
//      M   │  x, gathered     │ · weights^T      w (N, K): the packed weights as they are
//          └──────────────────┘
//
// A block computes BM x BN outputs at a time, and one tile after the other: the grid is no larger than what fits on the
// GPU. K is cut into stages of BK elements, and shared memory is a ring of STAGES of them, each BM rows of x and BN
// rows of weights of 64 or 128 bytes. While the cores work on one stage, cp.async (16 bytes each) fills the
// others, and goes on into the next tile while this one is stored; zeros stand for the padding, for pixels past M and
// channels past N. The 16-byte vectors of a row are swapped (vector ^ row) so that neither cp.async nor ldmatrix meets
// a bank conflict. A warp holds its share of the sums in registers, and two sets of operand fragments: ldmatrix fills
// one while mma reads the other. In fp32 a lane reads vectors of four k for its 8 x 8 sums, so that 16 loads serve 256
// multiply-adds (igemm_fragments.cuh).
//
// The gather costs no division in the loop: of each of its rows a thread knows where tap (0, 0) lies and, as bits,
// which filter rows and columns fall inside the picture (IgemmRow; worked out once per row, a tile ahead). Its place in
// K, the same for all its rows, is a number of digits (r, s, c) that each stage advances by a constant (IgemmWalk).
// Neighbouring blocks take the channels of the same pixels, so that x comes from memory once; the weights stay in L2.
//
// 7.5 has no cp.async: tiles of its own (`plain`) bring a stage by way of registers, which are asked for before a
// stage's products and stored behind them, ahead of the barrier that frees the stage after it.
//
// Each warp passes its sums through shared memory of its own, eight rows at a time, so that threads read residuals and
// store outputs as 16 bytes of neighbouring channels (igemm_store.cuh, output.cuh). The residual is
// fetched to L2 when its tile begins.
//
// Where there are too few tiles for the multiprocessors, SPLITS blocks share the K of one tile. They are a cluster
// (9.0 and later) and each finishes a part of the rows, reading the others' sums from their shared memory; or they
// write sums to the workspace, and a second kernel finishes (igemm_reduce.cu). Either adds in a fixed order: the
// same input gives the same bits.
#include "kernels/cuda/conv/igemm.cuh"

#include <algorithm>

#include "kernels/cuda/conv/rows.h"
#include "kernels/cuda/launch.cuh"

namespace convoy::kernels::cuda {
namespace {

constexpr int kMaxTaps = 15;            // rows or columns of a filter: they are bits of one register
constexpr std::size_t kMax = 1u << 30;  // vectors or pixels: offsets are ints
constexpr int kPortableCluster = 8;

enum class Meet { cluster, workspace };  // where the blocks that share a tile bring their sums together

int filter_vectors(const Conv& conv, const IgemmTile& tile) {
    return conv.problem.r * conv.problem.s * conv.packed_c() / tile.lanes();
}

int tiles_m(const Conv& conv, const IgemmTile& tile) {
    return ceil_div(conv.problem.n * conv.problem.p() * conv.problem.q(), tile.bm);
}

bool supports(const Conv& conv, const DeviceCaps& caps, const IgemmTile& tile, int splits, Meet meet) {
    const ConvProblem& p = conv.problem;
    const std::size_t outputs = std::size_t(p.n) * p.p() * p.q(), inputs = std::size_t(p.n) * p.h * p.w;
    if (conv.math != tile.math || p.groups != 1 || conv.x_pitch % tile.lanes() != 0) return false;
    if (caps.compiled_for < (splits > 1 && meet == Meet::cluster ? 90 : 75)) return false;
    if (tile.plain != (caps.compiled_for < 80)) return false;  // else it is compiled empty
    if (std::size_t(tile.shared_bytes(splits > 1)) > caps.shared_bytes) return false;
    if (std::max(p.r, p.s) > kMaxTaps || outputs > kMax || inputs * conv.x_pitch / tile.lanes() > kMax ||
        conv.packed_elements() / tile.lanes() > kMax)
        return false;
    if (splits == 1) return true;
    // Splitting pays only where tiles are few.
    const int blocks = tiles_m(conv, tile) * ceil_div(conv.packed_k(), tile.bn) * splits;
    return blocks <= 8 * caps.multiprocessors && ceil_div(filter_vectors(conv, tile), tile.row_vectors()) >= splits;
}

class PreparedIgemm final : public PreparedConv {
public:
    PreparedIgemm(const Conv& conv, const DeviceCaps& caps, const IgemmTile& tile, IgemmKernel kernel, int splits,
                  Meet meet)
        : params_(conv), tile_(tile), kernel_(kernel), meet_(meet) {
        const ConvProblem& p = conv.problem;
        params_.m = p.n * p.p() * p.q();
        params_.h = p.h, params_.w = p.w;
        params_.x_pitch = conv.x_pitch / tile.lanes();
        params_.tap_w = p.dilation * params_.x_pitch;
        params_.tap_h = p.w * params_.tap_w;
        params_.stride_h = p.stride_h, params_.stride_w = p.stride_w;
        params_.pad_h = p.pad_h, params_.pad_w = p.pad_w;
        params_.dilation = p.dilation, params_.r = p.r, params_.s = p.s;

        const int stage = tile.row_vectors();
        params_.c = conv.packed_c() / tile.lanes();
        params_.stage_step = {stage % params_.c, stage / params_.c % p.s, stage / params_.c / p.s};
        params_.iterations = ceil_div(filter_vectors(conv, tile), stage);
        params_.splits = splits;
        params_.by_c = FastDivmod(params_.c), params_.by_s = FastDivmod(p.s);
        params_.by_dilation = FastDivmod(p.dilation);

        params_.by_pq = FastDivmod(p.p() * p.q());
        const int tiles_n = ceil_div(params_.k, tile.bn);
        params_.by_n_tiles = FastDivmod(tiles_n);
        params_.tiles = tiles_m(conv, tile) * tiles_n;

        const int shared = tile.shared_bytes(splits > 1);
        check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared), "conv_igemm");
        blocks_ = params_.tiles;
        if (splits > 1) return;
        int resident = 0;
        check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&resident, kernel, tile.threads(), shared), "conv_igemm");
        blocks_ = std::min(blocks_, resident * caps.multiprocessors);
    }

    std::size_t workspace_bytes() const override {
        if (meet_ == Meet::cluster) return 0;
        return sizeof(float) * params_.splits * std::size_t(params_.m) * params_.k;
    }

    void launch(const ConvPointers& pointers, Stream stream) const override {
        IgemmParams p = params_;
        p.x = static_cast<const uint4*>(pointers.x);
        p.weights = static_cast<const uint4*>(pointers.weights);
        p.point_to(pointers);
        p.partial_sums = meet_ == Meet::workspace ? static_cast<float*>(pointers.workspace) : nullptr;
        const dim3 cluster(1, meet_ == Meet::cluster ? p.splits : 1);
        launch_dependent(kernel_, dim3(blocks_, p.splits), tile_.threads(), tile_.shared_bytes(p.splits > 1), stream,
                         cluster, p);
        if (meet_ == Meet::workspace) launch_igemm_reduce(p, tile_.math, stream);
    }

private:
    IgemmParams params_;
    IgemmTile tile_;
    IgemmKernel kernel_;
    Meet meet_;
    int blocks_ = 0;  // grid x
};

/// That a multiprocessor is reckoned to need in fp32, where instructions are what all wait for. Its four schedulers
/// share the blocks that run at a time.
double clocks(const Conv& conv, const DeviceCaps& caps, const IgemmTile& tile, int splits, Meet meet) {
    constexpr double kLoop = 160, kFinish = 1500;  // instructions of a warp beside its products: a stage's, a tile's
    constexpr double kAlone = 1.2;                 // a warp without another on its scheduler waits now and then
    constexpr double kMeet[] = {3000, 8000};       // clocks: cluster, workspace
    const int fma = tile.bm * tile.bn / tile.threads(), loads = fma / 16;  // a warp's, for each k
    const int stages = ceil_div(ceil_div(filter_vectors(conv, tile), tile.row_vectors()), splits);
    const int resident =
        std::clamp(int(caps.shared_bytes / tile.shared_bytes(splits > 1)), 1, tile.blocks);  // per multiprocessor
    const int blocks = tiles_m(conv, tile) * ceil_div(conv.packed_k(), tile.bn) * splits;
    const auto together = [&](int on_one) {
        return std::max(kAlone, on_one * tile.threads() / 128.) *
               (stages * ((fma + loads) * tile.bk + kLoop) + kFinish);
    };
    const int places = resident * caps.multiprocessors, rest = ceil_div(blocks % places, caps.multiprocessors);
    return blocks / places * together(resident) + (rest > 0 ? together(rest) : 0) + (splits > 1 ? kMeet[int(meet)] : 0);
}

template <typename SHAPE, int SPLITS = 1, Meet MEET = Meet::cluster>
constexpr ConvCandidate row(const char* name) {
    static_assert(SPLITS <= kPortableCluster && SHAPE::kTile.bm % SPLITS == 0);
    return {
        name,
        [](const Conv& conv, const DeviceCaps& caps) { return supports(conv, caps, SHAPE::kTile, SPLITS, MEET); },
        [](const Conv& conv, const DeviceCaps& caps, const ConvLibraries&) -> std::unique_ptr<PreparedConv> {
            return std::make_unique<PreparedIgemm>(conv, caps, SHAPE::kTile, igemm_kernel<SHAPE, (SPLITS > 1)>(),
                                                   SPLITS, MEET);
        },
    };
}

template <typename SHAPE, int SPLITS = 1, Meet MEET = Meet::cluster>
constexpr ReckonedRow fp32_row(const char* name) {
    return {row<SHAPE, SPLITS, MEET>(name),
            [](const Conv& conv, const DeviceCaps& caps) { return clocks(conv, caps, SHAPE::kTile, SPLITS, MEET); }};
}

using namespace igemm;

constexpr ConvCandidate kRows[] = {
    row<Half_256x128x64>("igemm_256x128x64_s4"),
    row<Half_224x128x64>("igemm_224x128x64_s4"),
    row<Half_256x64x32>("igemm_256x64x32_s5"),
    row<Half_128x128x64>("igemm_128x128x64_s3"),
    row<Half_96x128x64>("igemm_96x128x64_s3"),
    row<Half_128x128x32>("igemm_128x128x32_s4"),
    row<Half_128x64x64>("igemm_128x64x64_s4"),
    row<Half_128x64x32>("igemm_128x64x32_s5"),
    row<Half_128x32x64>("igemm_128x32x64_s3"),
    row<Half_64x128x64>("igemm_64x128x64_s4"),
    row<Half_64x128x32>("igemm_64x128x32_s5"),
    row<Half_64x64x64>("igemm_64x64x64_s4"),
    row<Half_64x32x64>("igemm_64x32x64_s4"),
    row<Half_32x64x64>("igemm_32x64x64_s4"),
    row<Half_128x64x64, 2>("igemm_128x64x64_s4_split2"),
    row<Half_128x64x64, 4>("igemm_128x64x64_s4_split4"),
    row<Half_64x128x64, 2>("igemm_64x128x64_s4_split2"),
    row<Half_64x128x64, 4>("igemm_64x128x64_s4_split4"),
    row<Half_64x128x64, 8>("igemm_64x128x64_s4_split8"),
    row<Half_64x64x64, 2>("igemm_64x64x64_s4_split2"),
    row<Half_64x64x64, 4>("igemm_64x64x64_s4_split4"),
    row<Half_64x64x64, 8>("igemm_64x64x64_s4_split8"),
    row<Half_64x32x64, 2>("igemm_64x32x64_s4_split2"),
    row<Half_64x32x64, 4>("igemm_64x32x64_s4_split4"),
    row<Half_64x32x64, 8>("igemm_64x32x64_s4_split8"),
    row<Half_32x64x64, 4>("igemm_32x64x64_s4_split4"),
    row<Half_32x64x64, 8>("igemm_32x64x64_s4_split8"),
    row<Half_64x64x64, 4, Meet::workspace>("igemm_64x64x64_s4_workspace4"),
    row<Plain_128x128x32>("igemm_plain_128x128x32_s2"),
    row<Plain_128x64x32>("igemm_plain_128x64x32_s2"),
    row<Plain_128x32x32>("igemm_plain_128x32x32_s2"),
    row<Plain_64x64x32>("igemm_plain_64x64x32_s2"),
    row<Plain_64x64x32, 4, Meet::workspace>("igemm_plain_64x64x32_s2_workspace4"),
    row<Tf32_128x128x32>("igemm_tf32_128x128x32_s3"),
    row<Tf32_128x64x32>("igemm_tf32_128x64x32_s4"),
    row<Tf32_128x32x32>("igemm_tf32_128x32x32_s3"),
    row<Tf32_64x64x32>("igemm_tf32_64x64x32_s4"),
    row<Tf32_64x64x32, 2>("igemm_tf32_64x64x32_s4_split2"),
    row<Tf32_64x64x32, 4>("igemm_tf32_64x64x32_s4_split4"),
    row<Tf32_64x64x32, 8>("igemm_tf32_64x64x32_s4_split8"),
    row<Tf32_64x64x32, 4, Meet::workspace>("igemm_tf32_64x64x32_s4_workspace4"),
};

constexpr ReckonedRow kFp32Rows[] = {
    fp32_row<Fp32_128x128x32>("igemm_fp32_128x128x32_s3"),
    fp32_row<Fp32_128x64x32>("igemm_fp32_128x64x32_s3"),
    fp32_row<Fp32_128x64x16>("igemm_fp32_128x64x16_s3"),
    fp32_row<Fp32_128x32x16>("igemm_fp32_128x32x16_s3"),
    fp32_row<Fp32_64x64x32>("igemm_fp32_64x64x32_s3"),
    fp32_row<Fp32_64x64x16>("igemm_fp32_64x64x16_s3"),
    fp32_row<Fp32_64x64x32, 2>("igemm_fp32_64x64x32_s3_split2"),
    fp32_row<Fp32_64x64x32, 4>("igemm_fp32_64x64x32_s3_split4"),
    fp32_row<Fp32_64x64x32, 8>("igemm_fp32_64x64x32_s3_split8"),
    fp32_row<Fp32_64x64x16, 4, Meet::workspace>("igemm_fp32_64x64x16_s3_workspace4"),
};

}  // namespace

std::span<const ConvCandidate> igemm_rows() { return kRows; }

std::span<const ReckonedRow> igemm_fp32_rows() { return kFp32Rows; }

}  // namespace convoy::kernels::cuda
