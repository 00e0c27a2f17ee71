// SPDX-License-Identifier: MIT
#include <algorithm>
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include <convoy/media/image.h>
#include <convoy/media/input.h>
#include "tools/media/files.h"
#include "tools/media/in/demuxer.h"
#include "tools/media/in/input_list.h"
#include "tools/media/pictures/picture_format.h"

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

/// What a file without a video's name holds tells only libav.
bool holds_video(const std::string& path) {
    try {
        Demuxer(path, {}, nullptr);
        return true;
    } catch (const Error&) {
        return false;
    }
}

/// Whether this libav can read a picture that is left to it; else says why not.
bool can_be_read(const std::string& path, std::vector<std::string>& left_out) {
    if (const PictureFormat format = picture_format(path); format <= PictureFormat::gif) return true;
    try {
        read_image_size(path);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unsupported) return true;  // its own error when its turn comes
        left_out.push_back(std::string(error.what()) + "; left out");
        return false;
    }
    return true;
}

bool is_input(const std::string& path, std::vector<std::string>& left_out) {
    if (is_picture(path)) return can_be_read(path, left_out);
    const bool video = std::find(kVideoEndings.begin(), kVideoEndings.end(), lower_ending(path)) != kVideoEndings.end();
    return video || holds_video(path);
}

/// What in a folder is no input: the names, by why.
using LeftOut = std::map<std::pair<std::string_view, std::string_view>, std::vector<std::string>>;

/// A noun and the reason; nothing for what is looked at by its contents.
std::optional<LeftOut::key_type> why_left_out(const fs::directory_entry& entry) {
    std::error_code code;
    const fs::file_type type = entry.status(code).type();
    if (type == fs::file_type::regular) return std::nullopt;
    if (type == fs::file_type::directory) return {{"folder", "since only what is directly inside counts"}};
    if (entry.is_symlink(code)) return {{"link", "to nothing"}};
    return {{"pipe or device", "to be named itself"}};
}

std::vector<std::string> sentences_of(const std::string& folder, LeftOut& all) {
    constexpr std::size_t kNamed = 5;
    std::vector<std::string> sentences;
    for (auto& [what, names] : all) {
        const auto& [noun, why] = what;
        std::sort(names.begin(), names.end(), natural_less);
        std::string text = "'" + folder + "': " + std::to_string(names.size()) + " " + std::string(noun) +
                           (names.size() == 1 ? " is" : "s are") + " left out, " + std::string(why) + ":";
        for (std::size_t i = 0; i < std::min(names.size(), kNamed); ++i) text += (i ? ", " : " ") + names[i];
        sentences.push_back(names.size() > kNamed ? text + ", …" : text);
    }
    return sentences;
}

std::vector<std::string> media_inside(const std::string& folder, std::vector<std::string>& left_out) {
    std::vector<std::string> names;
    LeftOut others;
    std::error_code code;
    fs::directory_iterator it(folder, code);
    for (; !code && it != fs::directory_iterator(); it.increment(code)) {
        const std::string name = it->path().filename().string();
        if (name[0] == '.') continue;
        const std::size_t said = left_out.size();
        if (const auto why = why_left_out(*it))
            others[*why].push_back(name);
        else if (is_input(it->path().string(), left_out))
            names.push_back(name);
        else if (left_out.size() == said)
            others[{"file", "neither picture nor video"}].push_back(name);
    }
    if (code) throw_input(folder, "cannot be listed: " + code.message());
    for (std::string& sentence : sentences_of(folder, others)) left_out.push_back(std::move(sentence));
    if (names.empty())
        throw_input(folder,
                    "has no picture or video directly inside it that can be read (.jpg, .png, .mp4, …); "
                    "name a folder that has, or the files themselves" +
                        (left_out.empty() ? "" : " (" + left_out.front() + ")"));
    std::sort(names.begin(), names.end(), natural_less);
    for (std::string& name : names) name = (fs::path(folder) / name).string();
    return names;
}

void expand(const std::string& path, std::vector<std::string>& out, std::vector<std::string>& left_out) {
    std::error_code code;
    if (is_url(path) || !fs::is_directory(path, code)) {
        out.push_back(path);
        return;
    }
    std::vector<std::string> said;  // of a folder without inputs the error says it
    const std::vector<std::string> inside = media_inside(path, said);
    out.insert(out.end(), inside.begin(), inside.end());
    left_out.insert(left_out.end(), said.begin(), said.end());
}

/// The paths in a list; nothing where it is none.
std::optional<std::vector<std::string>> listed(const std::string& path, std::vector<std::string>& files) {
    std::error_code code;
    if (path == "@") throw Error(ErrorKind::usage, "'@' names no list; write @list.txt, without a blank");
    if (path.starts_with('@') && !fs::exists(path, code)) return read_input_list(path.substr(1), true, files);
    return is_url(path) ? std::nullopt : read_input_list(path, false, files);
}

}  // namespace

ExpandedInputs expand_inputs(const std::vector<std::string>& paths) {
    constexpr std::size_t kNamed = 5;
    ExpandedInputs all;
    const auto refuse = [&](const std::string& path, const Error& error) {
        all.refused[all.paths.size()] = error.what();
        all.paths.push_back(path);
    };
    for (const std::string& path : paths) {
        std::vector<std::string> listed_paths{path};
        std::error_code code;
        try {
            if (auto list = listed(path, all.lists))
                listed_paths = std::move(*list);
            else if (!is_url(path) && !fs::is_directory(path, code))
                require_readable(path);
        } catch (const Error& error) {
            refuse(path, error);
            continue;
        }
        for (const std::string& one : listed_paths) {
            try {
                expand(one, all.paths, all.left_out);
            } catch (const Error& error) {
                refuse(one, error);
            }
        }
    }
    if (all.refused.size() < all.paths.size()) return all;
    std::string sentence;
    for (const auto& [i, why] : all.refused)
        if (i < kNamed) sentence += (i ? "; " : "") + why;
    if (all.refused.size() > kNamed)
        sentence += "; nor can " + std::to_string(all.refused.size() - kNamed) + " more be read";
    throw Error(ErrorKind::input, sentence);
}

}  // namespace convoy::media
