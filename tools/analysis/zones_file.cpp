// SPDX-License-Identifier: MIT
#include "tools/analysis/zones_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <set>

#include <convoy/error.h>

namespace convoy::analysis {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = 1 << 20;
constexpr int kMostDepth = 6;  // the deepest that means anything: a number of a point of a zone, 5
constexpr std::size_t kMostSubjects = 1000, kMostPoints = 1000, kMostNameBytes = 100;
constexpr double kFarthest = 1e6;  // pixels

[[noreturn]] void fail(const std::string& path, const std::string& sentence) {
    throw Error(ErrorKind::input, fmt::format("{}: {}", path, sentence));
}

/// Somebody's text as a sentence quotes it: short, and without bytes that a terminal obeys.
std::string shown(const std::string& text) {
    constexpr std::size_t kMost = 80;  // bytes
    std::string out = json(text).dump(-1, ' ', false, json::error_handler_t::replace);
    if (out.size() <= kMost) return out;
    std::size_t end = kMost;
    while ((out[end] & 0xc0) == 0x80) --end;  // inside of a character
    return out.substr(0, end) + "…";
}

/// Refuses what the parser would take: depth without end, and of a key that is there twice only the last.
class Strict {
public:
    explicit Strict(const std::string& path) : path_(path) {}
    bool operator()(int depth, json::parse_event_t event, json& value) {
        if (depth > kMostDepth) fail(path_, fmt::format("is nested deeper than {} levels; no zone is", kMostDepth));
        if (event == json::parse_event_t::object_start) keys_.emplace_back();
        if (event == json::parse_event_t::object_end && !keys_.empty()) keys_.pop_back();
        if (event == json::parse_event_t::key && !keys_.empty() &&
            !keys_.back().insert(value.get<std::string>()).second)
            fail(path_,
                 fmt::format("has the key {} twice in one object; leave one out", shown(value.get<std::string>())));
        return true;
    }

private:
    const std::string& path_;
    std::vector<std::set<std::string>> keys_;
};

json parse(std::string_view text, const std::string& path) {
    try {
        Strict strict(path);
        return json::parse(text.begin(), text.end(), [&](int depth, json::parse_event_t event, json& value) {
            return strict(depth, event, value);
        });
    } catch (const json::exception& e) {
        // "[json.exception.parse_error.101] parse error at line 1, column 5: …": the bracket is for programmers.
        const std::string what = e.what();
        const auto bracket = what.find("] ");
        fail(path, "not valid JSON: " + (bracket == std::string::npos ? what : what.substr(bracket + 2)));
    }
}

/// One zone or line while it is read: what is wrong is said of it by name.
class Reader {
public:
    Reader(const json& object, const std::string& path, const char* array, std::size_t index, ZoneUnit unit)
        : object_(object), path_(path), unit_(unit), place_(fmt::format("{}[{}]", array, index)) {
        if (!object.is_object()) fail("is not an object");
    }

    void read(ZoneSubject& out) {
        for (const auto& [key, value] : object_.items())
            if (key != "name" && key != "points" && key != "classes" && key != "anchor")
                fail(
                    fmt::format("has the key {}, which means nothing here; a zone or a line has \"name\", "
                                "\"points\", \"classes\" and \"anchor\"",
                                shown(key)));
        out.name = text(member("name"), "name");
        if (out.name.empty() || out.name.size() > kMostNameBytes)
            fail(fmt::format("has a name of {} bytes; it must have 1 to {}", out.name.size(), kMostNameBytes));
        place_ = fmt::format("{} \"{}\"", place_, out.name);
        if (object_.contains("classes")) out.classes = classes(object_["classes"]);
        if (!object_.contains("anchor")) return;
        const std::string anchor = text(object_["anchor"], "anchor");
        if (anchor != "bottom" && anchor != "center")
            fail(fmt::format("has {} as \"anchor\"; it must be \"bottom\" or \"center\"", shown(anchor)));
        out.anchor = anchor == "center" ? ZoneAnchor::center : ZoneAnchor::bottom;
    }

