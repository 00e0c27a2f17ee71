// SPDX-License-Identifier: MIT
//
// A run whose work is done unit by unit, each of which is done once, wherever and however often it is begun: --manifest
// and --resume.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <convoy/media/input.h>
#include <convoy/run.h>
#include "tools/fleet/claims.h"
#include "tools/fleet/record_checkpoint.h"
#include "tools/fleet/unit_files.h"
#include "tools/fleet/unit_input.h"
#include "tools/progress.h"
#include "tools/run_pipeline.h"
#include "tools/running_inputs.h"
#include "tools/sinks/formats/record_format.h"
#include "tools/sinks/sink.h"
#include "tools/unit_queue.h"

namespace convoy::tools {

class UnitRun {
public:
    using Tell = UnitQueue::Tell;
    struct Work {
        std::vector<WorkUnit> units;            ///< in the order in which they are done
        std::unique_ptr<fleet::Claims> claims;  ///< null: all are this run's
        nlohmann::json deciding;                ///< the rest of what decides results, for all: model, options, version
        nlohmann::json about;                   ///< who does it: kernels, device, host
        int lanes = 1;
        std::function<bool()> drains;  ///< whether nothing new is to be begun
    };
    /// `tell` is told of units that go on, begin anew or are waited for, from any thread.
    UnitRun(Work work, Tell tell);
    ~UnitRun();

    /// Sees to it that the run's inputs are the units. Must outlive the run.
    void attach(PipelineOptions& pipeline);
    /// Takes the units' records, as JSON Lines without latency_ms. Must not outlive this.
    std::unique_ptr<Sink> sink(const std::vector<std::string>& class_names);
    /// After the run.
    struct Tally {
        std::int64_t done = 0, done_before = 0, failed = 0;
        std::int64_t again = 0;  ///< could not be done for now: the network, or storage
        std::int64_t left = 0;   ///< not begun, or not brought to their end
        std::int64_t resumed = 0;
    };
    Tally tally() const;

private:
    class Records;
    struct Active;

    void feed(RunningInputs& running);
    void restore(int input, std::int64_t step, Result& result);
    void end(int input, InputEnd& end);
    ProgressState progress(int input) const;

    std::unique_ptr<Input> open(int number, int lane, std::stop_token cancel);
    std::unique_ptr<Input> begin(Active& active, std::stop_token cancel);
    std::unique_ptr<Input> begin_anew(Active& active, const std::string& why, std::stop_token cancel);
    std::shared_ptr<Active> active(int input) const;
    void write(int input, const std::string& line);
    void look_at_claim(Active& active, int input);
    void fail(Active& active, const std::string& error);
    void finish(Active& active, const InputEnd& end);

    Work work_;
    const Tell tell_;
    UnitQueue queue_;
    RunningInputs* running_ = nullptr;
    mutable std::mutex mutex_;  // of what follows
    std::map<int, std::shared_ptr<Active>> active_;
    std::vector<std::string> finished_;
    std::chrono::steady_clock::time_point last_end_;    // of a unit
    std::chrono::steady_clock::time_point busy_since_;  // where there are active ones
    std::chrono::steady_clock::duration busy_{};        // with others before
    double ended_weight_ = 0;                           // of units that are no longer active, whatever their end
    double done_weight_ = 0;                            // of units that are no longer active, without what was kept
    std::int64_t done_frames_ = 0;                      // of all
    Tally tally_;
};

}  // namespace convoy::tools
