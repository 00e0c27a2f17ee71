// SPDX-License-Identifier: MIT
//
// Things that walk through zones and over lines, counted by hand.
#include <cmath>
#include <nlohmann/json.hpp>

#include <convoy/error.h>
#include "tests/support/catch.h"
#include "tests/tools/child.h"
#include "tools/analysis/zone_text.h"
#include "tools/analysis/zones.h"

using namespace convoy;
using namespace convoy::analysis;

namespace {

/// A square from 100 to 200, and a line from left to right at y = 300: downwards is in.
constexpr const char* kZones = R"({"unit": "pixels",
    "zones": [{"name": "square", "points": [[100, 100], [200, 100], [200, 200], [100, 200]]}],
    "lines": [{"name": "door", "points": [[100, 300], [200, 300]]}]})";

/// A thing of 20 × 40 pixels that stands at x, y.
Detection at(std::int64_t track, float x, float y, int class_id = 0) {
    return {class_id, .9f, {x - 10, y - 40, 20, 40}, track};
}

/// A counter of 500 × 400 frames, ten a second, and what came out of it.
struct Street {
    explicit Street(const std::string& zones = kZones, const ZoneOptions& options = {},
                    const std::vector<std::string>& names = {"person", "dog, small"})
        : counter(parse_zones(zones, "zones.json"), names, options,
                  {[this](const CountRow& row) { rows += counts_csv_line(counter, row); },
                   [this](const Visit& visit) { visits += visits_csv_line(counter, visit); }}) {}
    const ZoneState& frame(const std::vector<Detection>& detections, double seconds = .1) {
        result.detections = detections;
        result.frame.pixels.width = 500, result.frame.pixels.height = 400;
        result.frame.time_s += seconds;
        return counter.update(result);
    }
    /// Where one thing stands, frame by frame.
    const ZoneState& walk(std::int64_t track, const std::vector<Point>& way) {
        const ZoneState* state = nullptr;
        for (const Point& p : way) state = &frame({at(track, float(p.x), float(p.y))});
        return *state;
    }
    std::string rows, visits;
    Result result;
    ZoneCounter counter;
};

void check_crossings(const std::vector<Point>& way, std::int64_t in, std::int64_t out) {
    Street street;
    const ZoneState& state = street.walk(1, way);
    CHECK(state.lines[0].in == in);
    CHECK(state.lines[0].out == out);
}

/// A zone's totals after the last frame.
void check_zone(const Street& street, std::int64_t inside, std::int64_t entries, double dwell_s) {
    const ZoneCounts all = street.counter.totals().zones[0].all;
    CHECK(all.inside == inside);
    CHECK(all.entries == entries);
    CHECK(all.dwell_s == Approx(dwell_s).margin(1e-9));
}

}  // namespace

TEST_CASE("a thing enters a zone, stays, and leaves") {
    Street street;
    CHECK(street.walk(1, {{50, 150}, {90, 150}}).inside[0] == 0);
    CHECK(street.walk(1, {{110, 150}, {130, 150}, {150, 150}}).inside[0] == 1);  // .3 to .5 s
    check_zone(street, 1, 1, .2);
    CHECK(street.walk(1, {{210, 150}}).inside[0] == 0);  // at once, though its visit may go on
    check_zone(street, 0, 1, .2);
    CHECK(street.visits.empty());
    for (int i = 0; i < 12; ++i) street.walk(1, {{220, 150}});
    CHECK(street.visits == "square,1,person,0.300,0.500,0.200,yes\n");
    check_zone(street, 0, 1, .2);
    street.counter.finish();
    CHECK(street.visits == "square,1,person,0.300,0.500,0.200,yes\n");
}

TEST_CASE("detections without a track are not counted, and who begins inside is") {
    Street street;
    CHECK(street.frame({at(0, 150, 150), at(7, 150, 160)}).inside[0] == 1);
    check_zone(street, 1, 1, 0);
}

TEST_CASE("who flickers on a zone's edge, or is not seen for a while, is on one visit") {
    Street street;
    street.walk(1, {{90, 150}});
    for (int i = 0; i < 20; ++i) street.walk(1, {{99, 150}, {101, 150}});
    check_zone(street, 1, 1, 3.8);
    for (int i = 0; i < 9; ++i) CHECK(street.frame({}).inside[0] == 1);  // hidden: where it was
    CHECK(street.walk(1, {{120, 150}}).inside[0] == 1);
    check_zone(street, 1, 1, 4.8);
    for (int i = 0; i < 11; ++i) street.frame({});
    check_zone(street, 0, 1, 4.8);  // gone
    CHECK(street.visits == "square,1,person,0.300,5.100,4.800,yes\n");
    CHECK(street.walk(1, {{120, 150}}).inside[0] == 1);  // another visit
    check_zone(street, 1, 2, 4.8);
}

