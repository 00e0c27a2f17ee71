// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>

#include <convoy/stage_stats.h>
#include <convoy/trace.h>

namespace convoy {

/// Times its own lifetime for a stage's statistics and, where there is one, for the trace.
class StageScope {
public:
    explicit StageScope(StageClock& clock) : clock_(clock) {}
    /// `track` of `group` is the thread's; all names must outlive the scope.
    StageScope(StageClock& clock, Trace* trace, const std::string& group, const std::string& track, const char* name)
        : clock_(clock), trace_(trace), group_(&group), track_(&track), name_(name) {}
    ~StageScope() {
        const auto stop = StageClock::Clock::now();
        if (counts_) clock_.add(stop - start_);
        if (trace_) trace_->add(*group_, *track_, name_, start_, stop);
    }
    /// Nothing came of it: it is in the trace alone.
    void leave_out() { counts_ = false; }
    StageScope(const StageScope&) = delete;
    StageScope& operator=(const StageScope&) = delete;

private:
    StageClock& clock_;
    Trace* trace_ = nullptr;
    const std::string *group_ = nullptr, *track_ = nullptr;
    const char* name_ = nullptr;
    bool counts_ = true;
    const StageClock::Clock::time_point start_ = StageClock::Clock::now();
};

/// Notes its own lifetime in a trace, where there is one: what happens once, such as a step of a start.
class TraceScope {
public:
    TraceScope(Trace* trace, std::string group, std::string track, std::string name)
        : trace_(trace), group_(std::move(group)), track_(std::move(track)), name_(std::move(name)) {}
    ~TraceScope() {
        if (trace_) trace_->add(group_, track_, name_, start_, Trace::Clock::now());
    }
    TraceScope(const TraceScope&) = delete;
    TraceScope& operator=(const TraceScope&) = delete;

private:
    Trace* const trace_;
    const std::string group_, track_, name_;
    const Trace::Clock::time_point start_ = Trace::Clock::now();
};

}  // namespace convoy
