// SPDX-License-Identifier: MIT
//
// Files of zones: what is read, and what is wrong said in a way that helps.
#include <convoy/error.h>
#include "tests/support/catch.h"
#include "tests/support/complaint.h"
#include "tests/tools/child.h"
#include "tools/analysis/zones_file.h"

using namespace convoy;
using namespace convoy::analysis;
using test::complaint;

namespace {

constexpr const char* kFile = R"({
  "unit": "pixels",
  "zones": [
    {"name": "court", "points": [[0, 0], [100, 0], [100, 50], [0, 50]], "classes": ["person", "dog"]},
    {"name": "Tür", "points": [[0, 0], [-10.5, 20], [30, 40]], "anchor": "center"}
  ],
  "lines": [{"name": "door", "points": [[10, 20], [30, 20]]}]
})";

std::string complaint_of(const std::string& text) {
    return complaint([&] { parse_zones(text, "zones.json"); });
}

/// What is said of a file with this one zone, or this one line.
std::string of_zone(const std::string& zone, const std::string& unit = "pixels") {
    return complaint_of("{\"unit\": \"" + unit + "\", \"zones\": [" + zone + "]}");
}
std::string of_line(const std::string& line) { return complaint_of(R"({"unit": "pixels", "lines": [)" + line + "]}"); }
std::string of_points(const std::string& points, const std::string& unit = "pixels") {
    return of_zone(R"({"name": "a", "points": )" + points + "}", unit);
}

void check_says(const std::string& text, const std::string& part) {
    INFO("'" << part << "' in: " << text);
    CHECK(text.find(part) != std::string::npos);
    CHECK(text.rfind("zones.json: ", 0) == 0);
    CHECK(text.size() < 400);
}

}  // namespace

TEST_CASE("a file of zones is read as it stands") {
    const test::TemporaryFolder folder;
    test::write_file(folder / "zones.json", kFile);
    const Zones zones = read_zones(folder / "zones.json");
    CHECK(zones.path == folder / "zones.json");
    CHECK(zones.unit == ZoneUnit::pixels);
    REQUIRE(zones.zones.size() == 2);
    CHECK(zones.zones[0].name == "court");
    CHECK(zones.zones[0].points == std::vector<Point>{{0, 0}, {100, 0}, {100, 50}, {0, 50}});
    CHECK(zones.zones[0].classes == std::vector<std::string>{"person", "dog"});
    CHECK(zones.zones[0].anchor == ZoneAnchor::bottom);
    CHECK(zones.zones[1].name == "Tür");
    CHECK(zones.zones[1].points[1] == Point{-10.5, 20});
    CHECK(zones.zones[1].anchor == ZoneAnchor::center);
    CHECK(zones.zones[1].classes.empty());
    REQUIRE(zones.lines.size() == 1);
    CHECK((zones.lines[0].from == Point{10, 20} && zones.lines[0].to == Point{30, 20}));
}

TEST_CASE("the example of docs/zones.md is a file of zones") {
    const std::string page = test::read_file(test::source_file("docs/zones.md"));
    const auto begin = page.find("```json\n") + 8, end = page.find("```", begin);
    const Zones zones = parse_zones(page.substr(begin, end - begin), "zones.md");
    CHECK(zones.zones.size() == 2);
    CHECK(zones.lines.size() == 1);
}

TEST_CASE("the file of zones for the demo clip is one, and fits it") {
    const Zones zones = read_zones(test::source_file("docs/examples/street.json"));
    CHECK((zones.zones.size() == 1 && zones.lines.size() == 1));
    CHECK(outside_frame(zones, 768, 576).empty());
}

