// SPDX-License-Identifier: MIT
#include "tools/settings_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <map>

#include <convoy/error.h>

namespace convoy::tools {
namespace {

constexpr std::size_t kMostBytes = 1 << 20, kMostShown = 40;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_key(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-'; }

/// Whether TOML reads it as a decimal number: 12, -0.5, 1e6.
bool is_number(std::string_view text) {
    const auto digits = [&] {
        const std::size_t count = std::size_t(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
        text.remove_prefix(count);
        return count;
    };
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
    const bool leading_zero = text.size() > 1 && text[0] == '0' && is_digit(text[1]);
    if (leading_zero || digits() == 0) return false;
    if (!text.empty() && text[0] == '.') {
        text.remove_prefix(1);
        if (digits() == 0) return false;
    }
    if (text.empty()) return true;
    if (text[0] != 'e' && text[0] != 'E') return false;
    text.remove_prefix(1);
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
    return digits() > 0 && text.empty();
}

void append_utf8(std::string& out, std::uint32_t code) {
    const auto tail = [&](int shift) { out += char(0x80 | (code >> shift & 0x3f)); };
    if (code < 0x80) return void(out += char(code));
    if (code < 0x800) return out += char(0xc0 | code >> 6), tail(0);
    if (code < 0x10000) return out += char(0xe0 | code >> 12), tail(6), tail(0);
    out += char(0xf0 | code >> 18), tail(12), tail(6), tail(0);
}

class Parser {
public:
    Parser(std::string_view text, const std::string& path) : text_(text), path_(path) {}

    std::vector<Setting> all() {
        std::map<std::string, int> lines;  // where a key stood first
        std::vector<Setting> settings;
        for (skip_empty(); !text_.empty(); skip_empty()) {
            if (peek() == '[') fail("tables are not known here: name options without one");
            Setting setting;
            const int line = line_;
            setting.where = where();
            setting.name = key();
            if (const auto [first, added] = lines.emplace(setting.name, line); !added)
                fail(fmt::format("'{}' has a value already, in line {}", shown(setting.name), first->second));
            skip_blanks();
            if (!take('=')) fail(fmt::format("expected '=' and a value behind '{}'", shown(setting.name)));
            skip_blanks();
            values(setting);
            end_line();
            settings.push_back(std::move(setting));
        }
        return settings;
    }

private:
    std::string where() const { return fmt::format("{}:{}", path_, line_); }
    [[noreturn]] void fail(const std::string& what) const {
        throw Error(ErrorKind::usage, fmt::format("{}: {}", where(), what));
    }
    static std::string shown(std::string_view text) {
        return std::string(text.substr(0, kMostShown)) + (text.size() > kMostShown ? "…" : "");
    }

    char peek() const { return text_.empty() ? '\n' : text_[0]; }
    bool take(char c) {
        if (text_.empty() || text_[0] != c) return false;
        text_.remove_prefix(1);
        line_ += c == '\n';
        return true;
    }
    void skip_blanks() {
        while (take(' ') || take('\t') || (text_.starts_with("\r\n") && take('\r'))) {
        }
    }
    void skip_empty() {
        for (skip_blanks(); !text_.empty(); skip_blanks()) {
            if (peek() == '#')
                text_.remove_prefix(std::min(text_.find('\n'), text_.size()));
            else if (!take('\n'))
                return;
        }
    }
    void end_line() {
        skip_blanks();
        if (peek() == '#') text_.remove_prefix(std::min(text_.find('\n'), text_.size()));
        if (!text_.empty() && !take('\n')) fail("a line has one key and its value, and this one goes on behind it");
    }

    std::string_view word(bool (*belongs)(char)) {
        const std::size_t end = std::size_t(std::find_if_not(text_.begin(), text_.end(), belongs) - text_.begin());
        const std::string_view found = text_.substr(0, end);
        text_.remove_prefix(end);
        return found;
    }
    std::string key() {
        if (peek() == '"' || peek() == '\'') return string();
        const std::string_view name = word(is_key);
        if (name.empty()) fail("expected an option's name, '=' and its value");
        if (peek() == '.') fail("names with a dot are not known here");
        return std::string(name);
    }

    void values(Setting& setting) {
        if (take('[')) {
            for (skip_empty(); !take(']'); skip_empty()) {
                if (text_.empty()) fail("the list lacks its ']'");
                setting.values.push_back(value(setting.is_switch));
                if (setting.is_switch) fail("true and false stand in no list");
                skip_empty();
                if (!text_.empty() && !take(',') && peek() != ']') fail("expected ',' or ']' in the list");
            }
            if (setting.values.empty()) fail("the list is empty; leave the line out");
        } else {
            setting.values.push_back(value(setting.is_switch));
        }
    }
    std::string value(bool& is_switch) {
        if (peek() == '"' || peek() == '\'') return string();
        const std::string_view bare = word([](char c) { return is_key(c) || c == '.' || c == '+'; });
        is_switch = bare == "true" || bare == "false";
        if (!is_switch && !is_number(bare))
            fail(bare.empty() ? "expected a value; text stands in \"quotes\""
                              : fmt::format("'{}' must stand in \"quotes\"", shown(bare)));
        return std::string(bare);
    }

    std::string string() {
        const char quote = peek();
        text_.remove_prefix(1);
        if (text_.size() > 1 && text_[0] == quote && text_[1] == quote) fail("strings of several lines are not known");
        std::string out;
        while (!take(quote)) {
            if (text_.empty() || peek() == '\n') fail(fmt::format("the text lacks its closing {}", quote));
            if (peek() == '\0') fail("a zero stands in the text");
            const char c = peek();
            text_.remove_prefix(1);
            if (c == '\\' && quote == '"')
                escape(out);
            else
                out += c;
        }
        return out;
    }
    void escape(std::string& out) {
        constexpr std::string_view kNames = "btnfr\"\\", kMeant = "\b\t\n\f\r\"\\";
        const char c = peek();
        if (const std::size_t at = kNames.find(c); at != kNames.npos) {
            text_.remove_prefix(1);
            out += kMeant[at];
            return;
        }
        const std::size_t digits = c == 'u' ? 4 : c == 'U' ? 8 : 0;
        std::uint32_t code = 0;
        const std::string_view hex = digits > 0 && text_.size() > digits ? text_.substr(1, digits) : "";
        const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
        const bool surrogate = code >= 0xd800 && code < 0xe000;
        if (hex.empty() || error != std::errc() || end != hex.data() + hex.size() || surrogate || code > 0x10ffff ||
            code == 0)
            fail("this \\ means nothing; write \\\\ for one, or put the text in 'single quotes'");
        text_.remove_prefix(1 + digits);
        append_utf8(out, code);
    }

    std::string_view text_;
    const std::string& path_;
    int line_ = 1;
};

}  // namespace

std::vector<Setting> parse_settings(std::string_view text, const std::string& path) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    return Parser(text, path).all();
}

std::vector<Setting> read_settings(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw Error(ErrorKind::input, path + ": the file of options cannot be opened");
    std::string text(kMostBytes + 1, '\0');
    file.read(text.data(), std::streamsize(text.size()));
    if (file.bad()) throw Error(ErrorKind::input, path + ": the file of options cannot be read");
    text.resize(std::size_t(file.gcount()));
    if (text.size() > kMostBytes)
        throw Error(ErrorKind::usage, path + ": longer than 1 MiB; that is no file of options");
    return parse_settings(text, path);
}

std::string toml_value(std::string_view text) {
    if (is_number(text)) return std::string(text);
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\')
            out += {'\\', c};
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            out += fmt::format("\\u{:04x}", int(c));
        else
            out += c;
    }
    return out + "\"";
}

}  // namespace convoy::tools
