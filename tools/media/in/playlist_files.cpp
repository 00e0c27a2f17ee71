// SPDX-License-Identifier: MIT
#include "tools/media/in/playlist_files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include "tools/media/files.h"
#include "tools/media/reach.h"

namespace fs = std::filesystem;

namespace convoy::media {
namespace {

/// What a line names: itself, or what a tag has as its URI="…", for libav also without quotation marks. Empty where
/// that is nothing.
std::string_view named_in(std::string_view line) {
    constexpr std::string_view kBlank = " \t\r", kUri = "URI=";
    line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
    line = line.substr(0, line.find_last_not_of(kBlank) + 1);
    if (!line.starts_with('#')) return line;
    const std::size_t at = line.find(kUri);
    if (at == line.npos) return {};
    line.remove_prefix(at + kUri.size());
    if (!line.starts_with('"')) return line.substr(0, line.find(','));
    line.remove_prefix(1);
    return line.substr(0, line.find('"'));
}

/// Where a name may lead from a playlist's folder. A path that is written as an address of a file counts from the
/// working directory for some of libav.
std::vector<fs::path> paths_of(std::string_view name, const fs::path& folder) {
    constexpr std::string_view kFile = "file:", kRoot = "//";
    if (name.empty()) return {};
    if (!name.starts_with(kFile))
        return is_url(std::string(name)) ? std::vector<fs::path>() : std::vector{folder / name};
    name.remove_prefix(kFile.size());
    if (name.starts_with(kRoot)) name.remove_prefix(kRoot.size());
    return {folder / name, name};
}

/// What the lines of a playlist name for which `wanted` holds.
template <typename Wanted>
std::vector<fs::path> named_by(const std::string& playlist, Wanted wanted) {
    std::vector<fs::path> files;
    std::ifstream text(playlist);
    for (std::string line; std::getline(text, line);)
        if (wanted(std::string_view(line)))
            for (fs::path& file : paths_of(named_in(line), fs::path(playlist).parent_path()))
                files.push_back(std::move(file));
    return files;
}

}  // namespace

std::vector<std::string> playlist_files(const std::string& path) {
    constexpr std::size_t kMostPlaylists = 256;  // as many as may be opened
    std::vector<std::string> playlists, files;
    if (is_local_playlist(path)) playlists.push_back(path);
    for (std::size_t i = 0; i < std::min(playlists.size(), kMostPlaylists); ++i) {
        for (const fs::path& file : named_by(playlists[i], [](std::string_view) { return true; })) {
            files.push_back(file.string());
            if (is_local_playlist(file.string()) && std::ranges::find(playlists, file.string()) == playlists.end())
                playlists.push_back(file.string());
        }
    }
    return files;
}

std::set<std::string> separate_sound_files(const std::string& path) {
    std::set<std::string> files;
    if (!is_local_playlist(path)) return files;
    const auto is_sound = [](std::string_view line) {
        return line.starts_with("#EXT-X-MEDIA:") && line.find("TYPE=AUDIO") != line.npos;
    };
    for (const fs::path& list : named_by(path, is_sound))
        for (const fs::path& file : named_by(list.string(), [](std::string_view) { return true; }))
            files.insert(file.lexically_normal().string());
    return files;
}

}  // namespace convoy::media
