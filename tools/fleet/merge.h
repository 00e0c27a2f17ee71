// SPDX-License-Identifier: MIT
//
// The units' records as those of one run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/fleet/manifest.h"

namespace convoy::fleet {

/// What was done by machines of one kind: a device, and kernels by name.
struct DoneBy {
    std::int64_t units = 0, frames = 0;
    double seconds = 0;
};

/// What the units of a manifest have come to.
struct Survey {
    struct UnitState {
        bool done = false;
        std::int64_t frames = 0, bytes = 0;
    };
    struct Failure {
        std::size_t unit = 0;
        std::string error;
    };

    std::vector<UnitState> units;      ///< by the manifest's order
    std::vector<std::string> missing;  ///< why a unit cannot be merged, a sentence each
    std::vector<Failure> failed;       ///< units that no machine can do
    std::int64_t frames = 0, damaged = 0;
    double seconds = 0;                                               ///< that machines have worked, in all
    std::map<std::pair<std::string, std::string>, DoneBy> by_device;  ///< by device and kernels
    std::map<std::string, DoneBy> by_host;
    std::size_t slowest = 0;  ///< unit; with
    double slowest_s = 0;
};

/// A unit for people: "000123 ('street.mp4', part 2/5)".
std::string called(const Manifest& manifest, std::size_t unit);

/// Looks at what is beside the records in `folder`, and at nothing of these but their size. Missing is what is not
/// done, was done by another manifest (of another content or part), or with other settings than most are.
Survey survey(const Manifest& manifest, const std::string& folder);

/// Hands on all records, in order, of inputs of which nothing has failed. Frames of a video's parts are numbered
/// through. Throws Error(input) where records are not those that were surveyed, or where a video should not have been
/// cut: since its time stamps are no guide, the whole would have other times.
void merge_records(const Manifest& manifest, const std::string& folder, const Survey& survey,
                   const std::function<void(std::string_view bytes)>& write);

}  // namespace convoy::fleet
