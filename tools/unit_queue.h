// SPDX-License-Identifier: MIT
//
// Which unit of a run is the next: of all that it has, or of those that no other machine has claimed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <convoy/media/input.h>
#include "tools/fleet/claims.h"

namespace convoy::tools {

struct WorkUnit {
    std::string name;              ///< "000123": of its claim
    std::string label, location;   ///< the input as records call it, and what is opened
    media::InputOptions options;   ///< its part's times included
    std::string records;           ///< file
    std::string refusal = {};      ///< why it cannot be read, where that is known
    double weight = 1;             ///< how much of the work it is: seconds of video, or bytes; of all units the same
    nlohmann::json deciding = {};  ///< what decides the result: of the unit alone, or all
    std::size_t place = 0;         ///< in the queue, from 1 on, which the queue says
};

/// Units in their order, each of them once. From any threads, and each may wait in next().
class UnitQueue {
public:
    using Tell = std::function<void(const std::string& sentence)>;
    /// Of one unit or more. `claims`: null where all are this run's. `drains`: whether nothing new is to be begun.
    /// `tell` is told what is done again, whose claim is taken over, and for what is waited.
    UnitQueue(std::vector<WorkUnit> units, std::unique_ptr<fleet::Claims> claims, std::function<bool()> drains,
              Tell tell);

    /// This run's from now on. Nothing when all is done, or is not to be begun any more. Waits for what others hold
    /// when nothing else is left, since they may die. Throws Error(output) where claims cannot be written.
    std::optional<WorkUnit> next(const std::stop_token& cancel);
    /// Whether it is so still, by what stands in the claims' folder now.
    bool holds(const WorkUnit& unit) const { return !claims_ || claims_->holds(unit.name); }
    /// It has come to its end here, whatever that is.
    void release(const WorkUnit& unit) const;
    /// Another machine has taken it over.
    void put_back(const WorkUnit& unit);

    /// How far all machines that have this queue have come, as far as one can see that looks at each unit once.
    struct Course {
        double all = 0;        ///< weight of all units
        double ahead = 0;      ///< of those that nobody has, or that were not come to
        double own = 0;        ///< of those that this run has had from next()
        double by_others = 0;  ///< of those that others were seen to do or have done since this run had its first
        std::size_t units = 0;
    };
    Course course() const;

    bool has_claims() const { return claims_ != nullptr; }
    /// Of units that this run has not had: those that were done, those that have failed since it began, all others.
    struct Tally {
        std::int64_t done = 0, failed = 0, left = 0;
    };
    Tally tally() const;

private:
    enum class Turn { mine, others, over_by_now, over };
    Turn ask(const WorkUnit& unit);
    bool is_over(const WorkUnit& unit, std::string& why);
    void wait(const std::function<bool()>& ends);
    void tell_of_wait();
    bool ends_wait();

    const std::unique_ptr<fleet::Claims> claims_;
    const std::function<bool()> drains_;
    const Tell tell_;
    const double began_s_;      // by the records' file system
    mutable std::mutex mutex_;  // of what follows
    std::deque<WorkUnit> waiting_;
    std::deque<WorkUnit> held_;  // by others, when they were asked for
    bool waits_ = false;         // for these, and has said so
    int asked_ = 0;              // units in neither, while it is seen whose they are
    Tally tally_;
    Course course_;
    std::size_t come_to_ = 0;  // the place of the last unit that was asked for
    bool had_one_ = false;     // that is this run's
};

}  // namespace convoy::tools
