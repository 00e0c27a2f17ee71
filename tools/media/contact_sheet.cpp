// SPDX-License-Identifier: MIT
#include <algorithm>
#include <new>

#include "tools/media/av_handles.h"
#include "tools/media/draw.h"
#include "tools/media/font.h"
#include "tools/media/rgb_frame.h"

namespace convoy::media {
namespace {

constexpr Color kPaper = {24, 26, 30}, kInk = {225, 228, 232};

/// The picture at most `width` wide and twice that high, its proportions kept.
Image scaled(const Image& image, int width) {
    const double scale = std::min(double(width) / image.width, 2. * width / image.height);
    Image out{std::max(1, int(image.width * scale + .5)), std::max(1, int(image.height * scale + .5)), {}};
    const ScalerPtr scaler(sws_getContext(image.width, image.height, AV_PIX_FMT_RGB24, out.width, out.height,
                                          AV_PIX_FMT_RGB24, SWS_AREA, nullptr, nullptr, nullptr));
    if (!scaler) throw std::bad_alloc();
    const FramePtr from = new_frame(image.width, image.height, AV_PIX_FMT_RGB24);
    const FramePtr to = new_frame(out.width, out.height, AV_PIX_FMT_RGB24);
    copy_repeating_edges(image, *from);
    sws_scale(scaler.get(), from->data, from->linesize, 0, image.height, to->data, to->linesize);
    out.rgb.resize(std::size_t(out.width) * out.height * 3);
    for (int y = 0; y < out.height; ++y)
        std::copy_n(to->data[0] + std::ptrdiff_t(y) * to->linesize[0], out.width * 3, out.row(y));
    return out;
}

}  // namespace

ContactSheet::ContactSheet(int columns, int rows, int tile_width)
    : columns_(std::max(columns, 1)), rows_(std::max(rows, 1)), tile_width_(std::max(tile_width, 16)) {}

void ContactSheet::add(const Image& image, const std::string& caption) {
    if (seen_++ % keep_every_ != 0) return;
    const std::size_t most = 4 * std::size_t(columns_) * rows_;  // 2 to 4 times what is shown makes the steps even
    if (tiles_.size() == most) {
        // seen_ - 1 is most * keep_every_, an even multiple, so this picture belongs to the thinned set too.
        for (std::size_t i = 1; 2 * i < most; ++i) tiles_[i] = std::move(tiles_[2 * i]);
        tiles_.resize(most / 2);
        keep_every_ *= 2;
    }
    tiles_.push_back({scaled(image, tile_width_), caption});
}

Image ContactSheet::render() const {
    const int shown = std::min(int(tiles_.size()), columns_ * rows_);
    if (shown == 0) return {};
    const int columns = std::min(columns_, shown), rows = (shown + columns - 1) / columns;
    const int text = std::max(12, tile_width_ / 26), gap = text / 2;
    // First, last, and evenly between them.
    const auto tile = [&](int i) -> const Tile& {
        return tiles_[shown > 1 ? std::size_t(i) * (tiles_.size() - 1) / std::size_t(shown - 1) : 0];
    };
    int tallest = 0;
    for (int i = 0; i < shown; ++i) tallest = std::max(tallest, tile(i).image.height);
    const int cell_w = tile_width_ + gap, cell_h = tallest + text + 2 * gap;
    Image sheet{columns * cell_w + gap, rows * cell_h + gap, {}};
    sheet.rgb.resize(std::size_t(sheet.width) * sheet.height * 3);
    fill_rect(sheet, 0, 0, sheet.width, sheet.height, kPaper);
    Font font(text);
    for (int i = 0; i < shown; ++i) {
        const Tile& t = tile(i);
        const int x = gap + i % columns * cell_w, y = gap + i / columns * cell_h;
        const int top = y + (tallest - t.image.height) / 2, left = x + (tile_width_ - t.image.width) / 2;
        for (int row = 0; row < t.image.height; ++row)
            std::copy_n(t.image.row(row), t.image.width * 3, sheet.row(top + row) + left * 3);
        std::string caption = t.caption;
        while (!caption.empty() && font.width(caption) > tile_width_) caption.pop_back();
        font.draw(sheet, x, y + tallest + gap / 2, caption, kInk);
    }
    return sheet;
}

}  // namespace convoy::media
