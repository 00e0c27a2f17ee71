// SPDX-License-Identifier: MIT
//
// The list of work that machines share: one unit a line, in the order in which results are put together again. The file
// is described in docs/fleet.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace convoy::fleet {

/// A picture, a video, or one of the parts of a long video.
struct Unit {
    std::string input;                          ///< as it stands in the manifest: a path or an address
    int part = 1, parts = 1;                    ///< of the input; from 1
    double start_s = 0;                         ///< as --start has it; 0: the input's begin
    double stop_s = 0;                          ///< as --stop has it; 0: the input's end
    double seconds = 0;                         ///< what is decoded, by which shards are made equal
    std::int64_t bytes = 0;                     ///< of the whole input; 0 where an address does not tell
    std::optional<std::int64_t> mtime_ns = {};  ///< of a file, since 1970
    std::string key = {};                       ///< content_key() of the input

    bool operator==(const Unit&) const = default;
};

struct Manifest {
    std::filesystem::path folder;  ///< from which relative paths count
    std::vector<Unit> units;       ///< inputs in order, and the parts of each in order

    /// What to open: an address as it is, a path from wherever the program runs.
    std::string location(const Unit& unit) const;
};

/// "000123": by which the files of a unit's results are called.
std::string unit_name(std::size_t index);

/// As the lines of a file; read_manifest() reads the same units back, every number exactly.
std::string manifest_text(const std::vector<Unit>& units);

/// Throws Error(input) that names the file, the line and what is wrong there. What it returns is consistent: units are
/// counted without a gap, and parts of an input follow each other and meet.
Manifest read_manifest(const std::string& path);

}  // namespace convoy::fleet
