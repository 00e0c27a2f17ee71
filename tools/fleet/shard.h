// SPDX-License-Identifier: MIT
//
// Which units of a manifest are one machine's, where each gets a fixed share.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tools/fleet/manifest.h"

namespace convoy::fleet {

struct Shard {
    int number = 1, count = 1;  ///< from 1 on
    bool operator==(const Shard&) const = default;
};

/// As std::getenv().
using Environment = std::function<const char*(const char* name)>;

/// "2/8": the second of eight; "auto": what a scheduler says in the environment (docs/fleet.md has which). Throws
/// Error(usage) that says what is wrong or missing.
Shard parse_shard(const std::string& text, const Environment& environment);

/// The units of each shard, as indices in order. By the manifest alone, so that all machines reckon the same: the
/// longest goes first to whoever has the least to do.
std::vector<std::size_t> units_of(std::span<const Unit> units, const Shard& shard);

}  // namespace convoy::fleet
