// SPDX-License-Identifier: MIT
#include "tools/media/in/lost_end.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "tools/media/in/file_bytes.h"

namespace convoy::media {
namespace {

using Bytes = FileBytes;
using View = FileView;

constexpr std::size_t kHead = 1 << 16;

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

/// Where the last partition begins.
std::optional<std::uint64_t> least_size_of_mxf(View head) {
    constexpr std::array<std::uint8_t, 14> kPartition = {0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01,
                                                         0x01, 0x0d, 0x01, 0x02, 0x01, 0x01, 0x02};
    constexpr std::size_t kKey = 16, kFooter = 24;  // behind the key and the size
    const auto found = std::search(head.begin(), head.end(), kPartition.begin(), kPartition.end());
    const View pack = head.subspan(std::size_t(found - head.begin()));
    if (pack.size() <= kKey) return std::nullopt;
    const std::size_t at = kKey + (pack[kKey] & 0x80 ? 1 + (pack[kKey] & 0x7f) : 1) + kFooter;
    if (pack.size() < at + 8) return std::nullopt;
    return big_endian(pack.subspan(at, 8));  // 0: not known yet
}

std::optional<std::uint64_t> size_in_swf(View head) {
    if (head.size() < 8 || head[0] != 'F') return std::nullopt;  // it is packed
    return little_endian(head.subspan(4, 4));
}

/// A number of the script that an .flv begins with.
std::optional<double> number_in_flv(View head, std::string_view name) {
    const auto found = std::search(head.begin(), head.end(), name.begin(), name.end());
    const View value = head.subspan(std::size_t(found - head.begin()));
    if (value.size() < name.size() + 9 || value[name.size()] != 0) return std::nullopt;
    return std::bit_cast<double>(big_endian(value.subspan(name.size() + 1, 8)));
}

/// Where the last tag does not come to the end of what the file says that it lasts: what only copied a stream may have
/// copied the size of another file.
std::optional<std::uint64_t> size_in_flv(std::ifstream& file, std::int64_t size, View head) {
    constexpr double kLongestTag_s = .15;
    constexpr std::int64_t kHeader = 11, kCount = 4;
    const std::optional<double> bytes = number_in_flv(head, "filesize"), lasts_s = number_in_flv(head, "duration");
    if (!bytes || !lasts_s || !(*bytes > double(size)) || !(*bytes < 1e15)) return std::nullopt;
    const auto last = std::int64_t(big_endian(read_at(file, size - kCount, kCount)));
    const Bytes tag = read_at(file, size - kCount - last, kHeader);
    if (tag.size() < kHeader) return std::nullopt;
    const double at_s = double(big_endian(View(tag).subspan(4, 3)) | std::uint64_t(tag[7]) << 24) / 1000;
    return at_s < *lasts_s - kLongestTag_s ? std::optional(std::uint64_t(*bytes)) : std::nullopt;
}

/// How many frames an .ivf has, where they are numbered one by one: some count ticks instead.
std::optional<std::int64_t> frames_in_ivf(std::ifstream& file, View head, const LastPacket& last) {
    constexpr std::size_t kFrames = 24, kFrameHeader = 12;
    if (last.pos < 0 || last.count < 2 || head.size() < kFrames + 4) return std::nullopt;
    const Bytes frame = read_at(file, last.pos, kFrameHeader);
    if (frame.size() < kFrameHeader || little_endian(View(frame).subspan(4)) + 1 != std::uint64_t(last.count))
        return std::nullopt;
    return std::int64_t(little_endian(head.subspan(kFrames, 4)));
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
        } else if (block == 0) {
            continue;  // room
        } else {
            return false;
        }
        for (int size = file.get(); size > 0; size = file.get()) skip(size);
        if (file.fail()) return false;
    }
    return true;
}

/// Whether the last of the JPEGs has its end, whatever stands behind that.
bool has_jpeg_end(std::ifstream& file, std::int64_t size) {
    constexpr std::size_t kMarker = 4;  // the begin of a picture and the first of its segments
    const auto is_segment = [](std::uint8_t marker) { return marker >= 0xc0 && marker != 0xff; };
    bool ends = false;
    for (std::int64_t end = size; end > 0; end -= std::int64_t(kHead)) {
        const std::int64_t from = std::max<std::int64_t>(end - std::int64_t(kHead), 0);
        Bytes block = read_at(file, from, std::size_t(end - from) + kMarker - 1);
        block.resize(std::size_t(end - from) + kMarker - 1);
        for (std::size_t i = std::size_t(end - from); i-- > 0;) {
            if (block[i] != 0xff) continue;
            ends |= block[i + 1] == 0xd9;
            if (block[i + 1] == 0xd8 && block[i + 2] == 0xff && is_segment(block[i + 3])) return ends;
        }
    }
    return ends;
}

/// Whether the index that closes it follows the last packet.
bool has_nut_end(std::ifstream& file, const LastPacket& last) {
    constexpr std::array<std::uint8_t, 8> kIndex = {'N', 'X', 0xdd, 0x67, 0x2f, 0x23, 0xe6, 0x4e};
    constexpr std::size_t kMost = 1 << 22;  // of other tracks' packets before it
    if (last.pos < 0) return false;
    const Bytes tail = read_at(file, last.pos + last.size, kMost);
    return std::search(tail.begin(), tail.end(), kIndex.begin(), kIndex.end()) != tail.end();
}

