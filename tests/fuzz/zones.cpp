// SPDX-License-Identifier: MIT
//
// Any bytes as a file of zones and, behind a zero, as boxes that walk through them: what is read keeps to its rules and
// can be counted in, whatever walks there.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include <convoy/error.h>
#include "tests/fuzz/input.h"
#include "tools/analysis/zone_text.h"
#include "tools/analysis/zones.h"

namespace {

using namespace convoy;
using namespace convoy::analysis;
using fuzz::require;

void check(const Zones& zones) {
    require(!zones.zones.empty() || !zones.lines.empty());
    std::set<std::string> names;
    const auto check_point = [&](Point p) {
        const double least = zones.unit == ZoneUnit::share ? 0 : -1e6, most = zones.unit == ZoneUnit::share ? 1 : 1e6;
        require(p.x >= least && p.x <= most && p.y >= least && p.y <= most);
    };
    for (const Zone& zone : zones.zones) {
        require(!zone.name.empty() && names.insert(zone.name).second && zone.points.size() >= 3);
        std::for_each(zone.points.begin(), zone.points.end(), check_point);
        for (const Point p : zone.points) require(holds(zone.points, p));
    }
    for (const Line& line : zones.lines) {
        require(!line.name.empty() && names.insert(line.name).second && !(line.from == line.to));
        check_point(line.from), check_point(line.to);
    }
}

/// Frames of up to three boxes each.
void walk(ZoneCounter& counter, fuzz::Bytes& bytes) {
    Result result;
    result.frame.pixels.width = 640, result.frame.pixels.height = 480;
    while (!bytes.empty()) {
        result.frame.time_s += double(bytes.number()) / 64;
        result.detections.clear();
        for (unsigned n = bytes.number() % 4; n > 0; --n) {
            const auto part = [&](unsigned most) { return float(bytes.number()) * float(most) / 255; };
            const int track = int(bytes.number() % 8), class_id = track % 3;
            result.detections.push_back({class_id, .5f, {part(640), part(480), part(200), part(200)}, track});
        }
        const ZoneState& state = counter.update(result);
        for (const std::int64_t inside : state.inside) require(inside >= 0 && inside < 8);
    }
    counter.finish();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Bytes bytes(data, size);
    const std::string text = bytes.text();
    try {
        const Zones zones = parse_zones(text, "zones.json");
        check(zones);
        check(in_pixels(zones, 1, 1));
        outside_frame(zones, 640, 480);
        std::int64_t entries = 0, visits = 0, rows = 0, in = 0, begun = 0, passed = 0;
        ZoneCounter counter(zones, {"person", "car"}, {},
                            {[&](const CountRow& row) {
                                 if (row.class_id != CountRow::kAllClasses) return;
                                 rows += row.zone.entries, in += row.line.in;
                                 require(counts_csv_line(counter, row).ends_with("\n"));
                             },
                             [&](const Visit& visit) {
                                 ++visits;
                                 require(visit.to_s >= visit.from_s && visit.track > 0);
                                 require(visits_csv_line(counter, visit).ends_with("\n"));
                             },
                             [&](const Visit&) { ++begun; }, [&](const LinePassage&) { ++passed; }});
        walk(counter, bytes);
        // What came out row by row is what there was in all.
        const ZoneTotals totals = counter.totals();
        for (const auto& zone : totals.zones) entries += zone.all.entries;
        for (const auto& line : totals.lines) in -= line.all.in, passed -= line.all.in + line.all.out;
        require(entries == visits && entries == rows && entries == begun && in == 0 && passed == 0);
        require(nlohmann::json::parse(totals_json(counter))["zones"].size() == zones.zones.size());
    } catch (const Error& error) {  // says what is wrong with it, not at length
        require(std::string_view(error.what()).size() < 2000);
    }
    return 0;
}
