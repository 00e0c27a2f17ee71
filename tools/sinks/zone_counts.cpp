// SPDX-License-Identifier: MIT
#include "tools/sinks/zone_counts.h"

#include <fmt/core.h>

namespace convoy::tools {

std::vector<media::Outline> zone_outlines(const analysis::Zones& zones, const Result& result) {
    const analysis::ZoneState* const counts = zone_counts_of(result);
    const PixelView& frame = result.frame.pixels;
    const analysis::Zones drawn = analysis::in_pixels(zones, frame.width, frame.height);
    std::vector<media::Outline> outlines;
    const auto add = [&](std::string label, bool closed) -> std::vector<media::Outline::Point>& {
        return outlines.emplace_back(media::Outline{{}, closed, std::move(label)}).points;
    };
    for (std::size_t i = 0; i < drawn.zones.size(); ++i) {
        const std::string& name = drawn.zones[i].name;
        auto& points = add(counts ? fmt::format("{}: {}", name, counts->inside[i]) : name, true);
        for (const analysis::Point& p : drawn.zones[i].points) points.push_back({float(p.x), float(p.y)});
    }
    for (std::size_t i = 0; i < drawn.lines.size(); ++i) {
        const analysis::Line& line = drawn.lines[i];
        auto& points = add(
            counts ? fmt::format("{}: {} in, {} out", line.name, counts->lines[i].in, counts->lines[i].out) : line.name,
            false);
        for (const analysis::Point& p : {line.from, line.to}) points.push_back({float(p.x), float(p.y)});
    }
    return outlines;
}

}  // namespace convoy::tools
