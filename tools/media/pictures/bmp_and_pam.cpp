// SPDX-License-Identifier: MIT
#include "tools/media/pictures/bmp_and_pam.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

namespace convoy::media {
namespace {

std::uint32_t little_endian(std::span<const std::uint8_t> file, std::size_t at) {
    return std::uint32_t(file[at]) | std::uint32_t(file[at + 1]) << 8 | std::uint32_t(file[at + 2]) << 16 |
           std::uint32_t(file[at + 3]) << 24;
}

/// Whether runs come to their end mark, or go on to the last pixel.
bool fills(std::span<const std::uint8_t> runs, std::int64_t width, std::int64_t height, bool two_to_the_byte) {
    std::int64_t x = 0, y = 0;
    std::size_t at = 0;
    while (at + 2 <= runs.size()) {
        const std::uint8_t count = runs[at], what = runs[at + 1];
        at += 2;
        if (count > 0) {
            x += count;
        } else if (what == 0) {  // a row's end
            x = 0, ++y;
        } else if (what == 1) {
            return true;
        } else if (what == 2) {  // a step
            if (at + 2 > runs.size()) return false;
            x += runs[at], y += runs[at + 1];
            at += 2;
        } else {  // so many pixels as they are
            const std::size_t bytes = two_to_the_byte ? (what + 1u) / 2 : what;
            if (at + bytes > runs.size()) return false;
            at += bytes + bytes % 2;
            x += what;
        }
        if (y >= height || (y == height - 1 && x >= width)) return true;
    }
    return false;
}

}  // namespace

bool lacks_runs_of_bmp(std::span<const std::uint8_t> file) {
    constexpr std::size_t kHeader = 54, kPixels = 10, kWidth = 18, kHeight = 22, kCompression = 30;
    constexpr std::uint32_t kRle8 = 1, kRle4 = 2;
    if (file.size() < kHeader || file[0] != 'B' || file[1] != 'M') return false;
    const std::uint32_t compression = little_endian(file, kCompression);
    if (compression != kRle8 && compression != kRle4) return false;
    const std::size_t pixels = std::min<std::size_t>(little_endian(file, kPixels), file.size());
    const auto height = std::int64_t(std::int32_t(little_endian(file, kHeight)));
    return !fills(file.subspan(pixels), little_endian(file, kWidth), std::abs(height), compression == kRle4);
}

void mend_black_and_white_pam(std::vector<std::uint8_t>& file) {
    constexpr std::string_view kMagic = "P7\n", kEnd = "\nENDHDR\n";
    constexpr std::size_t kMostHeader = 4096;
    const std::string head(file.begin(), file.begin() + std::ptrdiff_t(std::min(file.size(), kMostHeader)));
    const std::size_t end = head.find(kEnd);
    if (!head.starts_with(kMagic) || end == head.npos) return;
    std::istringstream lines(head.substr(kMagic.size(), end - kMagic.size()));
    std::map<std::string, std::string> fields;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string key, value;
        words >> key >> value;
        fields[key] = value;
    }
    const bool is_grey = fields["DEPTH"] == "1", has_alpha = fields["DEPTH"] == "2";
    if (fields["MAXVAL"] != "1" || (!is_grey && !has_alpha)) return;
    const std::string header = "P7\nWIDTH " + fields["WIDTH"] + "\nHEIGHT " + fields["HEIGHT"] + "\nDEPTH " +
                               fields["DEPTH"] + "\nMAXVAL 255\nTUPLTYPE GRAYSCALE" + (has_alpha ? "_ALPHA" : "") +
                               std::string(kEnd);
    file.erase(file.begin(), file.begin() + std::ptrdiff_t(end + kEnd.size()));
    for (std::uint8_t& sample : file) sample = sample ? 255 : 0;
    file.insert(file.begin(), header.begin(), header.end());
}

}  // namespace convoy::media
