// SPDX-License-Identifier: MIT
#include "tools/analysis/zones.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <convoy/error.h>

namespace convoy::analysis {
namespace {

constexpr std::size_t kNamesShown = 10;

bool counts(const std::vector<int>& classes, int class_id) {
    return classes.empty() || std::find(classes.begin(), classes.end(), class_id) != classes.end();
}

/// The numbers of a subject's classes.
std::vector<int> class_ids(const Zones& zones, const ZoneSubject& subject, const std::vector<std::string>& names) {
    std::vector<int> out;
    for (const std::string& wanted : subject.classes) {
        const std::size_t before = out.size();
        for (std::size_t i = 0; i < names.size(); ++i)
            if (names[i] == wanted) out.push_back(int(i));
        if (out.size() > before) continue;
        std::string known;
        for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) known += (i ? ", " : "") + names[i];
        if (names.size() > kNamesShown) known += ", …";
        throw Error(ErrorKind::input,
                    fmt::format("{}: \"{}\" is to count the class \"{}\", which the model does not have; {}",
                                zones.path, subject.name, wanted,
                                names.empty() ? "give the classes' names with --names FILE" : "it has " + known));
    }
    return out;
}

void check(bool right, const char* name, double value, const char* range) {
    if (!right) throw Error(ErrorKind::usage, fmt::format("ZoneOptions::{} is {}; it must be {}", name, value, range));
}

void add_dwell(ZoneCounts& counts, double seconds) {
    counts.dwell_s += seconds;
    counts.longest_dwell_s = std::max(counts.longest_dwell_s, seconds);
}

ZoneTotals zeros(const Zones& zones) {
    return {std::vector<ZoneTotals::OfZone>(zones.zones.size()), std::vector<ZoneTotals::OfLine>(zones.lines.size())};
}

}  // namespace

ZoneCounter::ZoneCounter(Zones zones, std::vector<std::string> names, const ZoneOptions& options, Outputs outputs)
    : zones_(std::move(zones)), names_(std::move(names)), options_(options), outputs_(std::move(outputs)) {
    check(options.patience_s >= 0 && options.patience_s <= 3600, "patience_s", options.patience_s,
          "from 0 to 3600 seconds");
    check(options.margin >= 0 && options.margin <= 10, "margin", options.margin, "from 0 to 10");
    check(options.interval_s >= .001 && options.interval_s <= 1e9, "interval_s", options.interval_s,
          "from 0.001 to 1e9 seconds");
    for (const Zone& zone : zones_.zones) zone_classes_.push_back(class_ids(zones_, zone, names_));
    for (const Line& line : zones_.lines) line_classes_.push_back(class_ids(zones_, line, names_));
    state_ = {std::vector<std::int64_t>(zones_.zones.size()), std::vector<LineCounts>(zones_.lines.size())};
    ended_ = in_interval_ = zeros(zones_);
}

/// Where frames get another size, nobody has a place from before.
void ZoneCounter::set_size(int width, int height) {
    if (width == width_ && height == height_) return;
    width_ = width, height_ = height;
    drawn_ = in_pixels(zones_, width, height);
    for (auto& [track, thing] : things_) thing.has_place = false;
}

const ZoneState& ZoneCounter::update(const Result& result) {
    const double time_s = result.frame.time_s;
    if (std::isfinite(time_s)) now_s_ = begun_ ? std::max(now_s_, time_s) : time_s;
    const double interval = std::floor(now_s_ / options_.interval_s);
    if (begun_ && interval > interval_) write_rows();
    interval_ = interval, begun_ = true;

    set_size(result.frame.pixels.width, result.frame.pixels.height);
    for (const Detection& detection : result.detections)
        if (detection.track > 0) see(detection);
    end_visits();

    std::fill(state_.inside.begin(), state_.inside.end(), 0);
    for (const auto& [track, thing] : things_)
        for (std::size_t z = 0; z < thing.stays.size(); ++z) state_.inside[z] += thing.stays[z].inside;
    return state_;
}

void ZoneCounter::see(const Detection& detection) {
    Thing& thing = things_[detection.track];
    if (thing.stays.empty() && thing.passages.empty()) {
        thing.class_id = detection.class_id;
        thing.stays.resize(zones_.zones.size());
        thing.passages.resize(zones_.lines.size());
    }
    thing.seen_s = now_s_;
    // Sums of a box's floats may lie beyond the frame by a last bit.
    const Box& box = detection.box;
    const double x = std::clamp(box.x + box.w / 2., 0., double(width_));
    const Point bottom{x, std::clamp(double(box.y) + box.h, 0., double(height_))};
    const Point center{x, std::clamp(box.y + box.h / 2., 0., double(height_))};
    const auto pick = [](const ZoneSubject& subject, Point at_bottom, Point at_center) {
        return subject.anchor == ZoneAnchor::bottom ? at_bottom : at_center;
    };
    for (std::size_t z = 0; z < drawn_.zones.size(); ++z)
        if (counts(zone_classes_[z], thing.class_id))
            visit(detection.track, thing, z, pick(drawn_.zones[z], bottom, center));
    const double margin = options_.margin * (double(box.w) + box.h) / 2;
    for (std::size_t l = 0; l < drawn_.lines.size() && thing.has_place; ++l)
        if (counts(line_classes_[l], thing.class_id))
            pass(detection.track, thing, l, pick(drawn_.lines[l], thing.bottom, thing.center),
                 pick(drawn_.lines[l], bottom, center), margin);
    thing.bottom = bottom, thing.center = center, thing.has_place = true;
}

