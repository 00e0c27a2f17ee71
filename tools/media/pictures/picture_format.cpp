// SPDX-License-Identifier: MIT
#include "tools/media/pictures/picture_format.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>

#include "tools/media/av_handles.h"
#include "tools/media/files.h"
#include "tools/media/pictures/jpeg_markers.h"

namespace convoy::media {
namespace {

using Bytes = std::span<const std::uint8_t>;
constexpr std::size_t kHead = 1 << 16, kProbe = 4096;

bool has(Bytes b, std::size_t at, std::string_view text) {
    return at + text.size() <= b.size() && std::memcmp(b.data() + at, text.data(), text.size()) == 0;
}

std::size_t number(Bytes b, std::size_t at, int size, bool little) {
    std::size_t value = 0;
    for (int i = 0; i < size; ++i) value = value << 8 | b[at + std::size_t(little ? size - 1 - i : i)];
    return value;
}

/// Calls visit(name, content) for every chunk of a PNG or RIFF file, cut ones too, until it returns false.
template <typename Visit>
void for_each_chunk(Bytes file, bool riff, Visit visit) {
    for (std::size_t at = riff ? 12 : 8; at + 8 <= file.size();) {
        const std::size_t length = number(file, at + (riff ? 4 : 0), 4, riff), left = file.size() - at - 8;
        const std::string_view name(reinterpret_cast<const char*>(file.data() + at + (riff ? 0 : 4)), 4);
        if (!visit(name, file.subspan(at + 8, std::min(length, left))) || length > left) return;
        at += 8 + length + (riff ? length % 2 : 4);
    }
}

bool is_apng(Bytes head) {
    bool moving = false;
    for_each_chunk(head, false, [&](std::string_view name, Bytes content) {
        if (name == "acTL") moving = content.size() >= 4 && number(content, 0, 4, false) > 1;
        return name != "acTL" && name != "IDAT";
    });
    return moving;
}

/// Whether a second picture follows the first.
std::optional<PictureFormat> gif_format(Bytes b, bool whole) {
    const std::optional<PictureFormat> cut = whole ? std::optional(PictureFormat::gif) : std::nullopt;
    if (b.size() < 13) return cut;
    const auto colours = [](std::uint8_t flags) { return flags & 0x80 ? std::size_t(3) << ((flags & 7) + 1) : 0; };
    std::size_t at = 13 + colours(b[10]);
    for (int pictures = 0; at < b.size();) {
        const std::uint8_t block = b[at];
        if (block == 0x2c) {
            if (++pictures == 2) return PictureFormat::animation;
            if (at + 10 >= b.size()) return cut;
            at += 10 + colours(b[at + 9]) + 1;
        } else if (block == 0x21) {
            at += 2;
        } else {
            return PictureFormat::gif;
        }
        while (at < b.size() && b[at] != 0) at += b[at] + std::size_t(1);
        ++at;
    }
    return cut;
}

/// Motion JPEG is one JPEG behind the other. So are pictures with more of them in an MPF segment, which only they have.
std::optional<PictureFormat> jpeg_format(Bytes head, bool whole) {
    const JpegMarkers markers = read_jpeg_markers(head);
    if (!markers.complete) return whole ? std::optional(PictureFormat::jpeg) : std::nullopt;
    if (markers.end + 3 > head.size() && !whole) return std::nullopt;
    const bool another = has(head, markers.end, "\xff\xd8\xff") && !markers.multi_picture;
    return another ? PictureFormat::motion_jpeg : PictureFormat::jpeg;
}

bool is_heif(Bytes head) {
    static constexpr std::string_view kStills[] = {"avif", "mif1", "heic", "heix", "heim", "heis"};
    return has(head, 4, "ftyp") && std::any_of(std::begin(kStills), std::end(kStills),
                                               [&](std::string_view brand) { return has(head, 8, brand); });
}

/// What libav takes it for.
PictureFormat libav_format(Bytes head) {
    std::vector<std::uint8_t> padded(head.begin(), head.begin() + std::ptrdiff_t(std::min(head.size(), kProbe)));
    const int size = int(padded.size());
    padded.resize(padded.size() + AVPROBE_PADDING_SIZE);
    AVProbeData data{"", padded.data(), size, nullptr};
    int score = AVPROBE_SCORE_RETRY;  // more than that
    const AVInputFormat* format = av_probe_input_format2(&data, 1, &score);
    if (!format) return PictureFormat::none;
    if (std::string_view(format->name).ends_with("_pipe")) return PictureFormat::other;
    return score > AVPROBE_SCORE_MIME ? PictureFormat::container : PictureFormat::none;
}

Bytes tiff_of_exif(Bytes content) { return has(content, 0, {"Exif\0\0", 6}) ? content.subspan(6) : content; }

}  // namespace

std::optional<PictureFormat> picture_format(Bytes head, bool whole) {
    if (has(head, 0, "\xff\xd8\xff\xf7")) return PictureFormat::other;  // JPEG-LS
    if (has(head, 0, "\xff\xd8\xff")) return jpeg_format(head, whole);
    if (has(head, 0, "\x89PNG\r\n\x1a\n")) return is_apng(head) ? PictureFormat::animation : PictureFormat::png;
    if (has(head, 0, "GIF8")) return gif_format(head, whole);
    if (has(head, 0, "RIFF") && has(head, 8, "WEBP")) {
        const bool moving = has(head, 12, "VP8X") && head.size() > 20 && head[20] & 2;
        return moving ? PictureFormat::animated_webp : PictureFormat::webp;
    }
    if (has(head, 0, {"II*\0", 4}) || has(head, 0, {"MM\0*", 4})) return PictureFormat::tiff;
    if (is_heif(head)) return PictureFormat::heif;
    if (has(head, 0, "P7\n")) return PictureFormat::other;  // PAM, which libav knows by its name alone
    return libav_format(head);
}

PictureFormat picture_format(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return PictureFormat::none;
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
    if (!file) return PictureFormat::none;
    std::vector<std::uint8_t> head;
    for (std::size_t size = kHead;; size *= 4) {
        const std::size_t had = head.size();
        head.resize(size);
        head.resize(had + std::fread(head.data() + had, 1, size - had, file.get()));
        const bool whole = head.size() < size;
        if (const auto format = picture_format(head, whole)) return *format;
        // A large picture of that name is not read to its end only to see that no second one follows.
        const std::string ending = lower_ending(path);
        if (ending == "jpg" || ending == "jpeg") return PictureFormat::jpeg;
    }
}

int tiff_pages(Bytes file) {
    if (file.size() < 8) return 1;
    const bool little = file[0] == 'I';
    int pages = 0;
    std::size_t left = file.size();  // of the bytes: directories that take more lead in a circle
    for (std::size_t at = number(file, 4, 4, little); at != 0 && at + 2 <= file.size();) {
        const std::size_t entries = number(file, at, 2, little), end = at + 2 + entries * 12, size = end + 4 - at;
        if (end + 4 > file.size() || size > left) break;
        left -= size;
        bool reduced = false;
        for (std::size_t entry = at + 2; entry < end; entry += 12)
            if (number(file, entry, 2, little) == 254) reduced = number(file, entry + 8, 4, little) & 1;
        pages += !reduced;
        at = number(file, end, 4, little);
    }
    return std::max(pages, 1);
}

Orientation stored_orientation(Bytes file, PictureFormat format) {
    if (format == PictureFormat::tiff) return tiff_orientation(file);
    const bool riff = format == PictureFormat::webp;
    if (!riff && format != PictureFormat::png) return 1;
    Orientation orientation = 1;
    for_each_chunk(file, riff, [&](std::string_view name, Bytes content) {
        if (name == (riff ? "EXIF" : "eXIf")) orientation = tiff_orientation(tiff_of_exif(content));
        return orientation == 1;
    });
    return orientation;
}

bool mend_png_end(std::vector<std::uint8_t>& file) {
    static constexpr std::uint8_t kEnd[] = {0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82};
    bool pixels = false;
    std::size_t at = 8;
    while (at + 8 <= file.size()) {
        const std::size_t end = at + 8 + number(file, at, 4, false);
        const bool last = has(file, at + 4, "IEND");
        if (last && end + 4 <= file.size()) return false;
        if (last || end > file.size()) break;
        if (has(file, at + 4, "IDAT")) pixels = true;
        at = end + 4;  // its sum may be cut: nobody looks at that
    }
    if (!pixels || (at + 8 <= file.size() && has(file, at + 4, "IDAT"))) return false;
    file.resize(at);
    file.insert(file.end(), std::begin(kEnd), std::end(kEnd));
    return true;
}

}  // namespace convoy::media
