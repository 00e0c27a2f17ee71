// SPDX-License-Identifier: MIT
#include "tools/analysis/zone_text.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/analysis/text.h"

namespace convoy::analysis {
namespace {

using nlohmann::ordered_json;

std::string class_name(const ZoneCounter& counter, int id) {
    const auto& names = counter.names();
    return std::size_t(id) < names.size() ? names[std::size_t(id)] : fmt::format("{}", id);
}

double to_milliseconds(double seconds) { return std::round(seconds * 1000) / 1000; }

ordered_json json_of(const ZoneCounts& counts) {
    return {{"inside", counts.inside},
            {"entries", counts.entries},
            {"mean_dwell_s", to_milliseconds(counts.entries > 0 ? counts.dwell_s / double(counts.entries) : 0)},
            {"longest_dwell_s", to_milliseconds(counts.longest_dwell_s)}};
}

ordered_json json_of(const LineCounts& counts) { return {{"in", counts.in}, {"out", counts.out}}; }

template <typename Subjects, typename Totals>
ordered_json json_of(const ZoneCounter& counter, const Subjects& subjects, const Totals& totals) {
    ordered_json out = ordered_json::array();
    for (std::size_t i = 0; i < subjects.size(); ++i) {
        ordered_json one = {{"name", subjects[i].name}};
        one.update(json_of(totals[i].all));
        one["classes"] = ordered_json::array();
        for (const auto& [id, counts] : totals[i].classes) {
            one["classes"].push_back({{"class_id", id}, {"class", class_name(counter, id)}});
            one["classes"].back().update(json_of(counts));
        }
        out.push_back(std::move(one));
    }
    return out;
}

}  // namespace

std::string counts_csv_header() { return "time_s,kind,name,class,inside,entries,in,out\n"; }

std::string counts_csv_line(const ZoneCounter& counter, const CountRow& row) {
    const std::string& name =
        row.of_line ? counter.zones().lines[row.index].name : counter.zones().zones[row.index].name;
    const std::string of_class = row.class_id == CountRow::kAllClasses ? "" : class_name(counter, row.class_id);
    const std::string counts = row.of_line ? fmt::format(",,{},{}", row.line.in, row.line.out)
                                           : fmt::format("{},{},,", row.zone.inside, row.zone.entries);
    return fmt::format("{:.3f},{},{},{},{}\n", row.time_s, row.of_line ? "line" : "zone", csv_field(name),
                       csv_field(of_class), counts);
}

std::string visits_csv_header() { return "zone,track,class,from_s,to_s,dwell_s,left\n"; }

std::string visits_csv_line(const ZoneCounter& counter, const Visit& visit) {
    return fmt::format("{},{},{},{:.3f},{:.3f},{:.3f},{}\n", csv_field(counter.zones().zones[visit.zone].name),
                       visit.track, csv_field(class_name(counter, visit.class_id)), visit.from_s, visit.to_s,
                       visit.to_s - visit.from_s, visit.left ? "yes" : "no");
}

std::string totals_json(const ZoneCounter& counter) {
    const ZoneTotals totals = counter.totals();
    const ordered_json out = {{"zones", json_of(counter, counter.zones().zones, totals.zones)},
                              {"lines", json_of(counter, counter.zones().lines, totals.lines)}};
    return out.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace convoy::analysis
