// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <convoy/export.h>
#include <convoy/media/give_up.h>
#include <convoy/types.h>

namespace convoy::media {

/// A picture in host memory: (height, width, 3) bytes, RGB, rows without gaps.
struct Image {
    int width = 0, height = 0;
    std::vector<std::uint8_t> rgb;

    std::uint8_t* row(int y) { return rgb.data() + std::size_t(y) * std::size_t(width) * 3; }
    const std::uint8_t* row(int y) const { return rgb.data() + std::size_t(y) * std::size_t(width) * 3; }
    /// Whether `rgb` holds just the pixels of its size, of which there are some.
    bool is_whole() const {
        return width > 0 && height > 0 && rgb.size() == std::size_t(width) * std::size_t(height) * 3;
    }
};

/// A picture of 4:2:0 chroma in host memory, PixelFormat::nv12: what decoders make and encoders take, so that one that
/// is drawn on in between need not be converted.
struct CONVOY_API Nv12Image {
    int width = 0, height = 0;
    ColorMatrix matrix = ColorMatrix::bt709;
    ColorRange range = ColorRange::limited;
    std::vector<std::uint8_t> bytes;  ///< `height` rows of luma, then those of chroma, each of pitch() bytes

    /// The width, rounded up to an even number.
    int pitch() const { return (width + 1) / 2 * 2; }
    int chroma_rows() const { return (height + 1) / 2; }
    std::uint8_t* luma_row(int y) { return bytes.data() + std::size_t(y) * std::size_t(pitch()); }
    std::uint8_t* chroma_row(int y) { return luma_row(height + y); }
    /// Valid until `bytes` change their place.
    PixelView view() const;
    /// Whether `bytes` holds just the pixels of its size, of which there are some.
    bool is_whole() const {
        return width > 0 && height > 0 && bytes.size() == std::size_t(pitch()) * std::size_t(height + chroma_rows());
    }
};

/// Copies NV12 pixels, of host memory. `to` keeps its memory if the size stays. Throws Error(usage) for others.
CONVOY_API void copy_nv12(const PixelView& pixels, Nv12Image& to);

/// The picture as a video's player shows it whose pixels are `pixel_width` wide against `pixel_height` high
/// (InputInfo): one side gets longer and the other stays, or both get smaller where it would be longer than 16384
/// pixels. Throws Error(usage) for a picture without pixels, or pixels without a size.
CONVOY_API Image with_square_pixels(const Image& image, int pixel_width, int pixel_height);

/// Reads a picture of up to 2^28 pixels (beyond 2^26, of 4,096 for each byte of the file), whatever its name: JPEG by
/// libjpeg, PNG, BMP, GIF (first picture) and TGA by stb_image, and what libav reads beside them (PNM, WebP, TIFF, JPEG
/// 2000, AVIF and HEIF where it has them, …). Grey becomes RGB, alpha is dropped, the orientation that a JPEG, PNG,
/// WebP, TIFF or HEIF states is applied. It may come through a pipe; the wait for whoever writes into that can be given
/// up, and so can the decoding of a JPEG; another picture's goes on to its end. Throws Error(input) naming the file,
/// also for one that is cut short or given up; Error(unsupported) where libav knows the format, and this one cannot
/// read it. `warning` gets what there is to say of a picture that was read nevertheless: that its end marker is
/// missing, or that a TIFF has more pages; else "".
CONVOY_API Image read_image(const std::string& path, const GiveUp& give_up = {}, std::string* warning = nullptr);

struct ImageSize {
    int width = 0, height = 0;  ///< pixels
};

/// The size that read_image would give, from the file's header alone but for what libav reads. Throws as it does.
CONVOY_API ImageSize read_image_size(const std::string& path);

/// Host memory that read_image takes at most, at a time and roughly, in bytes: file, decoder and pixels, from the
/// header alone. 0 where that tells nothing: for no picture, one that is too large or read by libav, or a pipe.
CONVOY_API std::size_t read_image_memory(const std::string& path);

/// Writes a .jpg/.jpeg (quality 92), .png or .bmp by the ending of `path`; appears whole or not at all. Where that is a
/// pipe, the wait for whoever reads it can be given up. Throws Error(output), also then; Error(usage) for another
/// ending.
CONVOY_API void write_image(const std::string& path, const Image& image, const GiveUp& give_up = {});

/// Whether a path is one picture, by the bytes of the file. An animation (GIF, PNG, WebP) is a video, and so is Motion
/// JPEG. Where they do not tell (a TGA, a pipe, an address, a file that is not there), by the ending. A JPEG of more
/// than 64 kB is taken by its ending .jpg or .jpeg.
CONVOY_API bool is_picture(const std::string& path);

}  // namespace convoy::media
