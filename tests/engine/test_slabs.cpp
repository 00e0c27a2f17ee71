// SPDX-License-Identifier: MIT
#include "engine/cuda/slabs.h"

#include <random>

#include "tests/support/catch.h"

using namespace convoy;
using Place = Slabs::Place;

namespace {

constexpr std::size_t kUnit = Slabs::kAlignment;

bool overlap(const Place& a, const Place& b) {
    return a.slab == b.slab && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

}  // namespace

TEST_CASE("slabs give out what fits, and take it back whole", "[slabs]") {
    Slabs slabs;
    CHECK_FALSE(slabs.take(1));
    CHECK(slabs.add_slab(10 * kUnit) == 0);
    const Place a = *slabs.take(4 * kUnit), b = *slabs.take(4 * kUnit - 1), c = *slabs.take(2 * kUnit);
    CHECK((a.offset == 0 && b.offset == 4 * kUnit && c.offset == 8 * kUnit));
    CHECK_FALSE(slabs.take(1));
    slabs.put_back(a);
    slabs.put_back(c);
    CHECK_FALSE(slabs.take(5 * kUnit));
    slabs.put_back(b);  // joins both neighbours
    const Place all = *slabs.take(10 * kUnit);
    CHECK(slabs.remove_unused().empty());
    slabs.put_back(all);
    CHECK(slabs.remove_unused() == std::vector<std::size_t>{0});
    CHECK(slabs.bytes() == 0);
    CHECK_FALSE(slabs.take(1));
    CHECK(slabs.add_slab(kUnit) == 0);  // its number is used again
    CHECK(slabs.add_slab(3 * kUnit) == 1);
    CHECK(slabs.take(2 * kUnit)->slab == 1);
    CHECK(slabs.remove_unused() == std::vector<std::size_t>{0});
}

TEST_CASE("places never overlap, and all comes back, whatever the order", "[slabs]") {
    std::minstd_rand random(3);
    Slabs slabs;
    std::vector<std::size_t> sizes;  // of the slabs
    std::vector<Place> held;
    for (int step = 0; step < 20000; ++step) {
        if (random() % 2 == 0 || held.empty()) {
            const std::size_t bytes = 1 + random() % (9 * kUnit);
            std::optional<Place> place = slabs.take(bytes);
            if (!place && held.size() > 60) continue;
            if (!place) {
                REQUIRE(slabs.add_slab(64 * kUnit) == sizes.size());
                sizes.push_back(64 * kUnit);
                place = slabs.take(bytes);
                REQUIRE(place);
            }
            REQUIRE(place->bytes >= bytes);
            REQUIRE(place->offset % kUnit == 0);
            REQUIRE(place->offset + place->bytes <= sizes[place->slab]);
            for (const Place& other : held) REQUIRE_FALSE(overlap(*place, other));
            held.push_back(*place);
        } else {
            std::swap(held[random() % held.size()], held.back());
            slabs.put_back(held.back());
            held.pop_back();
        }
    }
    for (const Place& place : held) slabs.put_back(place);
    CHECK(slabs.remove_unused().size() == sizes.size());
}
