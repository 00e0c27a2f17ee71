// SPDX-License-Identifier: MIT
#include "tools/media/pictures/jpeg_markers.h"

#include <cstring>

namespace convoy::media {
namespace {

using Bytes = std::span<const std::uint8_t>;

std::uint32_t number(Bytes b, std::size_t at, int size, bool little) {
    std::uint32_t value = 0;
    for (int i = 0; i < size; ++i) value = value << 8 | b[at + (little ? size - 1 - i : i)];
    return value;
}

}  // namespace

Orientation exif_orientation(Bytes segment) {
    const bool exif = segment.size() >= 6 && std::memcmp(segment.data(), "Exif\0\0", 6) == 0;
    return exif ? tiff_orientation(segment.subspan(6)) : 1;
}

Orientation tiff_orientation(Bytes tiff) {
    if (tiff.size() < 8) return 1;
    const bool little = tiff[0] == 'I';
    const std::size_t directory = number(tiff, 4, 4, little);
    if (directory + 2 > tiff.size()) return 1;
    const std::size_t entries = number(tiff, directory, 2, little);
    for (std::size_t i = 0; i < entries; ++i) {
        const std::size_t at = directory + 2 + i * 12;
        if (at + 12 > tiff.size()) return 1;
        if (number(tiff, at, 2, little) != 0x0112) continue;
        const std::uint32_t value = number(tiff, at + 8, 2, little);
        return value >= 1 && value <= 8 ? Orientation(value) : 1;
    }
    return 1;
}

JpegMarkers read_jpeg_markers(Bytes file) {
    JpegMarkers result;
    std::size_t at = 2;
    while (at + 2 <= file.size()) {
        // Entropy-coded data has no marker but 00 (a stuffed byte) and D0…D7 (restarts) behind FF; FF FF is filling.
        const std::uint8_t marker = file[at + 1];
        if (file[at] != 0xff || marker == 0xff || marker == 0) {
            const void* next = std::memchr(file.data() + at + 1, 0xff, file.size() - at - 1);
            if (!next) break;
            at = std::size_t(static_cast<const std::uint8_t*>(next) - file.data());
            continue;
        }
        at += 2;
        if (marker == 0xd9) {
            result.complete = true;
            result.end = at;
            break;
        }
        if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue;
        if (at + 2 > file.size()) break;
        const std::size_t length = number(file, at, 2, false);
        if (length < 2 || at + length > file.size()) break;
        if (marker == 0xe1 && result.orientation == 1)
            result.orientation = exif_orientation(file.subspan(at + 2, length - 2));
        if (marker == 0xe2 && length >= 6 && std::memcmp(&file[at + 2], "MPF\0", 4) == 0) result.multi_picture = true;
        at += length;
    }
    return result;
}

}  // namespace convoy::media
