// SPDX-License-Identifier: MIT
//
// The Hopper family for few pixels: a picture alone, the small layers of a few. There the multiply-adds take two
// microseconds, and what weighs is everything around them: finding work for every multiprocessor, and the time between
// a layer's end and the next one's first product.
//
// The blocks of a cluster share the K of one tile of 64 channels. K is cut into parts, 64 channels of one tap, of which
// each block takes as many as the next; then each finishes its share of the pixels, for which the others send it their
// sums.
//
// Pixels come as in wgmma_halo.cu, a rectangle with its halo once for all taps, where the stride is 1; else tap by tap
// as in wgmma.cu. Two threads load, a warpgroup multiplies.
//
// A block takes about half a multiprocessor. So the next layer's blocks are there while this one's still work, with
// their weights loaded already, which for most layers of a single picture are all that a block needs: when this layer
// ends, they load a box of pixels and multiply.
//
// With so few pixels issuing a product takes longer than the product, so that parts are multiplied several at a time,
// unrolled: those of a filter's row, or of up to four blocks of channels. Of several taps every part has a place of its
// own in the ring of filters, which is given back when it has been multiplied: where filters do not all fit, a layer
// waits for those that come instead.
#include <algorithm>
#include <cmath>

#include "kernels/cuda/conv/rows.h"
#include "kernels/cuda/conv/tensor_map.h"
#include "kernels/cuda/conv/wgmma_cut.h"
#include "kernels/cuda/conv/wgmma_share_kernel.cuh"
#include "kernels/cuda/launch.cuh"

namespace convoy::kernels::cuda {
namespace {

// Shared memory of a block. Not two blocks of one layer of several taps are on a multiprocessor, where they would
// multiply in turns, but one with one of the layers of a single tap that stand before and behind it in most networks.
constexpr int kLarge = 124 * 1024, kSmall = 100 * 1024, kAlone = 116 * 1024;
/// With the sums of the other blocks of a cluster.
constexpr int large_bytes(int splits) { return kLarge + (splits > 1 ? 2 * 1024 : 0); }
constexpr int small_bytes(int splits) { return kSmall + (splits > 1 ? 4 * 1024 : 0); }
constexpr int kMostBlocks = 4;  // for each multiprocessor: beyond that other rows have the advantage

/// How a problem is cut up.
struct Layout {
    int bk = 0;
    bool large = false, halo = false, blocks = false;
    WgmmaCut cut;                                                // of a halo
    int pixel_tiles = 0, k_tiles = 0, parts = 0, own_parts = 0;  // own: of a block
    int group = 0, stages = 0, boxes = 0, box_bytes = 0, loaded_bytes = 0;

