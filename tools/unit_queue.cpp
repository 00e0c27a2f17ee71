// SPDX-License-Identifier: MIT
#include "tools/unit_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "tools/fleet/unit_files.h"

namespace convoy::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kSlice{100};  // how soon a wait sees that the run is to end
constexpr std::chrono::seconds kWithoutClaims{1};
constexpr std::size_t kUnitsNamed = 3;  // units in a sentence

}  // namespace

UnitQueue::UnitQueue(std::vector<WorkUnit> units, std::unique_ptr<fleet::Claims> claims, std::function<bool()> drains,
                     Tell tell)
    : claims_(std::move(claims)),
      drains_(std::move(drains)),
      tell_(std::move(tell)),
      began_s_(fleet::file_system_time_s(fleet::folder_of(units.front().records))) {
    for (WorkUnit& unit : units) {
        unit.place = waiting_.size() + 1;
        course_.all += unit.weight;
        waiting_.push_back(std::move(unit));
    }
    course_.ahead = course_.all;
    course_.units = waiting_.size();
}

std::optional<WorkUnit> UnitQueue::next(const std::stop_token& cancel) {
    const auto ends = [&] { return cancel.stop_requested() || (drains_ && drains_()); };
    for (;;) {
        std::optional<WorkUnit> unit;
        bool first = false;
        {
            const std::lock_guard lock(mutex_);
            if (ends()) return std::nullopt;
            if (!waiting_.empty()) {
                unit = std::move(waiting_.front());
                waiting_.pop_front();
                ++asked_;
                first = unit->place > come_to_;
                come_to_ = std::max(come_to_, unit->place);
            } else if (held_.empty() && asked_ == 0) {
                break;
            }
        }
        if (!unit) {
            wait(ends);
            continue;
        }
        const Turn turn = ask(*unit);
        const std::lock_guard lock(mutex_);
        --asked_;
        if (first) course_.ahead -= unit->weight;
        if (turn == Turn::mine) course_.own += unit->weight;
        // All machines take units in the same order. Which others were at when this one came is not done since then.
        if (first && had_one_ && (turn == Turn::others || turn == Turn::over_by_now)) course_.by_others += unit->weight;
        had_one_ = had_one_ || turn == Turn::mine;
        if (turn == Turn::mine) return unit;
        if (turn == Turn::others) held_.push_back(std::move(*unit));
    }
    if (ends_wait()) tell_("waits no longer: others have come to the end of the rest");
    return std::nullopt;
}

UnitQueue::Turn UnitQueue::ask(const WorkUnit& unit) {
    std::string why_again, from;
    if (is_over(unit, why_again)) {
        const double done_s = fleet::time_of_s(fleet::UnitFiles(unit.records).done).value_or(0);
        return done_s >= began_s_ ? Turn::over_by_now : Turn::over;
    }
    if (claims_) {
        if (!claims_->take(unit.name, &from)) return Turn::others;
        if (is_over(unit, why_again)) {  // its owner may have ended it just before
            release(unit);
            return Turn::over_by_now;
        }
    }
    const bool waited = ends_wait();
    if (!from.empty())
        tell_(fmt::format("{}: is taken over from {}, of which nothing was heard for {:.0f} s", unit.label, from,
                          claims_->timeout().count()));
    else if (waited)
        tell_(fmt::format("{}: waits no longer, for it is free", unit.label));
    if (!why_again.empty()) tell_(fmt::format("{}: is done again: {}", unit.label, why_again));
    return Turn::mine;
}

UnitQueue::Course UnitQueue::course() const {
    const std::lock_guard lock(mutex_);
    Course course = course_;
    course.ahead = std::max(course.ahead, 0.);  // but for rounding
    return course;
}

/// Whether it was waited.
bool UnitQueue::ends_wait() {
    const std::lock_guard lock(mutex_);
    return std::exchange(waits_, false);
}

/// Others hold what is left, and may die.
void UnitQueue::wait(const std::function<bool()>& ends) {
    if (claims_) tell_of_wait();
    const std::chrono::duration<double> pause = claims_ ? claims_->interval() : kWithoutClaims;
    for (const auto end = Clock::now() + pause; Clock::now() < end && !ends();) std::this_thread::sleep_for(kSlice);
    const std::lock_guard lock(mutex_);
    std::swap(waiting_, held_);
}

/// Once, and not of those who have just let go of theirs.
void UnitQueue::tell_of_wait() {
    std::vector<std::pair<std::string, std::string>> units;  // names and labels
    {
        const std::lock_guard lock(mutex_);
        if (waits_) return;
        for (const WorkUnit& unit : held_) units.emplace_back(unit.name, unit.label);
    }
    const double now_s = claims_->now_s();
    double most_s = 0;
    std::size_t count = 0;
    std::string named;
    for (const auto& [name, label] : units) {
        const std::optional<fleet::Claims::Holder> holder = claims_->holder(name);
        if (!holder) continue;
        const double silent_s = std::max(now_s - holder->touched_s, 0.);
        most_s = std::max(most_s, claims_->timeout().count() - silent_s);
        if (count++ < kUnitsNamed)
            named += fmt::format("{}{} ('{}', {}, last heard of {:.0f} s ago)", count > 1 ? ", " : "", name, label,
                                 holder->who, silent_s);
    }
    if (count == 0) return;
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(waits_, true)) return;
    }
    if (count > kUnitsNamed) named += fmt::format(" and {} more", count - kUnitsNamed);
    tell_(fmt::format(
        "waits for {} that {} claimed, since nothing else is left: {}; whoever has died is relieved "
        "in {:.0f} s at most (--claim-timeout)",
        count == 1 ? "a unit" : fmt::format("{} units", count), count == 1 ? "another run has" : "other runs have",
        named, std::ceil(most_s + claims_->interval().count())));
}

bool UnitQueue::is_over(const WorkUnit& unit, std::string& why) {
    const fleet::UnitFiles files(unit.records);
    why.clear();
    const bool done = fleet::is_done(files, unit.deciding, why);
    const bool failed = !done && fleet::time_of_s(files.failed).value_or(0) >= began_s_ &&
                        fleet::difference(fleet::read_json(files.failed), unit.deciding).empty();
    const std::lock_guard lock(mutex_);
    tally_.done += done, tally_.failed += failed;
    return done || failed;
}

void UnitQueue::release(const WorkUnit& unit) const {
    if (claims_) claims_->release(unit.name);
}

void UnitQueue::put_back(const WorkUnit& unit) {
    const std::lock_guard lock(mutex_);
    held_.push_back(unit);
}

UnitQueue::Tally UnitQueue::tally() const {
    const std::lock_guard lock(mutex_);
    Tally tally = tally_;
    tally.left += std::int64_t(waiting_.size());
    for (const WorkUnit& unit : held_) {  // by now somebody may have done it
        std::string why;
        ++(fleet::is_done(fleet::UnitFiles(unit.records), unit.deciding, why) ? tally.done : tally.left);
    }
    return tally;
}

}  // namespace convoy::tools
