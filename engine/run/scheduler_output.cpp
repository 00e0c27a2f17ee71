// SPDX-License-Identifier: MIT
//
// A run's results, in order, to its observer.
#include <cstdio>
#include <string>
#include <utility>

#include "engine/run/scheduler.h"

namespace convoy {
namespace {

using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::chrono::milliseconds kLook{20};  // how often the stop flag is looked at

/// "" where nothing is to be said.
std::string sentence_of_still(const Timeline::Steps& steps) {
    if (steps.still == 0) return {};
    char text[200];
    std::snprintf(text, sizeof text,
                  "time stamps stand still for %lld frame%s, first at frame %lld, where the video goes on at its usual "
                  "rate",
                  static_cast<long long>(steps.still), steps.still == 1 ? "" : "s",
                  static_cast<long long>(steps.first_still));
    return text;
}

std::string sentence_of(const Timeline::Steps& steps) {
    if (steps.count == 0) return {};
    char text[200];
    std::snprintf(text, sizeof text,
                  "time stamps jump %lld time%s, first by %.1f s at frame %lld, where the video goes on as if they did "
                  "not",
                  static_cast<long long>(steps.count), steps.count == 1 ? "" : "s", steps.first_s,
                  static_cast<long long>(steps.first_frame));
    return text;
}

std::string sentence_of(const MissingFrames& missing) {
    const auto frames = static_cast<long long>(missing.frames()), places = static_cast<long long>(missing.places());
    if (frames == 0) return {};
    char text[200];
    std::snprintf(text, sizeof text, "by the time stamps %lld frame%s %s missing%s behind frame %lld", frames,
                  frames == 1 ? "" : "s", frames == 1 ? "is" : "are",
                  places == 1 ? "," : (" in " + std::to_string(places) + " places, the first").c_str(),
                  static_cast<long long>(missing.first_frame()));
    return text;
}

void append(const std::string& sentence, std::string& remark) {
    if (!sentence.empty()) remark += (remark.empty() ? "" : "; ") + sentence;
}

}  // namespace

void Scheduler::consume() {
    while (feeding_ || inputs_ended_ < inputs_) {
        if (stop_ && !stopping_) begin_stop();
        {
            const std::lock_guard lock(mutex_);
            if (error_) return;
        }
        const bool all_there = stopping_ && settled();
        std::optional<ReorderBuffer<PendingResult>::Item> item =
            output_.next(all_there ? Clock::time_point{} : Clock::now() + kLook);
        if (item)
            take_item(std::move(*item));
        else if (all_there)
            return end_what_was_stopped();
    }
}

// Inputs that the stop found between two segments.
void Scheduler::end_what_was_stopped() {
    for (auto& [lane, open] : open_rows_) {
        if (cut_lanes_.contains(lane)) continue;
        open.row->end_now();
        observer_.work_done(open.input->index, open.row->work());
    }
    while (!progress_.empty()) {
        Progress& progress = progress_.begin()->second;
        cut_lanes_.insert(progress.input->lane);
        take_input_end(progress);
    }
}

void Scheduler::take_item(ReorderBuffer<PendingResult>::Item item) {
    std::shared_ptr<RunUnit> unit;
    std::shared_ptr<WorkRow> row;
    std::shared_ptr<OpenInput> input;
    {
        const std::lock_guard lock(mutex_);
        if (const auto found = units_.find(item.unit); found != units_.end()) {
            unit = found->second;
            if (!item.value) units_.erase(found);
        } else if (const auto end = row_ends_.find(item.unit); end != row_ends_.end()) {
            row = std::move(end->second.row), input = end->second.input;
            row_ends_.erase(end);
        } else {
            const auto last = input_ends_.find(item.unit);
            input = std::move(last->second);
            input_ends_.erase(last);
        }
    }
    if (!item.value) look_again_for_pixels();
    const int lane = unit ? unit->input->lane : input->lane;
    if (cut_lanes_.contains(lane)) return;
    if (unit && item.value) {
        take_result(*unit, std::move(*item.value));
    } else if (unit) {
        take_unit_end(*unit);
    } else if (row) {
        static const std::string group = "host", track = "output";
        const StageScope timed(output_clock_, options_.trace, group, track, "work");
        observer_.work_done(input->index, row->work());
    } else {
        take_input_end(progress_of(input));
    }
}

Scheduler::Progress& Scheduler::progress_of(const std::shared_ptr<OpenInput>& input) {
    Progress& progress = progress_[input->index];
    progress.input = input;
    if (progress.timeline || !input->input) return progress;
    const InputInfo& info = input->input->info();
    progress.timeline.emplace(info);
    observer_.begin_input(input->index, info);
    return progress;
}

void Scheduler::take_result(RunUnit& unit, PendingResult pending) {
    static const std::string group = "host", track = "output";
    const Clock::duration waited = Clock::now() - pending.at;
    reorder_clock_.add(waited);
    const StageScope timed(output_clock_, options_.trace, group, track, "result");
    Result& result = pending.result;
    Progress& progress = progress_of(unit.input);
    progress.timeline->number(result.frame, unit.first_stamp_s());
    progress.end.undecodable += result.frame.undecodable;
    progress.end.not_finite += result.not_finite;
    if (progress.end.first_not_finite.empty()) progress.end.first_not_finite = result.first_not_finite;
    result.frame.stream = unit.input->index;
    if (wants_order_ && !order_) observer_.in_order(unit.input->index, unit.input->input->info(), result);
    const Clock::time_point packet_at = result.frame.packet_at;
    observer_.result(unit.input->index, result);
    if (!unit.endless) return;
    if (packet_at != Clock::time_point()) packet_clock_.add(Clock::now() - packet_at);
    age_clock_.add(waited + std::chrono::duration_cast<Clock::duration>(Milliseconds(result.latency_ms)));
    if (unit.newest) unit.newest->settled();
}

void Scheduler::take_unit_end(RunUnit& unit) {
    Progress& progress = progress_of(unit.input);
    InputEnd& end = progress.end;
    const SegmentNotes& notes = unit.notes();
    ++end.segments;
    if (unit.newest) end.dropped += unit.newest->dropped();
    if (end.damaged == 0) end.first_damage = notes.first_damage;
    end.damaged += notes.damaged;
    end.on_gpu += notes.on_gpu;
    if (!notes.fallback.empty() && end.fallbacks++ == 0) end.first_fallback = notes.fallback;
    if (end.error.empty()) end.error = unit.error();
    dispatcher_.taken(unit.input->lane);
    if (!unit.was_cut_off()) return;
    // The run is being stopped, and what would come next in this lane is not there.
    cut_lanes_.insert(unit.input->lane);
    if (unit.row) {
        unit.row->end_now();
        observer_.work_done(unit.input->index, unit.row->work());
    }
    take_input_end(progress);
}

void Scheduler::take_input_end(Progress& progress) {
    InputEnd& end = progress.end;
    const OpenInput& input = *progress.input;
    end.frames = progress.timeline ? progress.timeline->frames() : 0;
    if (end.error.empty()) end.error = input.error;
    if (input.input) {
        const SegmentNotes notes = input.input->notes();
        if (end.damaged == 0) end.first_damage = notes.first_damage;
        end.damaged += notes.damaged;
        end.remark = input.input->remark();
        end.last_frame_s = input.input->last_frame_s();
    }
    if (progress.timeline) {
        append(sentence_of(progress.timeline->steps()), end.remark);
        append(sentence_of_still(progress.timeline->steps()), end.remark);
    }
    if (progress.timeline && progress.timeline->missing() && end.damaged == 0 && end.error.empty())
        append(sentence_of(*progress.timeline->missing()), end.remark);
    end.early = input.cancel.stop_requested() && !stopping_;
    dispatcher_.forget(input.index);
    observer_.end_input(input.index, end);
    if (!cut_lanes_.contains(input.lane)) ++inputs_ended_;
    progress_.erase(input.index);
}

}  // namespace convoy
