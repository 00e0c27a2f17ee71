// SPDX-License-Identifier: MIT
#include "tools/media/in/lost_end.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <span>
#include <vector>

namespace convoy::media {
namespace {

using Bytes = std::vector<std::uint8_t>;
using View = std::span<const std::uint8_t>;

constexpr std::size_t kHead = 1 << 16;

std::uint64_t big_endian(View bytes) {
    std::uint64_t n = 0;
    for (const std::uint8_t byte : bytes) n = n << 8 | byte;
    return n;
}

std::uint64_t little_endian(View bytes) {
    const Bytes turned(bytes.rbegin(), bytes.rend());
    return big_endian(turned);
}

Bytes read_at(std::ifstream& file, std::int64_t at, std::size_t count) {
    Bytes bytes(count);
    file.clear();
    file.seekg(at);
    file.read(reinterpret_cast<char*>(bytes.data()), std::streamsize(count));
    bytes.resize(std::size_t(std::max<std::streamsize>(file.gcount(), 0)));
    return bytes;
}

/// Takes one of EBML's numbers, whose first byte tells by its zeros how many follow.
std::optional<std::uint64_t> take_number(View& from, bool with_marker) {
    if (from.empty()) return std::nullopt;
    const std::size_t length = std::size_t(std::countl_zero(from[0])) + 1;
    if (length > 8 || length > from.size()) return std::nullopt;
    const std::uint64_t n = big_endian(from.first(length)), marker = std::uint64_t(1) << (7 * length);
    from = from.subspan(length);
    return with_marker ? n : n - marker;
}

/// The size of a file with one segment.
std::optional<std::uint64_t> size_in_matroska(View head) {
    constexpr std::uint64_t kSegment = 0x18538067;
    for (View left = head; !left.empty();) {
        const auto id = take_number(left, true);
        const std::size_t before = left.size();
        const auto size = take_number(left, false);
        if (!id || !size) return std::nullopt;
        const std::size_t length = before - left.size();
        const bool is_unknown = *size == (std::uint64_t(1) << (7 * length)) - 1;
        if (*id == kSegment && !is_unknown) return std::uint64_t(left.data() - head.data()) + *size;
        if (*id == kSegment || *size > left.size()) return std::nullopt;
        left = left.subspan(std::size_t(*size));
    }
    return std::nullopt;
}

std::optional<std::uint64_t> size_in_asf(View head) {
    constexpr std::array<std::uint8_t, 16> kProperties = {0xa1, 0xdc, 0xab, 0x8c, 0x47, 0xa9, 0xcf, 0x11,
                                                          0x8e, 0xe4, 0x00, 0xc0, 0x0c, 0x20, 0x53, 0x65};
    constexpr std::size_t kSize = 40, kFlags = 88;  // from there
    const auto found = std::search(head.begin(), head.end(), kProperties.begin(), kProperties.end());
    const View properties = head.subspan(std::size_t(found - head.begin()));
    if (properties.size() < kFlags + 4 || properties[kFlags] & 1) return std::nullopt;  // it is broadcast
    return little_endian(properties.subspan(kSize, 8));
}

/// The size without the zeros that a recorder has laid out ahead.
std::int64_t size_without_zeros(std::ifstream& file, std::int64_t size) {
    while (size > 0) {
        const std::int64_t from = std::max<std::int64_t>(size - std::int64_t(kHead), 0);
        const Bytes bytes = read_at(file, from, std::size_t(size - from));
        const auto last = std::find_if(bytes.rbegin(), bytes.rend(), [](std::uint8_t byte) { return byte != 0; });
        if (last != bytes.rend()) return from + (bytes.rend() - last);
        size = from;
    }
    return 0;
}

/// Whether the last tag is all there. Some count its header into its size, and some do not.
bool ends_with_flv_tag(std::ifstream& file, std::int64_t size) {
    constexpr std::int64_t kHeader = 11, kCount = 4;
    const Bytes end = read_at(file, size - kCount, kCount);
    const auto count = std::int64_t(big_endian(end));
    for (const std::int64_t extra : {kHeader, kHeader - 1, std::int64_t(0)}) {
        const std::int64_t data = count - extra, at = size - kCount - kHeader - data;
        if (data < 0 || at < 0) continue;
        const Bytes tag = read_at(file, at, std::size_t(kHeader));
        const int kind = tag.empty() ? 0 : tag[0] & 0x1f;
        const bool is_tag = kind == 8 || kind == 9 || kind == 18;  // sound, video, a script
        if (is_tag && tag.size() == std::size_t(kHeader) && std::int64_t(big_endian(View(tag).subspan(1, 3))) == data)
            return true;
    }
    return false;
}

bool has_flv_end(std::ifstream& file, std::int64_t size) {
    if (ends_with_flv_tag(file, size)) return true;
    const std::int64_t data = size_without_zeros(file, size);
    for (std::int64_t end = data; end < std::min(data + 4, size); ++end)  // a size may end in zeros itself
        if (ends_with_flv_tag(file, end)) return true;
    return false;
}

/// Whether it comes, from block to block, to its trailer.
bool has_gif_end(std::ifstream& file) {
    constexpr int kTrailer = 0x3b, kExtension = 0x21, kPicture = 0x2c;
    const auto skip = [&](std::int64_t count) { file.seekg(count, std::ios::cur); };
    const auto skip_colours = [&](int flags) {
        if (flags & 0x80) skip(3 << ((flags & 7) + 1));
    };
    file.clear();
    file.seekg(10);  // signature and size
    const int flags = file.get();
    skip(2);
    skip_colours(flags);
    for (int block = file.get(); block != kTrailer; block = file.get()) {
        if (block == kExtension) {
            skip(1);
        } else if (block == kPicture) {
            skip(8);
            skip_colours(file.get());
            skip(1);
        } else {
            return !file.fail();  // something that is no GIF follows
        }
        for (int size = file.get(); size > 0; size = file.get()) skip(size);
        if (file.fail()) return false;
    }
    return true;
}

/// Whether the last of the JPEGs has its end.
bool has_jpeg_end(std::ifstream& file, std::int64_t whole) {
    const std::int64_t size = size_without_zeros(file, whole);
    const std::int64_t from = std::max<std::int64_t>(size - std::int64_t(kHead), 0);
    const Bytes tail = read_at(file, from, std::size_t(size - from));
    for (std::size_t i = tail.size(); i-- > 1;)
        if (tail[i - 1] == 0xff && (tail[i] == 0xd8 || tail[i] == 0xd9)) return tail[i] == 0xd9;
    return false;
}

}  // namespace

std::string lost_end(const std::string& path, std::string_view format) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const std::int64_t size = file.tellg();
    if (size <= 0) return "";
    const bool is_cut = (format == "flv" && !has_flv_end(file, size)) || (format == "gif" && !has_gif_end(file)) ||
                        (format == "mjpeg" && !has_jpeg_end(file, size));
    if (is_cut) return "the file is cut short, amid its last packet";
    const bool is_matroska = format.starts_with("matroska");
    if (!is_matroska && format != "asf") return "";
    const Bytes head = read_at(file, 0, kHead);
    const std::optional<std::uint64_t> stated = is_matroska ? size_in_matroska(head) : size_in_asf(head);
    if (!stated || *stated <= std::uint64_t(size)) return "";
    return "the file is cut short: it has " + std::to_string(size) + " of " + std::to_string(*stated) + " bytes";
}

}  // namespace convoy::media
