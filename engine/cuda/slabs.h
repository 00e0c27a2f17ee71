// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

namespace convoy {

/// Which bytes of a few large pieces of memory are in use: pieces of any size, the first that fits. Knows no memory, so
/// that whoever has it decides what it is.
class Slabs {
public:
    static constexpr std::size_t kAlignment = 256;  ///< of all places

    struct Place {
        std::size_t slab = 0, offset = 0, bytes = 0;
    };
    /// Nothing where no slab has room: add_slab() then.
    std::optional<Place> take(std::size_t bytes);
    void put_back(const Place& place);
    /// Its number: 0, 1, …, or that of one that was removed.
    std::size_t add_slab(std::size_t bytes);
    /// Forgets the slabs of which nothing is in use, and returns their numbers.
    std::vector<std::size_t> remove_unused();

    std::size_t bytes() const { return bytes_; }  ///< of all slabs
    static std::size_t aligned(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

private:
    struct Slab {
        std::size_t bytes = 0;                    // 0: removed
        std::map<std::size_t, std::size_t> free;  // bytes by offset; neighbours are joined
    };
    std::vector<Slab> slabs_;
    std::size_t bytes_ = 0;
};

}  // namespace convoy
