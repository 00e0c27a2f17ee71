// SPDX-License-Identifier: MIT
#include "engine/run/tiles.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "engine/run/box_overlap.h"

namespace convoy {
namespace {

constexpr float kNearBorder = .1f;   // of a box's length
constexpr float kMostOutside = .5f;  // of a cut box, outside of the one that it is a part of
constexpr float kMostAround = 1.2f;  // times what two parts cover

struct Span {
    int begin, end;
};

// Begins are even, and spans never leave a gap: each ends where the next would begin without rounding, or behind it.
std::vector<Span> spans(int count, float overlap, int length) {
    const double tile = length / (count - (count - 1) * double(overlap)), step = tile * (1 - double(overlap));
    std::vector<Span> out;
    for (int i = 0; i < count; ++i) {
        const int end = i + 1 == count ? length : std::min(length, int(std::ceil(i * step + tile)));
        out.push_back({int(i * step) / 2 * 2, end});
    }
    return out;
}

enum Side : unsigned { left = 1, top = 2, right = 4, bottom = 8 };

// One box, or several that are the same thing.
struct Thing {
    Detection detection;
    int area;      // that it was found in; -1: several
    unsigned cut;  // sides
};

using Things = std::vector<Thing>;  // from the most confident on

unsigned cut_sides(const Box& box, const Area& area, int width, int height) {
    const float near_x = kNearBorder * box.w, near_y = kNearBorder * box.h;
    unsigned cut = 0;
    if (area.x > 0 && box.x < near_x) cut |= left;
    if (area.y > 0 && box.y < near_y) cut |= top;
    if (area.x + area.width < width && box.x + box.w + near_x > float(area.width)) cut |= right;
    if (area.y + area.height < height && box.y + box.h + near_y > float(area.height)) cut |= bottom;
    return cut;
}

// In the frame's pixels; those that are never the same thing apart.
std::map<int, Things> list_things(const DetectOptions& options, const std::vector<Area>& areas,
                                  const std::vector<std::vector<Detection>>& found) {
    int width = 0, height = 0;
    for (const Area& area : areas)
        width = std::max(width, area.x + area.width), height = std::max(height, area.y + area.height);
    std::map<int, Things> groups;
    for (std::size_t i = 0; i < areas.size(); ++i)
        for (Detection d : found[i]) {
            const unsigned cut = cut_sides(d.box, areas[i], width, height);
            d.box.x += float(areas[i].x), d.box.y += float(areas[i].y);
            groups[options.nms_across_classes ? 0 : d.class_id].push_back({d, int(i), cut});
        }
    return groups;
}

float area_of(const Box& box) { return box.w * box.h; }

Box around(const Box& a, const Box& b) {
    const float x = std::min(a.x, b.x), y = std::min(a.y, b.y);
    return {x, y, std::max(a.x + a.w, b.x + b.w) - x, std::max(a.y + a.h, b.y + b.h) - y};
}

// Whether `a` goes on in `b`, to the right of it or below it.
bool goes_on(const Thing& a, const Thing& b) {
    const Box &p = a.detection.box, &q = b.detection.box;
    return (a.cut & right && b.cut & left && p.x < q.x && p.x + p.w < q.x + q.w) ||
           (a.cut & bottom && b.cut & top && p.y < q.y && p.y + p.h < q.y + q.h);
}

bool are_same(const Thing& a, const Thing& b, float nms) {
    if (a.area == b.area && a.area >= 0) return false;
    const Box &p = a.detection.box, &q = b.detection.box;
    const float shared = intersection(p, q), covered = area_of(p) + area_of(q) - shared;
    if (shared > nms * covered) return true;
    if (a.cut && shared > kMostOutside * area_of(p)) return true;
    if (b.cut && shared > kMostOutside * area_of(q)) return true;
    return (goes_on(a, b) || goes_on(b, a)) && area_of(around(p, q)) <= kMostAround * covered;
}

// A side of both together is cut where that of the box which reaches farther is.
unsigned cut_together(const Thing& a, const Thing& b) {
    const Box &p = a.detection.box, &q = b.detection.box;
    const auto of = [&](Side side, float a_reaches, float b_reaches) {
        const unsigned cut = a_reaches > b_reaches ? a.cut : b_reaches > a_reaches ? b.cut : a.cut & b.cut;
        return cut & side;
    };
    return of(left, -p.x, -q.x) | of(top, -p.y, -q.y) | of(right, p.x + p.w, q.x + q.w) |
           of(bottom, p.y + p.h, q.y + q.h);
}

void absorb(Thing& thing, const Thing& weaker) {
    if (thing.area != weaker.area) thing.area = -1;
    if (!thing.cut) return;
    Box& box = thing.detection.box;
    const unsigned cut = weaker.cut ? cut_together(thing, weaker) : 0;
    box = weaker.cut ? around(box, weaker.detection.box) : weaker.detection.box;
    thing.cut = cut;
}

// Each goes to the strongest that it is the same as. Those that grow may then be the same as others.
bool join(Things& things, float nms, const std::atomic<bool>& stop) {
    for (std::size_t before = things.size() + 1; things.size() < before;) {
        before = things.size();
        Things kept;
        for (const Thing& thing : things) {
            if (stop) return false;
            const auto same =
                std::find_if(kept.begin(), kept.end(), [&](const Thing& k) { return are_same(k, thing, nms); });
            if (same == kept.end())
                kept.push_back(thing);
            else
                absorb(*same, thing);
        }
        things = std::move(kept);
    }
    return true;
}

}  // namespace

std::vector<Area> tile_areas(const TileOptions& tiles, int width, int height) {
    const Area whole{0, 0, width, height};
    if (tiles.count() == 1) return {whole};
    std::vector<Area> areas;
    for (const Span& down : spans(tiles.rows, tiles.overlap, height))
        for (const Span& across : spans(tiles.columns, tiles.overlap, width))
            areas.push_back({across.begin, down.begin, across.end - across.begin, down.end - down.begin});
    if (tiles.whole) areas.push_back(whole);
    return areas;
}

std::optional<std::vector<Detection>> join_tiles(const DetectOptions& options, const std::vector<Area>& areas,
                                                 const std::vector<std::vector<Detection>>& found,
                                                 const std::atomic<bool>& stop) {
    const auto is_stronger = [](const auto& a, const auto& b) { return a.confidence > b.confidence; };
    std::vector<Detection> out;
    for (auto& [group, things] : list_things(options, areas, found)) {
        std::stable_sort(things.begin(), things.end(),
                         [&](const Thing& a, const Thing& b) { return is_stronger(a.detection, b.detection); });
        if (!join(things, options.nms, stop)) return std::nullopt;
        std::transform(things.begin(), things.end(), std::back_inserter(out),
                       [](const Thing& thing) { return thing.detection; });
    }
    std::stable_sort(out.begin(), out.end(), is_stronger);
    return out;
}

}  // namespace convoy
