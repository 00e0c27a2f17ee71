// SPDX-License-Identifier: MIT
#include "tools/media/in/file_units.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <optional>

#include "tools/media/in/av1_units.h"
#include "tools/media/in/file_bytes.h"

namespace convoy::media {
namespace {

constexpr std::size_t kHead = 256;  // of a unit: more than its header takes

struct Unit {
    std::int64_t size = 0;
    bool is_last = false;
};

/// What begins with `head`; nothing where that is no unit. A head that the file's end cuts belongs to a unit that is
/// longer than it.
using UnitAt = std::optional<Unit> (*)(FileView head, const LastPacket& last);

bool begins_with(FileView head, std::string_view magic) {
    const std::size_t n = std::min(head.size(), magic.size());
    return n > 0 && std::equal(head.begin(), head.begin() + std::ptrdiff_t(n), magic.begin(),
                               [](std::uint8_t a, char b) { return a == std::uint8_t(b); });
}

Unit cut_head() { return {std::int64_t(kHead)}; }

std::optional<Unit> flv_tag(FileView head, const LastPacket& /*last*/) {
    constexpr std::size_t kHeader = 11, kCount = 4;
    const int kind = head[0] & ~0x20;                               // but for the mark of what is encrypted
    if (kind != 8 && kind != 9 && kind != 18) return std::nullopt;  // sound, video, a script
    if (head.size() < kHeader) return cut_head();
    if (big_endian(head.subspan(8, 3)) != 0) return std::nullopt;  // a stream's number, which is none
    return Unit{std::int64_t(kHeader + kCount + big_endian(head.subspan(1, 3)))};
}

std::optional<Unit> roq_chunk(FileView head, const LastPacket& /*last*/) {
    constexpr std::uint64_t kKinds[] = {0x1001, 0x1002, 0x1011, 0x1012, 0x1013, 0x1020, 0x1021, 0x1030, 0x1084};
    constexpr std::size_t kHeader = 8;
    if (head.size() < 2) return std::nullopt;
    if (std::ranges::find(kKinds, little_endian(head.first(2))) == std::end(kKinds)) return std::nullopt;
    if (head.size() < kHeader) return cut_head();
    const std::uint64_t size = little_endian(head.subspan(2, 4));
    return Unit{std::int64_t(kHeader + (size == 0xffffffff ? 0 : size))};  // the file's own mark has none
}

std::optional<Unit> gxf_packet(FileView head, const LastPacket& /*last*/) {
    constexpr std::size_t kHeader = 16;
    constexpr int kEnd = 0xfb;
    if (!begins_with(head, {"\0\0\0\0\1", 5})) return std::nullopt;
    if (head.size() < kHeader) return cut_head();
    if (!begins_with(head.subspan(10), {"\0\0\0\0\xe1\xe2", 6})) return std::nullopt;
    return Unit{std::int64_t(std::max<std::uint64_t>(big_endian(head.subspan(6, 4)), kHeader)), head[5] == kEnd};
}

std::optional<Unit> png_chunk(FileView head, const LastPacket& /*last*/) {
    constexpr std::size_t kHeader = 8, kCheck = 4;
    if (head.size() < kHeader) return cut_head();
    const FileView kind = head.subspan(4, 4);
    if (!std::ranges::all_of(kind, [](std::uint8_t c) { return std::isalpha(c); })) return std::nullopt;
    return Unit{std::int64_t(kHeader + big_endian(head.first(4)) + kCheck), begins_with(kind, "IEND")};
}

std::optional<Unit> mp4_box(FileView head, const LastPacket& /*last*/) {
    constexpr std::size_t kHeader = 8, kLongHeader = 16;
    constexpr std::uint64_t kMost = std::uint64_t(1) << 60;
    constexpr std::string_view kBoxes[] = {"ftyp", "styp", "moov", "moof", "mdat", "mfra", "sidx", "emsg", "prft",
                                           "free", "skip", "wide", "uuid", "meta", "udta", "pnot", "PICT"};
    if (head.size() < kHeader ||
        std::ranges::none_of(kBoxes, [&](std::string_view box) { return begins_with(head.subspan(4, 4), box); }))
        return std::nullopt;
    const std::uint64_t size = big_endian(head.first(4));
    if (size != 1) return Unit{std::int64_t(size)};  // 0: up to the end
    return head.size() < kLongHeader ? cut_head() : Unit{std::int64_t(std::min(big_endian(head.subspan(8, 8)), kMost))};
}

/// An .avi of more than a gigabyte is several.
std::optional<Unit> riff_list(FileView head, const LastPacket& /*last*/) {
    constexpr std::size_t kHeader = 8;
    if (head.size() < kHeader || !begins_with(head, "RIFF")) return std::nullopt;
    return Unit{std::int64_t(kHeader + little_endian(head.subspan(4, 4)))};
}

std::optional<Unit> y4m_frame(FileView head, const LastPacket& last) {
    if (!begins_with(head, "FRAME") && !begins_with(head, "YUV4MPEG2 ")) return std::nullopt;
    const auto line = std::ranges::find(head, '\n');
    if (line == head.end()) return cut_head();
    return Unit{line - head.begin() + 1 + (head[0] == 'F' ? last.size : 0)};
}

std::optional<Unit> dv_frame(FileView head, const LastPacket& last) {
    if (!begins_with(head, {"\x1f\x07\0", 3})) return std::nullopt;
    return Unit{last.size};
}

std::optional<Unit> unit_of(std::optional<std::int64_t> size) {
    return size ? std::optional(Unit{*size}) : std::nullopt;
}

std::optional<Unit> obu(FileView head, const LastPacket& /*last*/) { return unit_of(size_of_obu(head)); }

std::optional<Unit> temporal_unit(FileView head, const LastPacket& /*last*/) {
    return unit_of(size_of_temporal_unit(head));
}

/// How a file has ended whose row comes to the end of its bytes, or to something else: GXF and PNG say which unit is
/// the last.
struct Row {
    std::string_view format;
    UnitAt unit_at;
    FileEnd at_end = FileEnd::whole, before_else = FileEnd::whole;
    std::int64_t last_size = 0;  // of the unit that says so
};

constexpr Row kRows[] = {
    {"flv", flv_tag},
    {"roq", roq_chunk},
    {"gxf", gxf_packet, FileEnd::cut, FileEnd::cut, 16},
    {"apng", png_chunk, FileEnd::cut, FileEnd::cut},
    {"mov,mp4,m4a,3gp,3g2,mj2", mp4_box, FileEnd::unknown, FileEnd::unknown},
    {"avi", riff_list, FileEnd::unknown, FileEnd::unknown},
    {"yuv4mpegpipe", y4m_frame},
    {"dv", dv_frame},
    {"obu", obu},
    {"av1", temporal_unit},
};

/// Where to begin: units of one size can be counted from the last packet on.
std::int64_t begin_of(std::ifstream& file, std::string_view format, const LastPacket& last) {
    constexpr std::size_t kFlvHeader = 9, kCount = 4;
    constexpr std::int64_t kPngSignature = 8;
    if (format == "apng") return kPngSignature;
    if (format == "dv") return std::max<std::int64_t>(last.pos, 0);
    if (format == "yuv4mpegpipe") return last.pos < 0 ? 0 : last.pos + last.size;
    const FileBytes head = read_at(file, 0, kFlvHeader);
    if (format != "flv" || head.size() < kFlvHeader) return 0;
    return std::int64_t(big_endian(FileView(head).subspan(5, 4)) + kCount);
}

}  // namespace

FileEnd end_of_units(std::ifstream& file, std::int64_t size, std::string_view format, const LastPacket& last) {
    const auto* row = std::ranges::find(kRows, format, &Row::format);
    if (row == std::end(kRows) || last.size <= 0) return FileEnd::unknown;
    if (row->last_size > 0 && size > row->last_size) {
        const FileBytes tail = read_at(file, size - row->last_size, std::size_t(row->last_size));
        const std::optional<Unit> unit = tail.empty() ? std::nullopt : row->unit_at(tail, last);
        if (unit && unit->is_last) return FileEnd::whole;
    }
    std::int64_t at = begin_of(file, format, last);
    while (at < size) {
        const FileBytes head = read_at(file, at, kHead);
        if (head.empty()) return FileEnd::unknown;
        const std::optional<Unit> unit = row->unit_at(head, last);
        if (!unit || unit->size <= 0) return at > last.pos ? row->before_else : FileEnd::unknown;
        at += unit->size;
        if (at > size) return FileEnd::cut;
        if (unit->is_last) return FileEnd::whole;
    }
    return row->at_end;
}

}  // namespace convoy::media
