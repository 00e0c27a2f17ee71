// SPDX-License-Identifier: MIT
//
// A grid of evenly chosen pictures, for a look at a whole video at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <convoy/export.h>
#include <convoy/media/image.h>

namespace convoy::media {

/// Of a row of things those with the numbers 0, s, 2s, …: s begins as 1 and doubles when they would become too many.
template <typename T>
class EvenChoice {
public:
    /// Keeps at most `most`, an even number, and from then on at least half as many; s may begin higher.
    explicit EvenChoice(std::size_t most, std::int64_t stride = 1) : most_(most), stride_(stride) {}
    /// The number of the next one to put.
    std::int64_t wanted() const { return std::int64_t(kept_.size()) * stride_; }
    void put(T thing) {
        if (kept_.size() == most_) {
            for (std::size_t i = 1; 2 * i < most_; ++i) kept_[i] = std::move(kept_[2 * i]);
            kept_.resize(most_ / 2);
            stride_ *= 2;  // wanted() stays what it was
        }
        kept_.push_back(std::move(thing));
    }
    std::int64_t stride() const { return stride_; }
    const std::vector<T>& kept() const { return kept_; }

private:
    std::size_t most_;
    std::int64_t stride_;
    std::vector<T> kept_;
};

/// Pictures that follow each other, scaled down, on their way to a ContactSheet: the part of a video, say. Keeps a
/// bounded number of them.
class CONVOY_API SheetPart {
public:
    void add(const Image& image);
    /// The same for a picture that is only made when it is kept.
    void add(const std::function<const Image&()>& image);
    /// Pictures added so far.
    std::int64_t size() const { return size_; }
    /// How many of them it keeps now.
    std::size_t kept() const { return tiles_.kept().size(); }

private:
    friend class ContactSheet;
    SheetPart(int tile_width, std::size_t most, std::int64_t stride) : tile_width_(tile_width), tiles_(most, stride) {}

    int tile_width_;
    std::int64_t size_ = 0;
    EvenChoice<std::shared_ptr<const Image>> tiles_;
};

class CONVOY_API ContactSheet {
public:
    /// Pictures are scaled to `tile_width` (and at most twice that height); at most `columns * rows` are shown, chosen
    /// evenly however many are added.
    ContactSheet(int columns, int rows, int tile_width);

    void add(const Image& image, const std::string& caption);

    /// Parts may be filled at once and in any order: the sheet depends on how long each is and in which order they are
    /// appended, on nothing else. One that begins when much has been appended scales and keeps fewer pictures.
    SheetPart begin_part() const;
    /// Adds the part's pictures `first` … `first + count - 1`, as a rule all of them. `caption` gets a picture's number
    /// in the part.
    void append(const SheetPart& part, std::int64_t first, std::int64_t count,
                const std::function<std::string(std::int64_t)>& caption);

    bool empty() const { return size_ == 0; }
    /// The sheet of what was added so far, with as many columns and rows as that takes.
    Image render() const;

private:
    struct Tile {
        std::int64_t number;  // of the picture, of all
        std::shared_ptr<const Image> image;
        std::string caption;
    };
    std::size_t most() const { return 4 * std::size_t(columns_) * std::size_t(rows_); }
    std::vector<Tile> shown() const;

    int columns_, rows_, tile_width_;
    std::int64_t size_ = 0;
    EvenChoice<Tile> tiles_;
};

}  // namespace convoy::media