TEST_CASE("shares become pixels, and points out of a frame are said") {
    Zones zones = parse_zones(R"({"unit": "share", "zones": [{"name": "a", "points": [[0, 0], [1, 0], [0.5, 1]]}],
                               "lines": [{"name": "b", "points": [[0.25, 0.5], [0, 1]]}]})",
                              "zones.json");
    CHECK(outside_frame(zones, 10, 10).empty());
    zones = in_pixels(zones, 200, 80);
    CHECK(zones.unit == ZoneUnit::pixels);
    CHECK(zones.zones[0].points == std::vector<Point>{{0, 0}, {200, 0}, {100, 80}});
    CHECK((zones.lines[0].from == Point{50, 40} && zones.lines[0].to == Point{0, 80}));
    CHECK(in_pixels(zones, 7, 7).lines[0].from == Point{50, 40});
    CHECK(outside_frame(zones, 200, 80).empty());
    CHECK(outside_frame(zones, 199, 80) ==
          std::vector<std::string>{
              "zones.json: zone \"a\" leaves the frame of 199 x 80 pixels; was it drawn for another size?"});
    CHECK(outside_frame(zones, 200, 79).size() == 2);
    CHECK(outside_frame(parse_zones(kFile, "zones.json"), 1000, 1000).size() == 1);  // a point at -10.5
}

TEST_CASE("what is no file of zones is refused with its place") {
    check_says(complaint_of("{\"unit\":\n \"pixels\" \"zones\": []}"),
               "not valid JSON: parse error at line 2, column 17");
    check_says(complaint_of(""), "not valid JSON");
    check_says(complaint_of("{\"unit\": \"\xff\"}"), "not valid JSON");
    check_says(complaint_of("{\"unit\": NaN}"), "not valid JSON");
    check_says(complaint_of(kFile + std::string("\0, \"zones\": []}", 15)), "has a zero byte in line 8");
    check_says(of_points("[[1e999, 0], [1, 0], [1, 1]]"), "not valid JSON");
    check_says(of_points("[[Infinity, 0], [1, 0], [1, 1]]"), "not valid JSON");
    check_says(complaint_of("[]"), "is not a JSON object");
    check_says(complaint_of("{}"), "needs \"unit\"");
    check_says(complaint_of(R"({"unit": "metres", "zones": []})"), "needs \"unit\"");
    check_says(complaint_of(R"({"unit": 3, "zones": []})"), "needs \"unit\"");
    check_says(complaint_of(R"({"unit": "pixels", "zones": []})"), "names no zone and no line");
    check_says(complaint_of(R"({"unit": "pixels", "zone": []})"), "has the key \"zone\"");
    check_says(complaint_of(R"({"unit": "pixels", "zones": {}})"), "has no list as \"zones\"");
    check_says(complaint_of(R"({"unit": "pixels", "zones": [], "zones": []})"), "has the key \"zones\" twice");
    check_says(complaint_of(std::string(300000, '[')), "is nested deeper than 6");
    check_says(of_points(std::string(300000, '[') + std::string(300000, ']')), "is nested deeper than 6");
    check_says(complaint_of(std::string((1 << 20) + 1, ' ')), "is longer than 1 MiB");
    check_says(complaint_of("{\"" + std::string(5000, 'x') + "\": 1}"), "xx…");
    const std::string many = [] {
        std::string out = R"({"name": "0", "points": []})";
        for (int i = 0; i < 1000; ++i) out += ",{}";
        return out;
    }();
    check_says(of_zone(many), "has 1001 \"zones\"");
    CHECK(complaint([] { read_zones("/nonexistent/zones.json"); }) == "/nonexistent/zones.json: cannot be opened");
    CHECK(complaint([] { read_zones("/"); }).rfind("/: ", 0) == 0);
}

