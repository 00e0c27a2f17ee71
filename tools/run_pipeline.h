// SPDX-License-Identifier: MIT
//
// Inputs through the engine into the sinks. Records are written in order by one thread; pictures are drawn and encoded
// on all CPU cores, segment by segment (tools/sinks/annotate_work.h).
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <convoy/engine.h>
#include <convoy/media/run_inputs.h>
#include "tools/follower.h"
#include "tools/metrics.h"
#include "tools/progress.h"
#include "tools/run_charts.h"
#include "tools/running_inputs.h"
#include "tools/serving.h"
#include "tools/sinks/make_sinks.h"

namespace convoy::tools {

struct InputSummary {
    std::string path;
    std::int64_t detections = 0;
    std::vector<std::int64_t> by_class;  ///< detections; as long as the highest class that was found
    double seconds = 0;                  ///< from when it was opened to its end, others beside it or not
    InputEnd end;
    std::shared_ptr<const InputCharts> charts;  ///< of the first kMostCharts inputs, where they were asked for
    std::string view;                           ///< a JPEG of `charts->view`; "" without
};

struct RunSummary {
    std::vector<InputSummary> inputs;  ///< those that were begun, in the order of their ends
    RunReport run;
    StageStats draw, encode;  ///< of the run's "draw and encode"
    double seconds = 0;       ///< wall time of the whole run
    bool interrupted = false;
    LatencyBins latencies;                            ///< where charts were asked for
    std::optional<media::JpegEncoders::Tally> jpegs;  ///< with --encoder jpeg
    std::vector<BrokerTally> brokers;                 ///< with --mqtt and --kafka
    std::optional<Webhook::Tally> webhook;            ///< with --webhook
    /// Outputs that were given up, since nobody read them any more: a sentence each. All others are whole.
    std::vector<std::string> given_up;
};

constexpr std::size_t kMostCharts = 100;  ///< inputs that have charts: a page with a thousand would open nowhere

/// "person 120, car 61": the classes that were found most, by name or else number; "" for none.
std::string class_counts(const std::vector<std::int64_t>& by_class, const std::vector<std::string>& names);

struct PipelineOptions {
    media::RunInputs inputs;
    std::vector<std::string> class_names = {};  ///< for the drawn labels
    DrawOptions drawing = {};
    RunThreads threads = {};
    Follower* follower = nullptr;                  ///< where things are followed
    bool charts = false;                           ///< for report_html()
    Metrics* metrics = nullptr;                    ///< where they are counted
    Serving* serving = nullptr;                    ///< beside it
    bool newest = false;                           ///< of live inputs: RunInput::newest
    RunningInputs::NameOutputs name_outputs = {};  ///< for inputs that come later
    bool goes_on = false;  ///< until RunningInputs::close() or the stop, since inputs come and go while it lasts
    /// Called before the run with what they do that by, which lives until it is over, and is to be called no more once
    /// the second is.
    std::function<void(RunningInputs&)> feeds = {};
    std::function<void()> ends = {};
    /// Where all inputs come by `feeds`, none of them in `inputs` as they are: a result and an input's end before
    /// anything else is told of them.
    std::function<void(int input, std::int64_t step, Result&)> restores = {};
    std::function<void(int input, InputEnd&)> ends_input = {};
    /// … and how far the run has come, at a result of an input, which has its place among them; else by their bytes.
    std::function<ProgressState(int input)> progress = {};
    media::GiveUp give_up = {};  ///< what the sinks ask; an output that fails when it says so costs no other
};

/// Runs all inputs. One that cannot be read is reported and passed over; whatever else fails ends the run with that one
/// Error. When `stop` becomes true nothing more is read, and the sinks are closed, complete up to the last frame.
RunSummary run_pipeline(Engine& engine, const PipelineOptions& options, Sinks& sinks, Progress& progress,
                        const std::atomic<bool>& stop);

}  // namespace convoy::tools
