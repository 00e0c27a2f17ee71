// SPDX-License-Identifier: MIT
#include "engine/cuda/slabs.h"

#include <algorithm>
#include <iterator>

namespace convoy {

std::optional<Slabs::Place> Slabs::take(std::size_t bytes) {
    const std::size_t wanted = aligned(bytes);
    for (std::size_t number = 0; number < slabs_.size(); ++number) {
        auto& free = slabs_[number].free;
        const auto fits = std::find_if(free.begin(), free.end(), [&](const auto& gap) { return gap.second >= wanted; });
        if (fits == free.end()) continue;
        const Place place{number, fits->first, wanted};
        auto gap = free.extract(fits);  // its node is used again: nothing here can fail
        if (gap.mapped() > wanted) {
            gap.key() += wanted;
            gap.mapped() -= wanted;
            free.insert(std::move(gap));
        }
        return place;
    }
    return std::nullopt;
}

void Slabs::put_back(const Place& place) {
    auto& free = slabs_[place.slab].free;
    auto gap = free.emplace(place.offset, place.bytes).first;
    const auto next = std::next(gap);
    if (next != free.end() && gap->first + gap->second == next->first) {
        gap->second += next->second;
        free.erase(next);
    }
    if (gap == free.begin()) return;
    const auto before = std::prev(gap);
    if (before->first + before->second != gap->first) return;
    before->second += gap->second;
    free.erase(gap);
}

std::size_t Slabs::add_slab(std::size_t bytes) {
    auto slab = std::find_if(slabs_.begin(), slabs_.end(), [](const Slab& s) { return s.bytes == 0; });
    if (slab == slabs_.end()) slab = slabs_.insert(slab, Slab());
    slab->free.emplace(0, bytes);
    slab->bytes = bytes;
    bytes_ += bytes;
    return std::size_t(slab - slabs_.begin());
}

std::vector<std::size_t> Slabs::remove_unused() {
    std::vector<std::size_t> removed;
    for (std::size_t number = 0; number < slabs_.size(); ++number) {
        Slab& slab = slabs_[number];
        if (slab.bytes == 0 || slab.free.empty() || slab.free.begin()->second != slab.bytes) continue;
        removed.push_back(number);
        bytes_ -= slab.bytes;
        slab = {};
    }
    return removed;
}

}  // namespace convoy