struct OggPage {
    int flags = 0;
    std::uint64_t serial = 0;
    std::size_t size = 0, head = 0;  // bytes
};

/// The page that begins there; its size is one more than what is left where it is cut.
OggPage ogg_page(View left) {
    constexpr std::size_t kHeader = 27;
    const std::size_t segments = left.size() >= kHeader ? left[kHeader - 1] : 0;
    OggPage page{.size = left.size() + 1, .head = kHeader + segments};
    if (left.size() < page.head) return page;
    page.flags = left[5];
    page.serial = little_endian(left.subspan(14, 4));
    std::size_t size = page.head;
    for (const std::uint8_t segment : left.subspan(kHeader, segments)) size += segment;
    page.size = std::min(size, page.size);
    return page;
}

/// Calls visit(page, its bytes) for each page, in order.
template <typename Visit>
void for_each_ogg_page(View bytes, Visit visit) {
    constexpr std::string_view kMagic("OggS\0", 5);
    while (!bytes.empty()) {
        const auto found = std::search(bytes.begin(), bytes.end(), kMagic.begin(), kMagic.end());
        if (found == bytes.end()) return;
        bytes = bytes.subspan(std::size_t(found - bytes.begin()));
        const OggPage page = ogg_page(bytes);
        visit(page, bytes);
        bytes = bytes.subspan(std::min(page.size, bytes.size()));
    }
}

/// The tracks with pictures that begin there.
std::set<std::uint64_t> ogg_videos(View head) {
    constexpr int kBegin = 2;
    constexpr std::string_view kVideos[] = {"\x80theora", "OVP80", "BBCD", "\1video",
                                            "\x80"
                                            "daala"};
    std::set<std::uint64_t> serials;
    for_each_ogg_page(head, [&](const OggPage& page, View bytes) {
        if (!(page.flags & kBegin)) return;
        const View content = bytes.subspan(std::min(page.head, bytes.size()));
        for (const std::string_view video : kVideos)
            if (content.size() >= video.size() &&
                std::equal(video.begin(), video.end(), content.begin(),
                           [](char a, std::uint8_t b) { return std::uint8_t(a) == b; }))
                serials.insert(page.serial);
    });
    return serials;
}

/// The last page must be all there, and the last one of each video say that it is.
FileEnd ogg_end(std::ifstream& file, std::int64_t size) {
    constexpr std::size_t kTail = 1 << 20;
    constexpr int kLast = 4;
    const std::set<std::uint64_t> videos = ogg_videos(read_at(file, 0, kHead));
    const Bytes tail = read_at(file, std::max<std::int64_t>(size - std::int64_t(kTail), 0), kTail);
    std::map<std::uint64_t, bool> ended;
    bool is_cut = false;
    for_each_ogg_page(tail, [&](const OggPage& page, View bytes) {
        is_cut = page.size > bytes.size();
        if (!is_cut && videos.contains(page.serial)) ended[page.serial] = page.flags & kLast;
    });
    for (const auto& [serial, has_end] : ended) is_cut |= !has_end;
    return is_cut ? FileEnd::cut : ended.empty() ? FileEnd::unknown : FileEnd::whole;
}

FileEnd end_by_marks(std::ifstream& file, std::int64_t size, std::string_view format, const LastPacket& last) {
    const auto of = [](bool has_end) { return has_end ? FileEnd::whole : FileEnd::cut; };
    if (format == "gif") return of(has_gif_end(file));
    if (format == "mjpeg") return of(has_jpeg_end(file, size));
    if (format == "ogg") return ogg_end(file, size);
    if (format == "nut") return has_nut_end(file, last) ? FileEnd::whole : FileEnd::unknown;
    if (format == "flv" && has_flv_end(file, size)) return FileEnd::whole;
    const FileEnd end = end_of_units(file, size, format, last);
    return format == "flv" && end == FileEnd::unknown ? FileEnd::cut : end;
}

std::optional<std::uint64_t> stated_size(std::ifstream& file, std::int64_t size, View head, std::string_view format) {
    if (format.starts_with("matroska")) return size_in_matroska(head);
    if (format == "asf") return size_in_asf(head);
    if (format == "mxf") return least_size_of_mxf(head);
    if (format == "swf") return size_in_swf(head);
    if (format == "flv") return size_in_flv(file, size, head);
    return std::nullopt;
}

}  // namespace

EndOfFile end_of_file(const std::string& path, std::string_view format, const LastPacket& last) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    const std::int64_t size = file.tellg();
    if (size <= 0) return {};
    const FileEnd end = end_by_marks(file, size, format, last);
    if (end == FileEnd::cut) return {end, "the file is cut short, amid its last packet"};
    const auto cut = [](std::int64_t has, const std::string& of) {
        return EndOfFile{FileEnd::cut, "the file is cut short: it has " + std::to_string(has) + " of " + of};
    };
    const Bytes head = read_at(file, 0, kHead);
    if (format == "ivf") {
        const std::int64_t frames = frames_in_ivf(file, head, last).value_or(0);
        return frames > last.count ? cut(last.count, std::to_string(frames) + " frames") : EndOfFile{end, ""};
    }
    const std::optional<std::uint64_t> stated = stated_size(file, size, head, format);
    if (!stated || *stated <= std::uint64_t(size)) return {end, ""};
    return cut(size, (format == "mxf" ? "more than " : "") + std::to_string(*stated) + " bytes");
}

}  // namespace convoy::media
