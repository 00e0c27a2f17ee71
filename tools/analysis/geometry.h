// SPDX-License-Identifier: MIT
//
// Points, polygons and segments in a plane whose y grows downwards, as in pictures.
#pragma once

#include <span>

namespace convoy::analysis {

struct Point {
    double x = 0, y = 0;
    bool operator==(const Point&) const = default;
};

/// Twice the area of the triangle: more than 0 where c lies to the right of who looks from a to b, 0 on their line.
double turn(Point a, Point b, Point c);
/// Whether the segments have a point in common, their ends included.
bool segments_touch(Point a, Point b, Point c, Point d);
double distance_to_segment(Point p, Point a, Point b);

/// Twice the area; of a polygon whose points go clockwise in the picture more than 0.
double signed_area(std::span<const Point> polygon);
/// Whether the point lies in the polygon (even-odd rule) or on its edge.
bool holds(std::span<const Point> polygon, Point p);

enum class Crossing { none, to_right, to_left };
/// Whether the way from `before` to `after` crosses the segment, and to which side of who stands at `from` and looks to
/// `to`. What lies on the line itself counts as its right side, and both ends belong to the segment.
Crossing crossing(Point before, Point after, Point from, Point to);

}  // namespace convoy::analysis