TEST_CASE("frames that are far apart break no visit, a track that ends does") {
    Street street;
    for (int i = 0; i < 5; ++i) street.frame({at(1, 150, 150)}, 5);
    check_zone(street, 1, 1, 20);
    street.frame({at(2, 150, 150)}, 5);
    check_zone(street, 1, 2, 20);
    street.counter.finish();
    CHECK(street.visits == "square,1,person,5.000,25.000,20.000,yes\nsquare,2,person,30.000,30.000,0.000,no\n");
}

TEST_CASE("edges and corners belong to a zone; the frame's lower edge is no way out") {
    for (const Point p : {Point{100, 100}, {200, 200}, {100, 150}, {150, 200}}) {
        Street street;
        CHECK(street.walk(1, {p}).inside[0] == 1);
    }
    // A box whose lower edge is, by a last bit of a float, beneath the frame.
    Street whole(R"({"unit": "share", "zones": [{"name": "all", "points": [[0, 0], [1, 0], [1, 1], [0, 1]]}]})");
    CHECK(whole.frame({{0, .9f, {490, 399.9f, 20, .2f}, 1}}).inside[0] == 1);
}

TEST_CASE("a concave zone, shares, the centre as anchor, and classes by name") {
    Street street(R"({"unit": "share", "zones": [
        {"name": "u", "points": [[0, 0], [0.3, 0], [0.3, 0.7], [0.7, 0.7], [0.7, 0], [1, 0], [1, 1], [0, 1]]},
        {"name": "top", "points": [[0, 0], [1, 0], [1, 0.5], [0, 0.5]], "anchor": "center"},
        {"name": "dogs", "points": [[0, 0], [1, 0], [1, 1], [0, 1]], "classes": ["dog, small"]}]})");
    const auto inside = [&](std::vector<Detection> detections) { return street.frame(detections).inside; };
    using Counts = std::vector<std::int64_t>;
    CHECK(inside({at(1, 250, 200)}) == Counts{0, 1, 0});  // the notch; its centre at 180 of 400
    CHECK(inside({at(1, 50, 219)}) == Counts{1, 1, 0});
    CHECK(inside({at(1, 50, 221)}) == Counts{1, 0, 0});
    CHECK(inside({at(1, 250, 300), at(2, 250, 100, 1), at(3, 0, 0, 1)}) == Counts{2, 2, 2});
}

TEST_CASE("a line is crossed in either direction, once each way") {
    check_crossings({{150, 250}, {150, 290}, {150, 310}, {150, 350}}, 1, 0);
    check_crossings({{150, 350}, {150, 310}, {150, 290}, {150, 250}}, 0, 1);
    check_crossings({{150, 250}, {150, 350}, {150, 250}, {150, 350}}, 2, 1);
    check_crossings({{150, 250}, {190, 350}, {250, 350}, {250, 250}, {150, 250}, {150, 350}}, 2, 0);  // around its end
    check_crossings({{50, 250}, {50, 350}}, 0, 0);                                                    // past it
    check_crossings({{150, 310}, {150, 350}}, 0, 0);  // begins behind it
    check_crossings({{150, 310}, {150, 290}}, 0, 1);  // begins near it
    check_crossings({{100, 250}, {100, 350}}, 1, 0);  // through its ends
    check_crossings({{200, 250}, {200, 350}}, 1, 0);
    check_crossings({{201, 250}, {201, 350}}, 0, 0);
    check_crossings({{150, 250}, {150, 300}, {150, 350}}, 1, 0);  // stands on it
    check_crossings({{150, 250}, {150, 300}, {150, 250}}, 1, 1);
    check_crossings({{150, 350}, {150, 300}, {150, 350}}, 0, 0);
    check_crossings({{50, 300}, {250, 300}, {250, 350}}, 0, 0);  // along it
}

TEST_CASE("who trembles on a line crosses it once") {
    std::vector<Point> way = {{150, 280}};
    for (int i = 0; i < 50; ++i) way.insert(way.end(), {{150, 301}, {150, 299}});
    check_crossings(way, 1, 0);  // nearer to it than 3 pixels, a tenth of the box
    way.push_back({150, 320});
    check_crossings(way, 1, 0);
    way.back() = {150, 280};  // and goes back
    check_crossings(way, 1, 1);
    way.insert(way.end(), {{150, 320}, {150, 280}});
    check_crossings(way, 2, 2);
}

