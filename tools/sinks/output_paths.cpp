// SPDX-License-Identifier: MIT
#include "tools/sinks/output_paths.h"

#include <fmt/core.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <set>

#include <convoy/error.h>
#include "tools/media/files.h"

namespace fs = std::filesystem;

namespace convoy::tools {
namespace {

constexpr std::size_t kLongestName = NAME_MAX;

void check_access(const fs::path& path, const std::string& output) {
    if (access(path.c_str(), W_OK) != 0)
        throw Error(ErrorKind::output,
                    fmt::format("cannot write {}: {} ({})", output, media::system_message(errno), path.string()));
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : "."; }

// The begin of a text that takes so many bytes at most, without half a character of UTF-8.
std::string first_bytes(const std::string& text, std::size_t most) {
    if (text.size() <= most) return text;
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
    return text.substr(0, most);
}

}  // namespace

void check_file(const std::string& path, bool in_place) {
    const fs::path folder = folder_of(path);
    if (const std::size_t bytes = fs::path(path).filename().string().size(); bytes > kLongestName)
        throw Error(ErrorKind::output, fmt::format("cannot write {}: its name has {} bytes, and at most {} are allowed",
                                                   path, bytes, kLongestName));
    if (fs::is_directory(path)) throw Error(ErrorKind::output, fmt::format("cannot write {}: it is a folder", path));
    if (!fs::is_directory(folder))
        throw Error(ErrorKind::output,
                    fmt::format("cannot write {}: there is no folder {}; create it first", path, folder.string()));
    const bool exists = fs::exists(path);
    if (exists) check_access(path, path);
    const std::optional<std::string> replaced = media::replaceable_file(path);
    if (replaced && !(exists && in_place)) check_access(folder_of(*replaced), path);
}

void check_folder(const std::string& path) {
    fs::path existing = fs::absolute(path);
    while (!fs::exists(existing) && existing.has_relative_path()) existing = existing.parent_path();
    if (!fs::is_directory(existing))
        throw Error(ErrorKind::output, fmt::format("cannot write into {}: {} is no folder", path, existing.string()));
    check_access(existing, path);
}

void check_ending(const char* option, const std::string& path, const std::vector<std::string>& endings) {
    const std::string ending = fs::path(path).extension().string();
    if (std::find(endings.begin(), endings.end(), ending) != endings.end()) return;
    std::string list;
    for (const std::string& e : endings) list += " " + e;
    throw Error(ErrorKind::usage, fmt::format("{} {}: the file name must end in one of{}", option, path, list));
}

std::string as_folder(const std::string& path) { return path.empty() || path.ends_with('/') ? path : path + '/'; }

namespace {

/// What an input's outputs are called: cameras often have addresses that end in a slash, or nothing behind the host.
std::string stem_of(std::string input) {
    while (input.ends_with('/')) input.pop_back();
    const fs::path path(input);
    const bool is_host = path.parent_path().string().ends_with(':');
    const std::string stem = is_host ? path.filename().string() : path.stem().string();
    return stem.empty() || stem == "." || stem == ".." ? "input" : stem;
}

}  // namespace

std::string free_stem(const std::string& folder, const std::string& input, std::size_t room,
                      const std::function<bool(const std::string&)>& is_taken) {
    const std::string stem = stem_of(input);
    const auto numbered = [&](const std::string& number) {
        return as_folder(folder) + first_bytes(stem, kLongestName - room - number.size()) + number;
    };
    std::string name = numbered("");
    for (int n = 2; is_taken(name); ++n) name = numbered(fmt::format("-{}", n));
    return name;
}

std::vector<std::string> unique_stems(const std::string& folder, const std::vector<std::string>& inputs,
                                      std::size_t room, const std::function<bool(const std::string&)>& is_free) {
    std::vector<std::string> stems;
    std::set<std::string> taken;
    const auto is_taken = [&](const std::string& name) { return !taken.insert(name).second || !is_free(name); };
    for (const std::string& input : inputs) stems.push_back(free_stem(folder, input, room, is_taken));
    return stems;
}

std::vector<std::string> with_ending(std::vector<std::string> names, const std::string& ending) {
    for (std::string& name : names) name += ending;
    return names;
}

bool names_folder(const std::string& path) {
    std::error_code error;
    return path.ends_with('/') || fs::is_directory(path, error);
}

}  // namespace convoy::tools