    int all_stages() const { return ceil_div(own_parts, group); }
    /// A place is given back when the next stage has begun, which needs another one.
    bool fits() const { return stages >= std::min(all_stages(), 2); }
    int tiles() const { return pixel_tiles * k_tiles; }
    int filter_bytes() const { return kShareChannels * 2 * bk; }
    int stage_bytes() const { return group * (filter_bytes() + (halo ? 0 : box_bytes)); }
    /// Where the sums of other blocks come, behind everything else.
    int inbox(int bn, int splits) const {
        const int loading = stages * stage_bytes() + (halo ? boxes * box_bytes : 0);
        return std::max(loading, share_outputs_bytes(bn, splits));
    }
    int shared_bytes(int bn, int splits) const {
        const int needed = kShareAlign + inbox(bn, splits) + share_inbox_bytes(bn, splits);
        return large ? std::max(needed, kAlone) : needed;
    }
};

/// The most halos that a block touches when `splits` of them share `parts`, `taps` to a halo.
int most_halos(int parts, int taps, int splits) {
    int most = 0;
    for (int rank = 0; rank < splits; ++rank) {
        const int first = rank * parts / splits, end = (rank + 1) * parts / splits;
        most = std::max(most, (end - 1) / taps - first / taps + 1);
    }
    return most;
}

Layout lay_out(const Conv& conv, int bn, int splits) {
    constexpr int kFewFilters = 6, kMostParts = 4;
    const ConvProblem& p = conv.problem;
    const int taps = p.r * p.s, pixels = p.n * p.p() * p.q();
    Layout out;
    out.large = taps > 1;
    out.bk = conv.packed_c() <= 32 ? 32 : 64;
    out.k_tiles = ceil_div(conv.packed_k(), kShareChannels);
    out.parts = taps * ceil_div(conv.packed_c(), out.bk);
    out.own_parts = ceil_div(out.parts, splits);
    const int row = 2 * out.bk;
    const int room =
        (out.large ? large_bytes(splits) : small_bytes(splits)) - kShareAlign - share_inbox_bytes(bn, splits);
    const auto stages = [&](int bytes) {
        return std::min({out.all_stages(), bytes / out.stage_bytes(), kShareMaxStages});
    };
    if (taps > 1 && p.stride_h == 1 && p.stride_w == 1 && p.dilation == 1) {
        out.boxes = std::min(most_halos(out.parts, taps, splits), kShareMaxHalos);
        out.cut = wgmma_cut(p, bn, (room - kFewFilters * out.filter_bytes()) / out.boxes / row);
        out.halo = out.cut.tile_h > 0;
    }
    if (out.halo) {
        const int pitch = out.cut.tile_w + p.s - 1;
        out.pixel_tiles = p.n * out.cut.tiles();
        out.loaded_bytes = (out.cut.tile_h + p.r - 1) * pitch * row;
        // The last tap reads on behind the box, for sums of no output.
        out.box_bytes = int(share_align(std::max(out.loaded_bytes, ((p.r - 1) * pitch + p.s - 1 + bn) * row)));
        out.group = 1;
        out.stages = stages(room - out.boxes * out.box_bytes);
        return out;
    }
    out.boxes = 0;
    out.pixel_tiles = ceil_div(pixels, bn);
    out.loaded_bytes = bn * row;
    out.box_bytes = share_box_bytes(bn, out.bk);
    // The largest groups of which there are some more than are being multiplied.
    for (out.group = kMostParts; out.group > 1; out.group /= 2)
        if (out.stages = stages(room); out.stages >= 3 || (out.stages == 2 && 2 * out.group >= out.own_parts)) break;
    out.stages = stages(room);
    // Every stage of every block is full, and a copy leaves no gaps between its parts.
    const bool whole = conv.packed_c() % out.bk == 0 && out.parts % (splits * out.group) == 0 &&
                       (out.group == 1 || out.box_bytes == out.loaded_bytes);
    out.blocks = whole && taps == 1 && p.stride_h == 1 && p.stride_w == 1 && p.pad_h == 0 && p.pad_w == 0;
    return out;
}

bool supports(const Conv& conv, const DeviceCaps& caps, int bn, int splits) {
    constexpr std::size_t kMaxPixels = 1u << 24, kMaxVectors = 0x7fffffff;
    const ConvProblem& p = conv.problem;
    if (conv.math != Math::fp16 || p.groups != 1 || conv.x_pitch % 8 != 0) return false;
    if (caps.compute_capability != 90 || std::size_t(large_bytes(splits)) > caps.shared_bytes) return false;
    const std::size_t pixels = std::size_t(p.n) * p.p() * p.q();
    const std::size_t pitch = std::max(std::size_t(conv.y_pitch) * (conv.upsample == 2 ? 4 : 1),
                                       p.residual ? std::size_t(conv.residual_pitch) : 0);
    if (pixels > kMaxPixels || pixels * pitch / vector_lanes(DataType::fp16) > kMaxVectors) return false;
    const Layout layout = lay_out(conv, bn, splits);
    if (layout.tiles() < 1 || !layout.fits() || layout.parts < splits || !(layout.halo || has_im2col_map(conv)))
        return false;
    return std::size_t(layout.tiles()) * splits <= std::size_t(kMostBlocks) * caps.multiprocessors;
}

/// Of one tile.
struct Kernels {
    WgmmaShareKernel of_32;            // channels in a part
    WgmmaShareKernel any, halo, rows;  // of 64