TEST_CASE("a line is crossed by who was hidden on it, not by who is another") {
    Street street;
    street.walk(1, {{150, 280}});
    for (int i = 0; i < 9; ++i) street.frame({});
    CHECK(street.walk(1, {{150, 320}}).lines[0].in == 1);
    CHECK(street.walk(2, {{150, 280}}).lines[0].out == 0);
    for (int i = 0; i < 12; ++i) street.frame({});
    CHECK(street.walk(2, {{150, 320}}).lines[0].in == 1);  // forgotten: its way is not known
    // Frames of another size: where it was means nothing there.
    street.walk(3, {{150, 280}});
    street.result.detections = {at(3, 150, 320)};
    street.result.frame.pixels.width = 1000;
    CHECK(street.counter.update(street.result).lines[0].in == 1);
}

TEST_CASE("rows of intervals, by hand") {
    Street street;
    // Of the seconds 0, 1 and 4; a frame each half second, from .5 on.
    street.frame({at(1, 150, 150)}, .5);
    street.frame({at(1, 150, 150), at(2, 150, 250, 1)}, .5);
    street.frame({at(1, 150, 350), at(2, 150, 350, 1)}, .5);
    street.frame({at(2, 150, 250, 1)}, 2.5);
    street.counter.finish();
    CHECK(counts_csv_header() + street.rows == R"(time_s,kind,name,class,inside,entries,in,out
0.000,zone,square,,1,1,,
0.000,zone,square,person,1,1,,
0.000,line,door,,,,0,0
1.000,zone,square,,0,0,,
1.000,line,door,,,,2,0
1.000,line,door,person,,,1,0
1.000,line,door,"dog, small",,,1,0
4.000,zone,square,,0,0,,
4.000,line,door,,,,0,1
4.000,line,door,"dog, small",,,0,1
)");
    CHECK(visits_csv_header() + street.visits ==
          "zone,track,class,from_s,to_s,dwell_s,left\nsquare,1,person,0.500,1.000,0.500,yes\n");
    CHECK(nlohmann::json::parse(totals_json(street.counter)) == nlohmann::json::parse(R"({
        "zones": [{"name": "square", "inside": 0, "entries": 1, "mean_dwell_s": 0.5, "longest_dwell_s": 0.5,
            "classes": [{"class_id": 0, "class": "person", "inside": 0, "entries": 1, "mean_dwell_s": 0.5,
                         "longest_dwell_s": 0.5}]}],
        "lines": [{"name": "door", "in": 2, "out": 1, "classes": [
            {"class_id": 0, "class": "person", "in": 1, "out": 0},
            {"class_id": 1, "class": "dog, small", "in": 1, "out": 1}]}]})"));
}

TEST_CASE("names with bytes that are no UTF-8 make rows that are") {
    Street street(kZones, {}, {"p\xff\"q"});
    street.frame({at(1, 150, 150)});
    street.counter.finish();
    CHECK(street.rows.find("0.000,zone,square,\"p\xef\xbf\xbd\"\"q\",1,1,,\n") != std::string::npos);
    CHECK(street.visits == "square,1,\"p\xef\xbf\xbd\"\"q\",0.100,0.100,0.000,no\n");
}

TEST_CASE("times that stand still, run back or are none do no harm") {
    Street street;
    street.frame({at(1, 150, 150)}, 10);
    street.frame({at(1, 150, 150)}, -5);
    street.frame({at(1, 150, 150)}, NAN);
    street.result.frame.time_s = 12;
    street.frame({at(1, 150, 150)}, 0);
    check_zone(street, 1, 1, 2);
    street.counter.finish();
    CHECK(street.rows.substr(0, 20) == "10.000,zone,square,,");
    ZoneCounter unused(parse_zones(kZones, "zones.json"), {});
    unused.finish();
    CHECK(unused.totals().zones[0].all.entries == 0);
    CHECK(unused.open_visits().empty());
}

TEST_CASE("classes that the model lacks, and options out of range, are refused") {
    const auto complaint = [](const std::vector<std::string>& names, const ZoneOptions& options = {}) -> std::string {
        try {
            Street street(R"({"unit": "pixels", "lines": [{"name": "door", "points": [[1, 3], [2, 3]],
                              "classes": ["persn"]}]})",
                          options, names);
        } catch (const Error& error) {
            return error.what();
        }
        return "";
    };
    CHECK(complaint({"person", "car"}) ==
          "zones.json: \"door\" is to count the class \"persn\", which the model does not have; it has person, car");
    CHECK(complaint(std::vector<std::string>(80, "x")).find("x, …") != std::string::npos);
    CHECK(complaint({}).find("--names FILE") != std::string::npos);
    CHECK(complaint({"car", "persn", "persn"}).empty());
    CHECK(complaint({"persn"}, {.interval_s = 0}).find("ZoneOptions::interval_s is 0") != std::string::npos);
    CHECK(complaint({"persn"}, {.patience_s = NAN}).find("::patience_s") != std::string::npos);
    CHECK(complaint({"persn"}, {.margin = -1}).find("::margin") != std::string::npos);
}
