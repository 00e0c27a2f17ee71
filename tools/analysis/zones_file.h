// SPDX-License-Identifier: MIT
//
// What --zones FILE names: polygons and lines in the picture. docs/zones.md describes the file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/analysis/geometry.h"

namespace convoy::analysis {

/// What the points of a file count in.
enum class ZoneUnit {
    pixels,  ///< of the frame, from its top left corner
    share,   ///< of the frame's width and height, 0 to 1
};

/// The point of a box that says where its thing is.
enum class ZoneAnchor {
    bottom,  ///< the middle of the lower edge: where a person stands
    center,
};

/// What zones and lines have in common: a name, unique in the file, and whose boxes count.
struct ZoneSubject {
    std::string name;
    std::vector<std::string> classes;  ///< by name; empty: all
    ZoneAnchor anchor = ZoneAnchor::bottom;
};

struct Zone : ZoneSubject {
    std::vector<Point> points;  ///< a simple polygon of three points or more
};

struct Line : ZoneSubject {
    Point from, to;  ///< different points; "in" is who goes to the right of who stands at `from` and looks to `to`
};

struct Zones {
    std::string path;  ///< for what is said about it
    ZoneUnit unit = ZoneUnit::pixels;
    std::vector<Zone> zones;
    std::vector<Line> lines;  ///< not both are empty
};

/// Throws Error(input) with the file and the place in it: the line and column of what is no JSON, the name of the zone
/// or line that is not right, and what to do.
Zones read_zones(const std::string& path);
/// The same of what stands in the file called `path`.
Zones parse_zones(std::string_view text, const std::string& path);

/// The same zones with their points in pixels of such a frame.
Zones in_pixels(Zones zones, int width, int height);

/// A sentence for every zone and line of which a point lies outside of such a frame, for people to see: that is
/// allowed, but where it was not meant, the points are those of another size.
std::vector<std::string> outside_frame(const Zones& zones, int width, int height);

}  // namespace convoy::analysis
