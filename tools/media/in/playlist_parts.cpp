// SPDX-License-Identifier: MIT
#include "tools/media/in/playlist_parts.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>

#include "tools/media/in/file_bytes.h"

namespace convoy::media {
namespace {

constexpr std::size_t kTsPacket = 188;

bool is_text(std::string_view bytes) {
    const bool is_utf16 = bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff");
    return is_utf16 || std::ranges::none_of(bytes, [](unsigned char c) { return c < ' ' && !std::isspace(c); });
}

/// Lists, and subtitles as WebVTT and TTML.
bool is_wanted_text(std::string_view text) {
    constexpr std::string_view kWanted[] = {"#EXTM3U", "WEBVTT", "<MPD", ":MPD", "<tt", ":tt"};
    return std::ranges::any_of(kWanted, [&](std::string_view word) { return text.find(word) != text.npos; });
}

/// A transport stream of whole packets, not one of which begins a picture or sound: tables alone.
bool has_only_tables(std::string_view packets) {
    constexpr int kBegins = 0x40, kHasFiller = 0x20, kHasContent = 0x10;
    constexpr std::string_view kContent("\0\0\1", 3);
    for (; packets.size() >= kTsPacket; packets.remove_prefix(kTsPacket)) {
        if (packets[0] != 'G') return false;
        const int marks = packets[1], what = packets[3];
        const std::size_t begin = what & kHasFiller ? std::size_t(5) + std::uint8_t(packets[4]) : 4;
        if (marks & kBegins && what & kHasContent && begin < kTsPacket && packets.substr(begin).starts_with(kContent))
            return false;
    }
    return true;
}

bool is_transport_stream(std::string_view head) {
    for (std::size_t at = 0; at < head.size(); at += kTsPacket)
        if (head[at] != 'G') return false;
    return true;
}

/// Whether a box of a fragment of MP4 goes on behind the end. Over a network only the head is looked at.
bool lacks_end_of_box(AVIOContext& io, std::string_view head, std::int64_t size, bool is_near) {
    constexpr std::size_t kHeader = 16;
    constexpr std::string_view kFirst[] = {"styp", "moof", "sidx", "emsg", "prft"};
    if (head.size() < kHeader || std::ranges::find(kFirst, head.substr(4, 4)) == std::end(kFirst)) return false;
    std::int64_t at = 0;
    while (at < size) {
        std::array<std::uint8_t, kHeader> header = {};
        if (std::size_t(at) + kHeader <= head.size())
            std::copy_n(head.begin() + at, kHeader, header.begin());
        else if (!is_near)
            return false;
        else if (avio_seek(&io, at, SEEK_SET) < 0 || avio_read(&io, header.data(), kHeader) < 8)
            break;
        const FileView bytes(header);
        const std::uint64_t words = big_endian(bytes.first(4)), box = words == 1 ? big_endian(bytes.subspan(8)) : words;
        if (box < 8) return false;  // up to the end, or none
        if (box > std::uint64_t(size - at)) break;
        at += std::int64_t(box);
    }
    return at < size;
}

/// libav passes over a part with nothing in it, and over what a server sends in its place: pages, and messages.
std::string why_no_part(AVIOContext& io, std::string_view url, std::int64_t end_of_range) {
    constexpr std::size_t kHead = 1024, kKey = 16;
    std::string head(kHead, '\0');
    head.resize(std::size_t(std::max(avio_read(&io, reinterpret_cast<unsigned char*>(head.data()), kHead), 0)));
    if (io.error < 0 || avio_seek(&io, -std::int64_t(head.size()), SEEK_CUR) < 0) return "";
    io.eof_reached = 0;
    const std::int64_t size = url.starts_with("crypto") ? -1 : avio_size(&io);  // which is that of the cipher
    if (size > 0 && size < end_of_range)
        return "ends before what the list names of it: it has " + std::to_string(size) + " of " +
               std::to_string(end_of_range) + " bytes";
    if (head.empty()) return "is empty";
    if (head.size() == kKey) return "";
    if (head.size() < kKey || (head[0] == 'G' && head.size() < kTsPacket)) return "is cut short";
    if (head.find_first_not_of('\0') == head.npos) return "is empty, but for zeros";
    if (is_transport_stream(head)) {
        const auto beyond = end_of_range > 0      ? 0
                            : size > 0            ? std::size_t(size) % kTsPacket
                            : head.size() < kHead ? head.size() % kTsPacket
                                                  : 0;
        if (beyond > 0) return "is cut short";
        return head.size() < kHead && has_only_tables(head) ? "is cut short: it holds no picture and no sound" : "";
    }
    const bool is_near = url.starts_with("file:");
    const bool is_cut = size > 0 && end_of_range == 0 && lacks_end_of_box(io, head, size, is_near);
    if (is_near && avio_seek(&io, 0, SEEK_SET) < 0) return "";
    if (is_cut) return "is cut short";
    return is_text(head) && !is_wanted_text(head) ? "is a text, maybe a web page" : "";
}

}  // namespace

bool is_list_name(std::string_view url) {
    url = url.substr(0, url.find_first_of("?#"));
    return url.ends_with(".m3u8") || url.ends_with(".m3u") || url.ends_with(".mpd");
}

std::int64_t end_of_range(const AVDictionary* options) {
    const AVDictionaryEntry* end = av_dict_get(options, "end_offset", nullptr, 0);
    return end ? std::strtoll(end->value, nullptr, 10) : 0;
}

std::string lack_of_part(const std::string& url, int code, AVIOContext* io, std::int64_t end_of_range) {
    return lack_of_part(url,
                        code < 0 ? "cannot be opened (" + av_message(code) + ")" : why_no_part(*io, url, end_of_range));
}

std::string lack_of_part(const std::string& url, const std::string& lack) {
    return lack.empty() ? "" : "a part of it, " + without_file(url) + ", " + lack;
}

std::string without_file(std::string url) {
    for (const std::string_view protocol : {"crypto+", "crypto:", "file:"})
        if (url.starts_with(protocol)) url.erase(0, protocol.size());
    return url;
}

}  // namespace convoy::media
