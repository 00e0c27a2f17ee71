// SPDX-License-Identifier: MIT
#include "tools/media/in/input_list.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>

#include "tools/media/files.h"

namespace fs = std::filesystem;

namespace convoy::media {
namespace {

constexpr std::uintmax_t kMostBytes = std::uintmax_t(256) << 20;
constexpr std::size_t kLookedAt = 4096;

/// What is called otherwise may be a text that somebody has given a video's name.
bool is_called_list(const std::string& path) {
    static constexpr std::string_view kEndings[] = {"txt", "list", "lst", "data"};
    return std::find(std::begin(kEndings), std::end(kEndings), lower_ending(path)) != std::end(kEndings);
}

bool is_text(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](unsigned char c) { return c < 0x20 && c != '\t' && c != '\r' && c != '\n'; });
}

std::string trimmed(const std::string& line) {
    constexpr const char* kSpace = " \t\r";
    const std::size_t first = line.find_first_not_of(kSpace);
    return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(kSpace) - first + 1);
}

/// The lines that say something. Nothing where the file is no text.
std::optional<std::vector<ListLine>> read_numbered_lines(const std::string& path) {
    std::error_code error;
    if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > kMostBytes || error) return std::nullopt;
    std::ifstream file(path, std::ios::binary);
    std::string text(kLookedAt, '\0');
    file.read(text.data(), kLookedAt);
    text.resize(std::size_t(file.gcount()));
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
        throw_input(path, "is a text in UTF-16; save it as UTF-8");
    if (text.empty() || !is_text(text)) return std::nullopt;
    text.append(std::istreambuf_iterator<char>(file), {});
    if (!is_text(text)) return std::nullopt;
    std::istringstream stream(text.starts_with("\xef\xbb\xbf") ? text.substr(3) : text);
    std::vector<ListLine> lines;
    std::size_t number = 0;
    for (std::string line; ++number, std::getline(stream, line);)
        if (line = trimmed(line); !line.empty()) lines.push_back({number, line});
    return lines;
}

std::optional<std::vector<std::string>> read_lines(const std::string& path) {
    std::optional<std::vector<ListLine>> numbered = read_numbered_lines(path);
    if (!numbered) return std::nullopt;
    std::vector<std::string> lines;
    for (ListLine& line : *numbered) lines.push_back(std::move(line.path));
    return lines;
}

bool is_quoted(const std::string& line) {
    return line.size() > 2 && (line.front() == '"' || line.front() == '\'') && line.back() == line.front();
}

/// What a line of the list names. File managers copy paths with quotes around them.
std::string resolve(const std::string& line, const std::string& list) {
    std::error_code error;
    if (is_url(line) || fs::exists(line, error)) return line;
    const fs::path beside = fs::path(list).parent_path() / line;
    if (fs::exists(beside, error)) return beside.string();
    return is_quoted(line) ? resolve(line.substr(1, line.size() - 2), list) : line;
}

std::string without_rest(const std::string& line) {
    constexpr std::size_t kMost = 200;
    return line.size() <= kMost ? line : line.substr(0, kMost) + "…";
}

/// What "valid = FILE" names among the lines of a .data file.
std::string valid_of(const std::vector<std::string>& lines) {
    for (const std::string& line : lines) {
        const std::size_t equals = line.find('=');
        if (equals != std::string::npos && trimmed(line.substr(0, equals)) == "valid")
            return trimmed(line.substr(equals + 1));
    }
    return "";
}

}  // namespace

std::optional<std::vector<std::string>> read_input_list(const std::string& path, bool outright,
                                                        std::vector<std::string>& files) {
    std::error_code error;
    if (outright) require_readable(path);
    if (!outright && !is_called_list(path)) return std::nullopt;
    std::optional<std::vector<std::string>> lines = read_lines(path);
    if (outright && (!lines || lines->empty())) throw_input(path, "is no list: it must be text, one path a line");
    if (!lines) return std::nullopt;
    if (lines->empty()) throw_input(path, "is a text without a line; as a list of inputs it needs one path a line");
    std::string list = path;
    if (const std::string valid = valid_of(*lines); !valid.empty()) {
        list = resolve(valid, path);
        try {
            require_readable(list);
        } catch (const Error& unreadable) {
            throw_input(path, std::string("names a list as valid= that is none: ") + unreadable.what());
        }
        lines = read_lines(list);
        if (!lines || lines->empty()) throw_input(list, "is no list, and '" + path + "' names it as valid=");
    } else if (!outright && std::none_of(lines->begin(), lines->end(), [&](const std::string& line) {
                   const std::string named = resolve(line, path);
                   return is_url(named) || fs::exists(named, error);
               })) {
        throw_input(path,
                    "is a text that names no input: its first line, '" + without_rest(lines->front()) +
                        "', is no file that exists, nor is any other; as a list of inputs it needs one path a line");
    }
    for (std::string& line : *lines) line = resolve(line, list);
    files.push_back(path);
    if (list != path) files.push_back(list);
    return lines;
}

std::vector<ListLine> read_list_lines(const std::string& path) {
    std::error_code error;
    if (fs::is_regular_file(path, error) && fs::file_size(path, error) == 0) return {};
    require_readable(path);
    std::optional<std::vector<ListLine>> lines = read_numbered_lines(path);
    if (!lines) throw_input(path, "is no list: it must be text, one path a line");
    for (ListLine& line : *lines) line.path = resolve(line.path, path);
    return std::move(*lines);
}

}  // namespace convoy::media