    std::vector<Point> points() const {
        const json& value = member("points");
        if (!value.is_array()) fail("has no list of points [[x, y], …] as \"points\"");
        if (value.size() > kMostPoints) fail(fmt::format("has {} points; {} is the most", value.size(), kMostPoints));
        std::vector<Point> out;
        for (const json& point : value) out.push_back(this->point(point, out.size() + 1));
        return out;
    }

    [[noreturn]] void fail(const std::string& sentence) const { analysis::fail(path_, place_ + " " + sentence); }

private:
    const json& member(const char* key) const {
        const auto found = object_.find(key);
        if (found == object_.end()) fail(fmt::format("has no \"{}\"; add it", key));
        return *found;
    }

    std::string text(const json& value, const char* key) const {
        if (!value.is_string()) fail(fmt::format("has no text as \"{}\"; put it in quotation marks", key));
        auto out = value.get<std::string>();
        if (std::any_of(out.begin(), out.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }))
            fail(fmt::format("has a control character in \"{}\"; take it out", key));
        return out;
    }

    std::vector<std::string> classes(const json& value) const {
        if (!value.is_array() || value.empty())
            fail("has no list of names as \"classes\"; name at least one, or leave \"classes\" out to count all");
        std::vector<std::string> out;
        for (const json& name : value) {
            out.push_back(text(name, "classes"));
            if (std::count(out.begin(), out.end(), out.back()) > 1)
                fail(fmt::format("names the class {} twice; leave one out", shown(out.back())));
        }
        return out;
    }

    Point point(const json& value, std::size_t number) const {
        if (!value.is_array() || value.size() != 2 || !value[0].is_number() || !value[1].is_number())
            fail(fmt::format("has a point {} that is not [x, y]", number));
        const Point p{value[0].get<double>(), value[1].get<double>()};
        const bool shares = unit_ == ZoneUnit::share;
        const double least = shares ? 0 : -kFarthest, most = shares ? 1 : kFarthest;
        if (p.x < least || p.y < least || p.x > most || p.y > most)
            fail(fmt::format("has [{}, {}] as point {}; {}", p.x, p.y, number,
                             shares ? "shares of the frame are from 0 to 1; for pixels, set \"unit\" to \"pixels\""
                                    : "a pixel is at most 1000000 away from the frame's corner"));
        return p;
    }

    const json& object_;
    const std::string& path_;
    ZoneUnit unit_;
    std::string place_;
};

std::vector<Point> polygon(const Reader& reader) {
    std::vector<Point> points = reader.points();
    const std::size_t n = points.size();
    if (n < 3) reader.fail(fmt::format("has {} points; a zone needs at least 3", n));
    for (std::size_t i = 0; i < n; ++i)
        if (points[i] == points[(i + 1) % n])
            reader.fail(fmt::format("has the same point as its points {} and {}; leave one out{}", i + 1,
                                    (i + 1) % n + 1, i + 1 == n ? ": a zone closes by itself" : ""));
    if (n == 3 && signed_area(points) == 0) reader.fail("has no area: its points are on one line; move one away");
    const auto touch = [&](std::size_t i, std::size_t j) {
        const Point a = points[i], b = points[(i + 1) % n], c = points[j], d = points[(j + 1) % n];
        if (b == c &&
            j == (i + 1) % n)  // neighbours share a point, and nothing else unless one runs back over the other
            return turn(a, b, d) == 0 && (a.x - b.x) * (d.x - b.x) + (a.y - b.y) * (d.y - b.y) > 0;
        return segments_touch(a, b, c, d);
    };
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = i + 1; j < n; ++j)
            if (i == 0 && j + 1 == n ? touch(j, i) : touch(i, j))
                reader.fail(
                    fmt::format("crosses or touches itself: its edge from point {} to {} meets the one from {} to "
                                "{}; order the points around the zone, or make two zones of it",
                                i + 1, i + 2, j + 1, (j + 1) % n + 1));
    return points;
}

Zone read_zone(Reader& reader) {
    Zone out;
    reader.read(out);
    out.points = polygon(reader);
    return out;
}

Line read_line(Reader& reader) {
    Line out;
    reader.read(out);
    const std::vector<Point> points = reader.points();
    if (points.size() != 2)
        reader.fail(fmt::format("has {} points; a line needs 2: make several lines of a longer one", points.size()));
    out.from = points[0], out.to = points[1];
    if (out.from == out.to) reader.fail("has the same point twice; a line needs a length");
    return out;
}

