// SPDX-License-Identifier: MIT
#include "tools/media/in/av1_units.h"

#include <algorithm>
#include <string_view>

#include "tools/media/av_handles.h"

namespace convoy::media {
namespace {

constexpr std::size_t kHead = 256, kProbed = 1 << 16;
constexpr int kDelimiter = 2;

/// Numbers of seven bits to the byte. False where there is none; the number ends at `from`.
bool take_leb128(FileView& from, std::int64_t& n) {
    n = 0;
    for (int shift = 0; shift < 35 && !from.empty(); shift += 7) {
        const std::uint8_t byte = from[0];
        from = from.subspan(1);
        n |= std::int64_t(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return true;
    }
    return false;
}

using SizeOf = std::optional<std::int64_t> (*)(FileView head);

/// Whether two units begin there, the first of which delimits a temporal unit.
bool begins_pictures(std::ifstream& file, std::int64_t at, std::int64_t size, FileView head, SizeOf size_of) {
    const bool is_annex_b = size_of == size_of_temporal_unit;
    const std::optional<std::int64_t> first = size_of(head);
    if (!first || (!is_annex_b && head[0] >> 3 != kDelimiter)) return false;
    const std::int64_t next = at + *first;
    if (next >= size) return is_annex_b && next == size;
    return size_of(read_at(file, next, kHead)).has_value();
}

/// The kind of a file's units by its begin, which libav is asked to confirm; null where it has none.
SizeOf kind_of(std::ifstream& file, std::int64_t size, const std::string& path) {
    const FileBytes begin = read_at(file, 0, kHead);
    SizeOf size_of = nullptr;
    for (const SizeOf kind : {size_of_obu, size_of_temporal_unit})
        if (!size_of && begins_pictures(file, 0, size, begin, kind)) size_of = kind;
    if (!size_of) return nullptr;
    FileBytes head = read_at(file, 0, kProbed);
    const int bytes = int(head.size());
    head.resize(head.size() + AVPROBE_PADDING_SIZE);
    const AVProbeData data{path.c_str(), head.data(), bytes, nullptr};
    int score = AVPROBE_SCORE_RETRY;  // more than that
    const AVInputFormat* format = av_probe_input_format2(&data, 1, &score);
    const bool agrees = format && format->name == std::string_view(size_of == size_of_obu ? "obu" : "av1");
    return agrees ? size_of : nullptr;
}

bool has_pictures_behind(std::ifstream& file, std::int64_t from, std::int64_t size, SizeOf size_of) {
    constexpr std::size_t kBlock = 1 << 20;
    for (; from < size; from += std::int64_t(kBlock)) {
        const FileBytes bytes = read_at(file, from, kBlock + kHead);
        for (std::size_t i = 0; i < std::min(kBlock, bytes.size()); ++i) {
            const FileView head = FileView(bytes).subspan(i, std::min(kHead, bytes.size() - i));
            if (begins_pictures(file, from + std::int64_t(i), size, head, size_of)) return true;
        }
    }
    return false;
}

}  // namespace

std::optional<std::int64_t> size_of_obu(FileView head) {
    constexpr int kForbidden = 0x80, kExtended = 4, kHasSize = 2, kReserved = 1;
    if (head.empty()) return std::nullopt;
    const int kind = head[0] >> 3 & 15;
    if (head[0] & (kForbidden | kReserved) || !(head[0] & kHasSize) || kind == 0 || (kind > 8 && kind < 15))
        return std::nullopt;
    FileView left = head.subspan(std::min(head[0] & kExtended ? std::size_t(2) : 1, head.size()));
    std::int64_t size = 0;
    if (!take_leb128(left, size)) return left.empty() ? std::optional(std::int64_t(head.size()) + 1) : std::nullopt;
    if (kind == kDelimiter && size > 0) return std::nullopt;
    return left.data() - head.data() + size;
}

/// Its first unit is one that delimits it, which has no content.
std::optional<std::int64_t> size_of_temporal_unit(FileView head) {
    FileView left = head;
    constexpr std::int64_t kLeast = 3;  // two sizes and a header
    std::int64_t size = 0, frame = 0, first = 0;
    if (!take_leb128(left, size) || size < kLeast) return std::nullopt;
    const std::int64_t whole = left.data() - head.data() + size;
    if (!take_leb128(left, frame) || !take_leb128(left, first) || left.empty())
        return left.empty() ? std::optional(whole) : std::nullopt;
    if (frame > size || first > frame || first < 1 || first > 3 || left[0] >> 3 != kDelimiter) return std::nullopt;
    return whole;
}

std::optional<RowEnd> early_end_of_av1(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const std::int64_t size = file.tellg();
    const SizeOf size_of = size > 0 ? kind_of(file, size, path) : nullptr;
    if (!size_of) return std::nullopt;
    for (std::int64_t at = 0; at < size;) {
        const std::optional<std::int64_t> unit = size_of(read_at(file, at, kHead));
        if (!unit || *unit <= 0) return RowEnd{at, has_pictures_behind(file, at, size, size_of)};
        at += *unit;
    }
    return std::nullopt;
}

bool lacks_delimiters_of_av1(const std::string& path) {
    constexpr int kSequence = 1, kFrameHeader = 3, kFrame = 6;
    std::ifstream file(path, std::ios::binary);
    const FileBytes head = read_at(file, 0, kHead);
    const std::optional<std::int64_t> sequence = size_of_obu(head);
    if (!sequence || head[0] >> 3 != kSequence) return false;
    const FileBytes next = read_at(file, *sequence, kHead);
    return size_of_obu(next) && (next[0] >> 3 == kFrameHeader || next[0] >> 3 == kFrame);
}

}  // namespace convoy::media
