// SPDX-License-Identifier: MIT
#include "tools/fleet/manifest.h"

#include <fmt/core.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <map>
#include <string_view>

#include <convoy/error.h>
#include <convoy/media/input.h>
#include "tools/media/files.h"

namespace fs = std::filesystem;

namespace convoy::fleet {
namespace {

constexpr std::string_view kMagic = "#convoy-manifest ", kVersion = "1";
constexpr std::string_view kColumns = "unit\tinput\tpart\tstart\tstop\tseconds\tbytes\tmtime\tkey";
constexpr std::size_t kFields = 9;

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\t')
            out += "\\t";
        else if (c == '\n')
            out += "\\n";
        else if (c == '\\')
            out += "\\\\";
        else
            out += c;
    }
    return out;
}

std::optional<std::string> unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        const char next = ++i < text.size() ? text[i] : '\0';
        if (next != 't' && next != 'n' && next != '\\') return std::nullopt;
        out += next == 't' ? '\t' : next == 'n' ? '\n' : '\\';
    }
    return out;
}

template <typename T>
std::optional<T> number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Line by line; what is wrong is said of the line at which it is seen.
class Reader {
public:
    explicit Reader(const std::string& path) : path_(path), file_(path) {
        std::error_code code;
        if (fs::is_directory(path, code))
            throw Error(ErrorKind::input, path + ": is a folder; name the manifest in it");
        if (!file_)
            throw Error(ErrorKind::input, fmt::format("{}: cannot be read: {}", path, media::system_message(errno)));
    }

    std::vector<Unit> read() {
        read_head();
        std::vector<Unit> units;
        for (std::string line; next(line);) {
            Unit unit = unit_of(line, units.size());
            check_row(unit, units);
            units.push_back(std::move(unit));
        }
        if (units.empty()) fail("names no unit of work");
        if (units.back().part != units.back().parts) fail_of_gap(units.back());
        return units;
    }

private:
    [[noreturn]] void fail(const std::string& what) const {
        throw Error(ErrorKind::input, fmt::format("{}:{}: {}", path_, line_, what));
    }

    [[noreturn]] void fail_of_gap(const Unit& last) const {
        fail(fmt::format("part {}/{} of '{}' is missing; make the manifest anew", last.part + 1, last.parts,
                         media::without_passwords(last.input)));
    }

    bool next(std::string& line) {
        if (!std::getline(file_, line)) {
            if (file_.bad()) fail("cannot be read on");
            return false;
        }
        ++line_;
        if (file_.eof()) fail("the file is cut short: its last line has no end; make the manifest anew");
        return true;
    }

    void read_head() {
        std::string line;
        if (!next(line) || !line.starts_with(kMagic)) {
            line_ = 1;
            fail("is no manifest; yolo-fleet manifest makes one");
        }
        if (const std::string version = line.substr(kMagic.size()); version != kVersion)
            fail(fmt::format("is a manifest of version '{}'; this program knows version {}", version, kVersion));
        if (!next(line) || line != kColumns) {
            line_ = 2;
            fail(
                "the columns are not the ones that are expected: unit, input, part, start, stop, seconds, bytes, "
                "mtime, key, with a tab between them");
        }
    }

