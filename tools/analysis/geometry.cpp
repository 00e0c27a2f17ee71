// SPDX-License-Identifier: MIT
#include "tools/analysis/geometry.h"

#include <algorithm>
#include <cmath>

namespace convoy::analysis {
namespace {

/// Whether p, which lies on the line of a and b, lies between them.
bool between(Point p, Point a, Point b) {
    return std::min(a.x, b.x) <= p.x && p.x <= std::max(a.x, b.x) && std::min(a.y, b.y) <= p.y &&
           p.y <= std::max(a.y, b.y);
}

int sign(double value) { return (value > 0) - (value < 0); }

}  // namespace

double turn(Point a, Point b, Point c) { return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x); }

bool segments_touch(Point a, Point b, Point c, Point d) {
    const int ca = sign(turn(c, d, a)), cb = sign(turn(c, d, b)), ac = sign(turn(a, b, c)), ad = sign(turn(a, b, d));
    if (ca != cb && ac != ad) return true;
    return (ca == 0 && between(a, c, d)) || (cb == 0 && between(b, c, d)) || (ac == 0 && between(c, a, b)) ||
           (ad == 0 && between(d, a, b));
}

double distance_to_segment(Point p, Point a, Point b) {
    const double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
    const double along = length2 > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0., 1.) : 0;
    return std::hypot(p.x - a.x - along * dx, p.y - a.y - along * dy);
}

double signed_area(std::span<const Point> polygon) {
    double sum = 0;
    for (std::size_t i = 1; i + 1 < polygon.size(); ++i) sum += turn(polygon[0], polygon[i], polygon[i + 1]);
    return sum;
}

bool holds(std::span<const Point> polygon, Point p) {
    bool inside = false;
    for (std::size_t i = 0, before = polygon.size() - 1; i < polygon.size(); before = i++) {
        Point a = polygon[before], b = polygon[i];
        if (a.y > b.y) std::swap(a, b);  // an edge that two polygons share is the same to both
        const double side = turn(a, b, p);
        if (side == 0 && between(p, a, b)) return true;
        // A ray from p to the right meets what begins above it or at its height, ends below it, and has p to its left.
        if (a.y <= p.y && p.y < b.y && side > 0) inside = !inside;
    }
    return inside;
}

Crossing crossing(Point before, Point after, Point from, Point to) {
    const bool was_right = turn(from, to, before) >= 0, is_right = turn(from, to, after) >= 0;
    if (was_right == is_right) return Crossing::none;
    if (sign(turn(before, after, from)) * sign(turn(before, after, to)) > 0) return Crossing::none;
    return is_right ? Crossing::to_right : Crossing::to_left;
}

}  // namespace convoy::analysis