    WgmmaShareKernel of(const ConvOutput& output, const Layout& layout) const {
        return layout.bk == 32 ? of_32 : !output.sloped() ? any : layout.halo ? halo : rows;
    }
};

class PreparedWgmmaShare final : public PreparedConv {
public:
    PreparedWgmmaShare(const Conv& conv, int bn, int splits, const Kernels& kernels)
        : conv_(conv), layout_(lay_out(conv, bn, splits)), bn_(bn), kernel_(kernels.of(ConvOutput(conv), layout_)) {
        const ConvProblem& p = conv.problem;
        params_.output = ConvOutput(conv);
        params_.splits = splits;
        params_.parts = layout_.parts, params_.taps = p.r * p.s, params_.taps_s = p.s;
        params_.filter_c = conv.packed_c();
        params_.halo = layout_.halo, params_.blocks = layout_.blocks;
        params_.tile_h = layout_.halo ? layout_.cut.tile_h : 1, params_.tile_w = layout_.halo ? layout_.cut.tile_w : bn;
        params_.pitch = layout_.halo ? layout_.cut.tile_w + p.s - 1 : bn;
        params_.stride_h = p.stride_h, params_.stride_w = p.stride_w, params_.dilation = p.dilation;
        params_.pad_h = p.pad_h, params_.pad_w = p.pad_w;
        params_.group = layout_.group, params_.stages = layout_.stages, params_.boxes = layout_.boxes;
        params_.box_bytes = layout_.box_bytes, params_.loaded_bytes = layout_.loaded_bytes;
        params_.inbox = layout_.inbox(bn, splits);
        params_.p = p.p(), params_.q = p.q(), params_.pixels = p.n * p.p() * p.q();
        params_.y_vectors = conv.y_pitch / vector_lanes(DataType::fp16);
        params_.residual_vectors = params_.output.residual_pitch / vector_lanes(DataType::fp16);
        params_.by_splits = FastDivmod(splits), params_.by_k_tiles = FastDivmod(layout_.k_tiles);
        params_.by_columns = FastDivmod(std::max(layout_.cut.columns, 1));
        params_.by_rows = FastDivmod(std::max(layout_.cut.rows, 1));
        params_.by_pitch = FastDivmod(params_.pitch);
        params_.by_taps = FastDivmod(params_.taps), params_.by_taps_s = FastDivmod(p.s);
        params_.by_pq = FastDivmod(p.p() * p.q());
        // The kernel's, whatever the problem: another one's may be launched later.
        allow_shared(kernel_, large_bytes(splits), "conv_wgmma_share");
    }

    void launch(const ConvPointers& at, Stream stream) const override {
        WgmmaShareParams p = params_;
        p.output.point_to(at);
        const int filter = p.taps * p.filter_c;
        WgmmaShareMaps maps;
        maps.x = x_map(at.x);
        maps.weights = matrix_map(at.weights, filter, p.output.k, filter, kShareChannels, layout_.bk);
        launch_dependent(kernel_, dim3(layout_.tiles() * p.splits), kShareThreads, layout_.shared_bytes(bn_, p.splits),
                         stream, dim3(p.splits), p, maps);
    }

private:
    CUtensorMap x_map(const void* x) const {
        const ConvProblem& c = conv_.problem;
        const WgmmaShareParams& p = params_;
        if (p.halo)
            return picture_map(x, c.n, c.h, c.w, conv_.packed_c(), conv_.x_pitch, p.tile_h + c.r - 1, p.pitch,
                               layout_.bk);
        if (p.blocks) return blocks_map(x, p.pixels, conv_.packed_c(), conv_.x_pitch, bn_, layout_.bk, p.group);
        return im2col_map(x, conv_, bn_, layout_.bk);
    }