void ZoneCounter::visit(std::int64_t track, Thing& thing, std::size_t zone, Point now) {
    Stay& stay = thing.stays[zone];
    stay.inside = holds(drawn_.zones[zone].points, now);
    if (!stay.inside) return;
    if (!stay.open) {
        stay.open = true, stay.from_s = now_s_;
        for (ZoneTotals::OfZone* totals : {&ended_.zones[zone], &in_interval_.zones[zone]})
            ++totals->all.entries, ++totals->classes[thing.class_id].entries;
        if (outputs_.entry) outputs_.entry({zone, track, thing.class_id, now_s_, now_s_, false});
    }
    stay.to_s = now_s_;
}

/// A crossing counts at once, and the next one once the thing has been away from the line.
void ZoneCounter::pass(std::int64_t track, Thing& thing, std::size_t line, Point before, Point now, double margin) {
    const Line& it = drawn_.lines[line];
    Passage& passage = thing.passages[line];
    const Crossing crossed = crossing(before, now, it.from, it.to);
    const int step = crossed == Crossing::to_right ? 1 : crossed == Crossing::to_left ? -1 : 0;
    if (passage.counted)
        passage.since += step;
    else if (step != 0)
        count(track, thing.class_id, line, step), passage.counted = true;
    if (!passage.counted || distance_to_segment(now, it.from, it.to) < margin) return;
    count(track, thing.class_id, line, passage.since);
    passage = {};
}

void ZoneCounter::count(std::int64_t track, int class_id, std::size_t line, int crossings) {
    if (crossings == 0) return;
    const auto add = [&](LineCounts& counts) { (crossings > 0 ? counts.in : counts.out) += std::abs(crossings); };
    add(state_.lines[line]);
    for (ZoneTotals::OfLine* totals : {&ended_.lines[line], &in_interval_.lines[line]})
        add(totals->all), add(totals->classes[class_id]);
    for (int i = 0; outputs_.passage && i < std::abs(crossings); ++i)
        outputs_.passage({line, track, class_id, crossings > 0});
}

/// Ends the visits of who is away for too long, and forgets who is out of sight for that long.
void ZoneCounter::end_visits() {
    for (auto it = things_.begin(); it != things_.end();) {
        auto& [track, thing] = *it;
        for (std::size_t z = 0; z < thing.stays.size(); ++z)
            if (thing.stays[z].open && now_s_ - thing.stays[z].to_s > options_.patience_s) close(track, thing, z);
        it = now_s_ - thing.seen_s > options_.patience_s ? things_.erase(it) : std::next(it);
    }
}

void ZoneCounter::close(std::int64_t track, Thing& thing, std::size_t zone) {
    const Stay& stay = thing.stays[zone];
    add_dwell(ended_.zones[zone].all, stay.to_s - stay.from_s);
    add_dwell(ended_.zones[zone].classes[thing.class_id], stay.to_s - stay.from_s);
    if (outputs_.visit) outputs_.visit({zone, track, thing.class_id, stay.from_s, stay.to_s, true});
    thing.stays[zone] = {};
}

void ZoneCounter::finish() {
    if (begun_) write_rows();
    if (outputs_.visit)
        for (const Visit& visit : open_visits()) outputs_.visit(visit);
}

std::vector<Visit> ZoneCounter::open_visits() const {
    std::vector<Visit> out;
    for (std::size_t z = 0; z < zones_.zones.size(); ++z)
        for (const auto& [track, thing] : things_)
            if (const Stay& stay = thing.stays[z]; stay.open)
                out.push_back({z, track, thing.class_id, stay.from_s, stay.to_s, false});
    return out;
}

ZoneTotals ZoneCounter::totals() const {
    ZoneTotals out = ended_;
    for (const Visit& visit : open_visits())
        for (ZoneCounts* counts : {&out.zones[visit.zone].all, &out.zones[visit.zone].classes[visit.class_id]}) {
            counts->inside += things_.at(visit.track).stays[visit.zone].inside;
            add_dwell(*counts, visit.to_s - visit.from_s);
        }
    return out;
}

/// The rows of the interval that has ended.
void ZoneCounter::write_rows() {
    if (outputs_.row) {
        for (const Visit& visit : open_visits())
            if (things_.at(visit.track).stays[visit.zone].inside) {
                ++in_interval_.zones[visit.zone].all.inside;
                ++in_interval_.zones[visit.zone].classes[visit.class_id].inside;
            }
        const double time_s = interval_ * options_.interval_s;
        const auto write = [&](bool of_line, std::size_t index, int class_id, const ZoneCounts& zone,
                               const LineCounts& line) {
            outputs_.row({time_s, of_line, index, class_id, zone, line});
        };
        for (std::size_t z = 0; z < zones_.zones.size(); ++z) {
            write(false, z, CountRow::kAllClasses, in_interval_.zones[z].all, {});
            for (const auto& [id, counts] : in_interval_.zones[z].classes) write(false, z, id, counts, {});
        }
        for (std::size_t l = 0; l < zones_.lines.size(); ++l) {
            write(true, l, CountRow::kAllClasses, {}, in_interval_.lines[l].all);
            for (const auto& [id, counts] : in_interval_.lines[l].classes) write(true, l, id, {}, counts);
        }
    }
    in_interval_ = zeros(zones_);
}

}  // namespace convoy::analysis