ZoneUnit read_unit(const json& root, const std::string& path) {
    const auto unit = root.find("unit");
    if (unit != root.end() && *unit == "pixels") return ZoneUnit::pixels;
    if (unit != root.end() && *unit == "share") return ZoneUnit::share;
    fail(path,
         "needs \"unit\": \"pixels\", or \"unit\": \"share\" where points are shares of the frame's width and "
         "height");
}

/// All objects of an array of the file, which may be missing.
template <typename T>
std::vector<T> read_all(const json& root, const char* array, ZoneUnit unit, const std::string& path,
                        T (*read_one)(Reader&), std::set<std::string>& names) {
    std::vector<T> out;
    const auto found = root.find(array);
    if (found == root.end()) return out;
    if (!found->is_array()) fail(path, fmt::format("has no list as \"{}\"; write [{{…}}, {{…}}]", array));
    if (found->size() > kMostSubjects)
        fail(path, fmt::format("has {} \"{}\"; {} is the most", found->size(), array, kMostSubjects));
    for (const json& object : *found) {
        Reader reader(object, path, array, out.size(), unit);
        out.push_back(read_one(reader));
        if (!names.insert(out.back().name).second)
            reader.fail("has a name that another zone or line has, too; name each differently");
    }
    return out;
}

}  // namespace

Zones parse_zones(std::string_view text, const std::string& path) {
    if (text.size() > kMostBytes) fail(path, "is longer than 1 MiB; that is no file of zones");
    // The parser would take it for the end.
    if (const auto zero = text.find('\0'); zero != text.npos)
        fail(path, fmt::format("not valid JSON: has a zero byte in line {}; take it out",
                               std::count(text.begin(), text.begin() + std::ptrdiff_t(zero), '\n') + 1));
    const json root = parse(text, path);
    if (!root.is_object()) fail(path, "is not a JSON object with \"unit\", \"zones\" and \"lines\"");
    for (const auto& [key, value] : root.items())
        if (key != "unit" && key != "zones" && key != "lines")
            fail(path, fmt::format("has the key {}, which means nothing here; a file of zones has \"unit\", \"zones\" "
                                   "and \"lines\"",
                                   shown(key)));
    Zones out;
    out.path = path;
    out.unit = read_unit(root, path);
    std::set<std::string> names;
    out.zones = read_all(root, "zones", out.unit, path, read_zone, names);
    out.lines = read_all(root, "lines", out.unit, path, read_line, names);
    if (out.zones.empty() && out.lines.empty()) fail(path, "names no zone and no line; add one");
    return out;
}

Zones read_zones(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) fail(path, "cannot be opened");
    std::string text(kMostBytes + 1, '\0');
    file.read(text.data(), std::streamsize(text.size()));
    if (file.bad()) fail(path, "cannot be read");
    text.resize(std::size_t(file.gcount()));
    return parse_zones(text, path);
}

Zones in_pixels(Zones zones, int width, int height) {
    if (zones.unit == ZoneUnit::pixels) return zones;
    zones.unit = ZoneUnit::pixels;
    const auto scale = [&](Point& p) { p.x *= width, p.y *= height; };
    for (Zone& zone : zones.zones) std::for_each(zone.points.begin(), zone.points.end(), scale);
    for (Line& line : zones.lines) scale(line.from), scale(line.to);
    return zones;
}

std::vector<std::string> outside_frame(const Zones& zones, int width, int height) {
    std::vector<std::string> out;
    if (zones.unit == ZoneUnit::share) return out;
    const auto outside = [&](Point p) { return p.x < 0 || p.y < 0 || p.x > width || p.y > height; };
    const auto say = [&](const char* what, const std::string& name) {
        out.push_back(fmt::format("{}: {} \"{}\" leaves the frame of {} x {} pixels; was it drawn for another size?",
                                  zones.path, what, name, width, height));
    };
    for (const Zone& zone : zones.zones)
        if (std::any_of(zone.points.begin(), zone.points.end(), outside)) say("zone", zone.name);
    for (const Line& line : zones.lines)
        if (outside(line.from) || outside(line.to)) say("line", line.name);
    return out;
}

}  // namespace convoy::analysis
