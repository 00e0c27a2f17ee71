// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>
#include <system_error>

#include <convoy/media/image.h>
#include <convoy/media/input.h>
#include "tools/media/files.h"

namespace fs = std::filesystem;

namespace convoy::media {
namespace {

constexpr std::array<std::string_view, 24> kVideoEndings = {
    "mp4", "m4v", "mov", "mkv", "webm", "avi", "ts",  "mts",  "m2ts", "mpg",  "mpeg", "vob",
    "flv", "wmv", "asf", "3gp", "ogv",  "mxf", "y4m", "h264", "264",  "h265", "265",  "hevc"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; }

/// Numbers inside the names compare by value, letters without regard to case; what is left equal, by bytes.
bool natural_less(const std::string& a, const std::string& b) {
    const auto number = [](const std::string& s, std::size_t& at) {
        while (at < s.size() && s[at] == '0') ++at;
        const std::size_t begin = at;
        while (at < s.size() && is_digit(s[at])) ++at;
        return std::string_view(s).substr(begin, at - begin);
    };
    std::size_t i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
        if (is_digit(a[i]) && is_digit(b[j])) {
            const std::string_view x = number(a, i), y = number(b, j);
            if (x.size() != y.size()) return x.size() < y.size();
            if (x != y) return x < y;
        } else {
            const char x = lower(a[i++]), y = lower(b[j++]);
            if (x != y) return static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
        }
    }
    if (i < a.size() || j < b.size()) return i >= a.size();
    return a < b;
}

std::vector<std::string> media_inside(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code code;
    fs::directory_iterator it(folder, code);
    for (; !code && it != fs::directory_iterator(); it.increment(code)) {
        const std::string name = it->path().filename().string();
        std::error_code broken_link;
        if (name[0] == '.' || !it->is_regular_file(broken_link)) continue;
        const std::string ending = lower_ending(name);
        if (is_image_path(name) || std::find(kVideoEndings.begin(), kVideoEndings.end(), ending) != kVideoEndings.end())
            names.push_back(name);
    }
    if (code) throw_input(folder, "cannot be listed: " + code.message());
    if (names.empty())
        throw_input(folder,
                    "has no picture or video directly inside it (.jpg, .png, .mp4, …); "
                    "name a folder that has, or the files themselves");
    std::sort(names.begin(), names.end(), natural_less);
    for (std::string& name : names) name = (fs::path(folder) / name).string();
    return names;
}

}  // namespace

std::vector<std::string> expand_inputs(const std::vector<std::string>& paths) {
    std::vector<std::string> out;
    for (const std::string& path : paths) {
        std::error_code code;
        if (is_url(path)) {
            out.push_back(path);
        } else if (fs::is_directory(path, code)) {
            const std::vector<std::string> inside = media_inside(path);
            out.insert(out.end(), inside.begin(), inside.end());
        } else {
            require_readable(path);
            out.push_back(path);
        }
    }
    return out;
}

}  // namespace convoy::media