    Unit unit_of(const std::string& line, std::size_t index) const {
        std::vector<std::string_view> fields;
        for (std::string_view rest = line;;) {
            const std::size_t tab = rest.find('\t');
            fields.push_back(rest.substr(0, tab));
            if (tab == rest.npos) break;
            rest.remove_prefix(tab + 1);
        }
        if (fields.size() != kFields) fail(fmt::format("has {} fields; a unit has {}", fields.size(), kFields));
        if (fields[0] != unit_name(index))
            fail(fmt::format("is unit '{}'; the next one is {}", fields[0], unit_name(index)));
        Unit unit;
        const std::optional<std::string> input = unescaped(fields[1]);
        if (!input || input->empty() || input->find('\0') != input->npos) fail("names no input");
        unit.input = *input;
        const std::size_t slash = std::min(fields[2].find('/'), fields[2].size() - 1);
        unit.part = number<int>(fields[2].substr(0, slash)).value_or(0);
        unit.parts = number<int>(fields[2].substr(slash + 1)).value_or(0);
        if (unit.part < 1 || unit.parts < unit.part)
            fail(fmt::format("'{}' is no part, such as 1/1 or 2/5", fields[2]));
        unit.start_s = seconds_of(fields[3], "start");
        unit.stop_s = seconds_of(fields[4], "stop");
        unit.seconds = fields[5].empty() ? -1 : seconds_of(fields[5], "seconds");
        if (unit.seconds < 0) fail("does not say for how many seconds there is something to decode");
        const auto bytes = number<std::int64_t>(fields[6]);
        if (!bytes || *bytes < 0) fail(fmt::format("'{}' is no number of bytes", fields[6]));
        unit.bytes = *bytes;
        if (!fields[7].empty()) {
            unit.mtime_ns = number<std::int64_t>(fields[7]);
            if (!unit.mtime_ns) fail(fmt::format("'{}' is no mtime in nanoseconds", fields[7]));
        }
        unit.key = fields[8];
        if (unit.key.empty()) fail("has no key of the input's content");
        return unit;
    }

    double seconds_of(std::string_view text, std::string_view column) const {
        if (text.empty()) return 0;
        const double value = number<double>(text).value_or(-1);
        if (!(value >= 0) || !std::isfinite(value)) fail(fmt::format("'{}' is no {} in seconds", text, column));
        return value;
    }

    /// Against the units before it.
    void check_row(const Unit& unit, const std::vector<Unit>& before) {
        const bool goes_on = !before.empty() && before.back().part < before.back().parts;
        if (goes_on) {
            const Unit& last = before.back();
            if (unit.input != last.input || unit.part != last.part + 1 || unit.parts != last.parts) fail_of_gap(last);
            if (unit.key != last.key) fail("has another key than the part before it");
            if (unit.start_s != last.stop_s) fail("does not start where the part before it stops");
        } else {
            if (unit.part != 1) fail(fmt::format("is part {}/{}, and part 1 is not before it", unit.part, unit.parts));
            if (unit.start_s != 0) fail("is the first part of its input, and does not start at its begin");
            if (!media::is_address(unit.input)) check_key(unit);
        }
        const bool is_last = unit.part == unit.parts;
        if (is_last != (unit.stop_s == 0)) fail(is_last ? "is the last part, and stops early" : "has no stop");
        if (!is_last && !(unit.stop_s > unit.start_s)) fail("stops before it starts");
    }

    /// The same file twice is fine, but not as two contents.
    void check_key(const Unit& unit) {
        const auto [known, is_new] = keys_.emplace(unit.input, unit.key);
        if (!is_new && known->second != unit.key) fail("the same input stands above with another key");
    }

    const std::string path_;
    std::ifstream file_;
    std::size_t line_ = 0;
    std::map<std::string, std::string> keys_;
};

}  // namespace

std::string Manifest::location(const Unit& unit) const {
    if (media::is_address(unit.input)) return unit.input;
    return folder.empty() ? unit.input : (folder / unit.input).string();
}

std::string unit_name(std::size_t index) { return fmt::format("{:06}", index); }

std::string manifest_text(const std::vector<Unit>& units) {
    std::string text = fmt::format("{}{}\n{}\n", kMagic, kVersion, kColumns);
    for (std::size_t i = 0; i < units.size(); ++i) {
        const Unit& u = units[i];
        const auto optional = [](double value) { return value > 0 ? fmt::format("{}", value) : std::string(); };
        text += fmt::format("{}\t{}\t{}/{}\t{}\t{}\t{}\t{}\t{}\t{}\n", unit_name(i), escaped(u.input), u.part, u.parts,
                            optional(u.start_s), optional(u.stop_s), u.seconds, u.bytes,
                            u.mtime_ns ? fmt::format("{}", *u.mtime_ns) : std::string(), u.key);
    }
    return text;
}

Manifest read_manifest(const std::string& path) {
    Manifest manifest;
    manifest.folder = fs::path(path).parent_path();
    manifest.units = Reader(path).read();
    return manifest;
}

}  // namespace convoy::fleet
