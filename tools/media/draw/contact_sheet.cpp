// SPDX-License-Identifier: MIT
#include <convoy/media/contact_sheet.h>

#include <algorithm>
#include <cmath>

#include "tools/media/draw/font.h"
#include "tools/media/pictures/scale.h"

namespace convoy::media {
namespace {

constexpr Color kPaper = {24, 26, 30}, kInk = {225, 228, 232};

/// The picture at most `width` wide and twice that high, its proportions kept.
Image cell_of(const Image& image, int width) {
    const double scale = std::min(double(width) / image.width, 2. * width / image.height);
    const auto side = [&](int pixels) { return std::max(1, int(std::lround(pixels * scale))); };
    return scaled(image, side(image.width), side(image.height));
}

constexpr std::int64_t kPartSteps = 4;  // a part chooses so much finer than the sheet

/// The stride of an EvenChoice after `size` things.
std::int64_t stride_after(std::int64_t size, std::size_t most) {
    std::int64_t stride = 1;
    while ((size + stride - 1) / stride > std::int64_t(most)) stride *= 2;
    return stride;
}

}  // namespace

void SheetPart::add(const Image& image) {
    add([&]() -> const Image& { return image; });
}

void SheetPart::add(const std::function<const Image&()>& image) {
    if (size_++ == tiles_.wanted()) tiles_.put(std::make_shared<const Image>(cell_of(image(), tile_width_)));
}

ContactSheet::ContactSheet(int columns, int rows, int tile_width)
    : columns_(std::max(columns, 1)),
      rows_(std::max(rows, 1)),
      tile_width_(std::max(tile_width, 16)),
      tiles_(most()) {}  // 2 to 4 times what is shown makes the steps even

void ContactSheet::add(const Image& image, const std::string& caption) {
    if (size_ == tiles_.wanted())
        tiles_.put({size_, std::make_shared<const Image>(cell_of(image, tile_width_)), caption});
    ++size_;
}

// The sheet's stride only grows: what it wants of a part that begins now is at least that far apart.
SheetPart ContactSheet::begin_part() const {
    return {tile_width_, most(), std::max<std::int64_t>(tiles_.stride() / kPartSteps, 1)};
}

// A part does not know what comes before it, so the sheet gets the picture at or before the one it wants that has a
// number within the part which `step` divides. Two things make that one step: what every part of this length still
// keeps, and a fraction of the sheet's stride. Neither depends on when the part began, and its own stride, which does,
// divides it. A step is no longer than the sheet's stride is in the end, so no picture is taken for two places.
void ContactSheet::append(const SheetPart& part, std::int64_t first, std::int64_t count,
                          const std::function<std::string(std::int64_t)>& caption) {
    const std::int64_t begin = size_ - first, of_length = stride_after(part.size(), most());
    while (tiles_.wanted() < size_ + count) {
        const std::int64_t step = std::max(of_length, tiles_.stride() / kPartSteps);
        const std::int64_t number = (tiles_.wanted() - begin) / step * step;
        if (number < first)  // appended with earlier pictures of the part, which has gone on meanwhile
            tiles_.put(Tile(tiles_.kept().back()));
        else
            tiles_.put(
                {begin + number, part.tiles_.kept()[std::size_t(number / part.tiles_.stride())], caption(number)});
    }
    size_ += count;
}

/// First, last, and evenly between them: the nearest to each place.
std::vector<ContactSheet::Tile> ContactSheet::shown() const {
    std::vector<Tile> from;
    for (const Tile& tile : tiles_.kept())
        if (from.empty() || from.back().number != tile.number) from.push_back(tile);
    const std::size_t count = std::min(from.size(), std::size_t(columns_) * std::size_t(rows_));
    std::vector<Tile> shown;
    std::size_t next = 0;
    for (std::size_t i = 0; i < count; ++i) {
        const double place = count > 1 ? double(i) * double(size_ - 1) / double(count - 1) : 0;
        const auto distance = [&](std::size_t j) { return std::abs(double(from[j].number) - place); };
        const std::size_t last = from.size() - (count - i);  // enough are left for the places to come
        while (next < last && distance(next + 1) < distance(next)) ++next;
        shown.push_back(from[next++]);
    }
    return shown;
}

Image ContactSheet::render() const {
    const std::vector<Tile> tiles = shown();
    const int count = int(tiles.size());
    if (count == 0) return {};
    const int columns = std::min(columns_, count), rows = (count + columns - 1) / columns;
    const int text = std::max(12, tile_width_ / 26), gap = text / 2;
    int tallest = 0;
    for (const Tile& tile : tiles) tallest = std::max(tallest, tile.image->height);
    const int cell_w = tile_width_ + gap, cell_h = tallest + text + 2 * gap;
    Image sheet{columns * cell_w + gap, rows * cell_h + gap, {}};
    sheet.rgb.resize(std::size_t(sheet.width) * sheet.height * 3);
    Canvas(sheet).fill(0, 0, sheet.width, sheet.height, kPaper);
    Font font(text);
    for (int i = 0; i < count; ++i) {
        const Image& image = *tiles[std::size_t(i)].image;
        const int x = gap + i % columns * cell_w, y = gap + i / columns * cell_h;
        const int top = y + (tallest - image.height) / 2, left = x + (tile_width_ - image.width) / 2;
        for (int row = 0; row < image.height; ++row)
            std::copy_n(image.row(row), image.width * 3, sheet.row(top + row) + left * 3);
        std::string caption = tiles[std::size_t(i)].caption;
        while (!caption.empty() && font.width(caption) > tile_width_) caption.pop_back();
        font.draw(sheet, x, y + tallest + gap / 2, caption, kInk);
    }
    return sheet;
}

}  // namespace convoy::media