TEST_CASE("what is wrong with a zone is said with its name") {
    check_says(of_zone("3"), "zones[0] is not an object");
    check_says(of_zone(R"({"points": []})"), "zones[0] has no \"name\"; add it");
    check_says(of_zone(R"({"name": 7})"), "zones[0] has no text as \"name\"");
    check_says(of_zone(R"({"name": ""})"), "zones[0] has a name of 0 bytes");
    check_says(of_zone(R"({"name": ")" + std::string(101, 'x') + "\"}"), "zones[0] has a name of 101 bytes");
    check_says(of_zone("{\"name\": \"a\\u001bb\"}"), "zones[0] has a control character in \"name\"");
    check_says(of_zone(R"({"name": "a"})"), "zones[0] \"a\" has no \"points\"; add it");
    check_says(of_zone(R"({"name": "a", "color": 1})"), "has the key \"color\"");
    check_says(of_zone(R"({"name": "a", "anchor": "top"})"), "zones[0] \"a\" has \"top\" as \"anchor\"");
    check_says(of_zone(R"({"name": "a", "anchor": 1})"), "zones[0] \"a\" has no text as \"anchor\"");
    check_says(of_zone(R"({"name": "a", "classes": "person"})"), "has no list of names as \"classes\"");
    check_says(of_zone(R"({"name": "a", "classes": []})"), "has no list of names as \"classes\"");
    check_says(of_zone(R"({"name": "a", "classes": [1]})"), "has no text as \"classes\"");
    check_says(of_zone(R"({"name": "a", "classes": ["x", "y", "x"]})"), "names the class \"x\" twice");
    const std::string good = R"({"name": "a", "points": [[0, 0], [9, 0], [9, 9]]})";
    check_says(of_zone(good + "," + good), "zones[1] \"a\" has a name that another");
    check_says(complaint_of(R"({"unit": "pixels", "zones": [)" + good +
                            R"(], "lines": [{"name": "a", "points": [[0, 0], [1, 1]]}]})"),
               "lines[0] \"a\" has a name that another");
}

TEST_CASE("broken geometry is refused") {
    check_says(of_points("{}"), "zones[0] \"a\" has no list of points");
    check_says(of_points("[[0, 0], [1, 1]]"), "zones[0] \"a\" has 2 points; a zone needs at least 3");
    check_says(of_points("[[0, 0], [1], [1, 1]]"), "has a point 2 that is not [x, y]");
    check_says(of_points("[[0, 0], [1, null], [1, 1]]"), "has a point 2 that is not [x, y]");
    check_says(of_points("[[0, 0], [1, 0], [1, 1, 1]]"), "has a point 3 that is not [x, y]");
    check_says(of_points("[[0, 0], [1e7, 0], [1, 1]]"), "point 2; a pixel is at most");
    check_says(of_points("[[0, 0], [1.5, 0], [1, 1]]", "share"), "has [1.5, 0] as point 2; shares");
    check_says(of_points("[[0, 0], [1, 0], [1, -0.1]]", "share"), "for pixels, set \"unit\" to \"pixels\"");
    check_says(of_points("[[0, 0], [5, 0], [10, 0]]"), "has no area");
    check_says(of_points("[[0, 0], [9, 0], [9, 0], [0, 9]]"), "the same point as its points 2 and 3");
    check_says(of_points("[[0, 0], [9, 0], [9, 9], [0, 0]]"), "points 4 and 1; leave one out: a zone closes by itself");
    // A bow tie; an edge that runs back over the one before; a corner on a far edge; two corners at one place.
    check_says(of_points("[[0, 0], [9, 9], [9, 0], [0, 9]]"), "its edge from point 1 to 2 meets the one from 3 to 4");
    check_says(of_points("[[0, 0], [9, 0], [4, 0], [4, 9]]"), "crosses or touches itself");
    check_says(of_points("[[0, 0], [9, 0], [9, 9], [5, 0], [0, 9]]"), "crosses or touches itself");
    check_says(of_points("[[0, 0], [9, 0], [5, 5], [9, 9], [0, 9], [5, 5]]"), "crosses or touches itself");
    check_says(of_points("[[0, 0], [9, 0], [9, 9], [20, 0]]"), "crosses or touches itself");  // the last edge back
    std::string many = "[0, 0]";
    for (int i = 0; i < 1000; ++i) many += ",[1, 1]";
    check_says(of_points("[" + many + "]"), "has 1001 points; 1000 is the most");
    CHECK(of_points("[[0, 0], [4, 0], [9, 0], [9, 9]]") == "nothing was thrown");  // a corner of 180 degrees
    CHECK(of_points("[[0, 0], [9, 0], [9, 9], [5, 1], [0, 9]]") == "nothing was thrown");
    check_says(of_line(R"({"name": "a", "points": [[0, 0]]})"), "lines[0] \"a\" has 1 points; a line needs 2");
    check_says(of_line(R"({"name": "a", "points": [[0, 0], [1, 1], [2, 1]]})"), "make several lines");
    check_says(of_line(R"({"name": "a", "points": [[3, 4], [3, 4]]})"), "has the same point twice");
}
