// SPDX-License-Identifier: MIT
//
// What only a row of frames tells: which things are the same, and how many are where.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <convoy/run.h>
#include "tools/analysis/tracker.h"
#include "tools/analysis/zones.h"

namespace convoy::tools {

/// For RunObserver::in_order(): gives detections their tracks and, with zones, results their counts (zone_counts_of()).
class Follower {
public:
    /// `zones` may be null. Throws Error(input) for zones that name a class which the model does not have.
    Follower(std::shared_ptr<const analysis::Zones> zones, const std::vector<std::string>& class_names);

    /// From one thread at a time, an input's frames in order.
    void see(int input, const InputInfo& info, Result& result);
    /// From any thread, when nothing more of the input comes.
    void end_input(int input);

private:
    struct OfInput {
        explicit OfInput(const analysis::TrackerOptions& options) : tracker(options) {}
        analysis::Tracker tracker;
        std::optional<analysis::ZoneCounter> counter;
    };

    std::shared_ptr<OfInput> state_of(int input, const InputInfo& info);

    const std::shared_ptr<const analysis::Zones> zones_;
    const std::vector<std::string> class_names_;
    std::mutex mutex_;
    std::map<int, std::shared_ptr<OfInput>> inputs_;  // of those that go on
};

/// "door 3 in, 5 out; crossing 2 inside"
std::string counts_text(const analysis::Zones& zones, const analysis::ZoneState& state);

}  // namespace convoy::tools