    Conv conv_;
    Layout layout_;
    int bn_;
    WgmmaShareKernel kernel_;
    WgmmaShareParams params_{};
};

// Fitted to the layers of yolov3 for one picture: from the end of the layer before to this one's.
double clocks(const Conv& conv, const DeviceCaps& caps, int bn, int splits) {
    constexpr double kBefore = 4000, kLeastPerProduct = 50, kPerColumn = .72, kLoadedPerClock = 3080;  // by all blocks
    constexpr double kFinishPerPixel = 24, kMeet = 250, kSentPerClock = 15;  // kMeet: by block; bytes into another's
    constexpr double kCopiedPerClock = 60, kAllCopiedPerClock = 4300;        // by a block, by all
    const Layout layout = lay_out(conv, bn, splits);
    // Clusters do not fill the groups of multiprocessors that they must lie in.
    const double room = caps.multiprocessors * (splits <= 3 ? 1. : splits == 4 ? .9 : .85);
    const double blocks = std::ceil(layout.tiles() * splits / room), at_once = layout.large ? 1 : 2;
    // Filters that do not fit a block come while it multiplies.
    const double late = std::max(layout.own_parts - layout.stages * layout.group, 0) * layout.filter_bytes();
    const double at_work = std::min(layout.tiles() * splits, caps.multiprocessors);
    double multiply = std::max(layout.own_parts * layout.bk / 16 * std::max(kLeastPerProduct, kPerColumn * bn),
                               late * at_work / kLoadedPerClock);
    // Without halos pixels come anew for every tap.
    if (layout.large && !layout.halo) {
        const double copied = layout.own_parts * (layout.filter_bytes() + layout.box_bytes);
        multiply = std::max({multiply, copied / kCopiedPerClock, copied * at_work / kAllCopiedPerClock});
    }
    double around = kBefore + kFinishPerPixel * bn / splits;
    if (splits > 1) around += kMeet * splits + kShareChannels * 4. * bn * (splits - 1) / splits / kSentPerClock;
    return blocks * multiply + std::ceil(blocks / at_once) * around;
}

template <int BN, int SPLITS>
constexpr ReckonedRow row(const char* name) {
    static_assert(BN == 32 || BN == 48 || BN == 64 || BN == 104 || BN == 208);
    return {{
                name,
                [](const Conv& conv, const DeviceCaps& caps) { return supports(conv, caps, BN, SPLITS); },
                [](const Conv& conv, const DeviceCaps&, const ConvLibraries&) -> std::unique_ptr<PreparedConv> {
                    return std::make_unique<PreparedWgmmaShare>(
                        conv, BN, SPLITS,
                        Kernels{wgmma_share_kernel<BN, 32, SPLITS, ShareKind::any>(),
                                wgmma_share_kernel<BN, 64, SPLITS, ShareKind::any>(),
                                wgmma_share_kernel<BN, 64, SPLITS, ShareKind::halo>(),
                                wgmma_share_kernel<BN, 64, SPLITS, ShareKind::rows>()});
                },
            },
            [](const Conv& conv, const DeviceCaps& caps) { return clocks(conv, caps, BN, SPLITS); }};
}

constexpr ReckonedRow kRows[] = {
    row<32, 1>("wgmma_share_32"),          row<32, 2>("wgmma_share_32_split2"),   row<32, 4>("wgmma_share_32_split4"),
    row<48, 1>("wgmma_share_48"),          row<48, 2>("wgmma_share_48_split2"),   row<48, 4>("wgmma_share_48_split4"),
    row<64, 1>("wgmma_share_64"),          row<64, 2>("wgmma_share_64_split2"),   row<64, 4>("wgmma_share_64_split4"),
    row<104, 1>("wgmma_share_104"),        row<104, 2>("wgmma_share_104_split2"), row<104, 3>("wgmma_share_104_split3"),
    row<104, 4>("wgmma_share_104_split4"), row<208, 1>("wgmma_share_208"),        row<208, 2>("wgmma_share_208_split2"),
};

}  // namespace

std::span<const ReckonedRow> wgmma_share_rows() {
    if (!CONVOY_SM_90A) return {};
    return kRows;
}

}  // namespace convoy::kernels::cuda
