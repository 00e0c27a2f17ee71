// SPDX-License-Identifier: MIT
#include "darknet_loader/cfg_reader.h"

#include <algorithm>
#include <cctype>
#include <unordered_set>

#include "darknet_loader/file.h"

namespace convoy {
namespace {

[[noreturn]] void fail(const std::string& path, int line, const std::string& what) {
    throw Error(ErrorKind::model, path + ":" + std::to_string(line) + ": " + what);
}

std::string without_space(std::string_view line) {
    std::string out;
    for (const char c : line)
        if (c != ' ' && c != '\t' && c != '\r') out += c;
    return out;
}

bool is_text(std::string_view line) {
    return std::none_of(line.begin(), line.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

CfgSection open_section(const std::string& line, int number, const std::string& path) {
    if (line.size() < 3 || line.back() != ']')
        fail(path, number,
             "section header " + quote(line) + " is not of the form [name]; comments need a line of their own");
    const std::string name = line.substr(1, line.size() - 2);
    if (name.size() > 40 ||
        !std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; }))
        fail(path, number, "section header " + quote(line) + " is not the name of a section");
    return {name, number, {}, {}};
}

CfgEntry split_entry(const std::string& line, int number, const std::string& section, const std::string& path) {
    const std::size_t equals = line.find('=');
    if (equals == std::string::npos)
        fail(path, number,
             "[" + section + "] line " + quote(line) + " is neither a [section], a # comment nor key=value");
    CfgEntry entry{line.substr(0, equals), line.substr(equals + 1), number};
    if (entry.key.empty()) fail(path, number, "[" + section + "] there is no key before '=' in " + quote(line));
    return entry;
}

/// Edits (insert, remove, replace, swap neighbours) that turn `a` into `b`, ignoring case.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
    const auto same = [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
    };
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before.swap(above);
        above.swap(row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
            row[j] = std::min({row[j - 1] + 1, above[j] + 1, replace});
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row[b.size()];
}

}  // namespace

std::string quote(std::string_view text) {
    constexpr std::size_t kLongest = 60;
    constexpr char kHex[] = "0123456789abcdef";
    std::string out = "'";
    for (const unsigned char c : text.substr(0, kLongest)) {
        if (c >= 0x20 && c < 0x7f)
            out += char(c);
        else
            (out += "\\x") += {kHex[c >> 4], kHex[c & 15]};
    }
    return out + (text.size() > kLongest ? "…'" : "'");
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& known, std::size_t most) {
    constexpr std::size_t kLongest = 40;
    if (word.size() > kLongest) return "";
    std::size_t nearest = std::min(most, std::max<std::size_t>(1, word.size() / 3)) + 1;
    std::string_view best;
    for (const std::string_view candidate : known)
        if (const std::size_t d = edit_distance(word, candidate); d < nearest) {
            nearest = d;
            best = candidate;
        }
    return best.empty() ? "" : "; did you mean '" + std::string(best) + "'?";
}

std::vector<CfgSection> read_cfg(std::string_view text, const std::string& path) {
    text = without_marks(text);
    std::vector<CfgSection> sections;
    std::unordered_set<std::string> keys;  // of the section that is open
    for (int number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string line = without_space(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        const bool is_header = line.starts_with('[');  // a comment behind it is an error
        if (!is_header) line.resize(std::min(line.find_first_of("#;"), line.size()));
        if (!is_text(line)) fail(path, number, "this is not text; is it a .cfg at all?");
        if (line.empty()) continue;
        if (is_header) {
            sections.push_back(open_section(line, number, path));
            keys.clear();
            continue;
        }
        if (sections.empty())
            fail(path, number, quote(line) + " stands before the first section; a cfg begins with [net]");
        CfgEntry entry = split_entry(line, number, sections.back().name, path);
        const bool is_new = keys.insert(entry.key).second;
        (is_new ? sections.back().entries : sections.back().repeats).push_back(std::move(entry));
    }
    if (sections.empty()) throw Error(ErrorKind::model, path + ": there is no section in it; a cfg begins with [net]");
    return sections;
}

}  // namespace convoy
