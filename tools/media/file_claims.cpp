// SPDX-License-Identifier: MIT
#include "tools/media/file_claims.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "tools/media/files.h"

namespace fs = std::filesystem;

namespace convoy::media {
namespace {

[[noreturn]] void usage(const std::string& sentence) { throw Error(ErrorKind::usage, sentence); }

/// Whether a file's name is NAME-000123.jpg, or that of a second one, NAME-000123-2.jpg.
bool is_numbered(std::string_view file, const std::string& name, std::string_view ending) {
    constexpr std::string_view kSecond = "-2";
    if (!file.starts_with(name + "-") || !file.ends_with(ending)) return false;
    file.remove_prefix(name.size() + 1);
    file.remove_suffix(ending.size());
    while (file.ends_with(kSecond)) file.remove_suffix(kSecond.size());
    return file.size() >= 6 && std::all_of(file.begin(), file.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

/// Nothing for devices and sockets, which are not overwritten.
std::optional<FileClaims::Id> FileClaims::id_of(const std::string& path) {
    struct stat file {};
    if (::stat(path.c_str(), &file) == 0) {
        if (S_ISCHR(file.st_mode) || S_ISSOCK(file.st_mode)) return std::nullopt;
        return Id(file.st_dev, file.st_ino, "");
    }
    const fs::path named = followed(path);
    const fs::path folder = named.has_parent_path() ? named.parent_path() : ".";
    if (::stat(folder.c_str(), &file) != 0) return Id(0, 0, fs::absolute(named).lexically_normal().string());
    return Id(file.st_dev, file.st_ino, named.filename().string());
}

void FileClaims::reads(const std::string& path, const std::string& what) {
    if (path.empty()) return;
    if (const auto id = id_of(path)) read_.try_emplace(*id, Read{path, what});
}

void FileClaims::require_unread(const Id& id, const std::string& path) const {
    const auto read = read_.find(id);
    if (read == read_.end()) return;
    const bool same_name = read->second.path == path;
    usage(path + " is " + read->second.what + (same_name ? "" : ", the same file as " + read->second.path + ",") +
          " and would be overwritten; name another output");
}

void FileClaims::writes(const std::string& path) {
    const auto id = id_of(path);
    if (!id) return;
    require_unread(*id, path);
    const auto [other, first] = written_.try_emplace(*id, path);
    std::error_code error;
    if (first || fs::is_other(path, error)) return;
    usage(other->second == path
              ? path + " is named for two outputs; give each a file of its own"
              : path + " and " + other->second +
                    " are the same file, which is named for two outputs; give each a file of its own");
}

void FileClaims::writes_below(const std::string& folder) const {
    std::error_code error;
    const auto canonical = [&](const std::string& path) { return fs::weakly_canonical(fs::absolute(path), error); };
    const std::string begin = canonical(folder + "/.").string() + "/";
    for (const auto& [id, read] : read_)
        if (const std::string rest = canonical(read.path).string();
            rest.starts_with(begin) && rest.find('/', begin.size()) != rest.npos)
            usage(read.path + " is " + read.what + " and might be overwritten by what is written below " + folder +
                  "; name another folder");
}

void FileClaims::writes_numbered(const std::string& stem, std::string_view ending) {
    const std::string name = fs::path(stem).filename().string();
    std::error_code error;
    for (fs::directory_iterator it(fs::path(stem).parent_path(), error); !error && it != fs::directory_iterator();
         it.increment(error)) {
        if (!is_numbered(it->path().filename().string(), name, ending)) continue;
        if (const auto id = id_of(it->path().string())) require_unread(*id, it->path().string());
    }
    const auto folder_of = [&](const std::string& path) {
        return fs::weakly_canonical(fs::absolute(path).parent_path(), error);
    };
    for (const auto& [id, path] : written_)
        if (is_numbered(fs::path(path).filename().string(), name, ending) && folder_of(path) == folder_of(stem))
            usage(path + " is named for an output, and what is made of a video's frames will be called " + stem +
                  "-000123" + std::string(ending) + "; give each a file of its own");
}

}  // namespace convoy::media
