// SPDX-License-Identifier: MIT
//
// Inputs through the engine into the sinks, every stage in a thread of its own:
//
//     decode ─► engine: preprocess ─► network ─► post-process ─► records ─► draw ─► encode
//
// Queues between them are bounded, so the slowest stage holds the others back and memory stays small.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "tools/progress.h"
#include "tools/sinks/make_sinks.h"

namespace convoy::tools {

struct InputSummary {
    std::string path;
    std::int64_t frames = 0, detections = 0;
    double seconds = 0;        ///< from the end of the input before it (or the start) to its own end
    std::int64_t damaged = 0;  ///< packets or frames that could not be decoded
    std::string first_damage;  ///< the first of them, a sentence
    std::string error;         ///< why the input could not be read at all or to its end; empty when it could
};

struct RunSummary {
    std::vector<InputSummary> inputs;  ///< those that were begun
    std::vector<StageStats> stages;    ///< decode, preprocess, network, post-process, draw, encode, write
    StageStats latency;                ///< of the frames, from decoded to detections
    double seconds = 0;                ///< wall time of the whole run
    bool interrupted = false;
};

struct PipelineOptions {
    std::vector<std::string> inputs;       ///< files
    std::vector<std::string> class_names;  ///< for the drawn labels
    std::int64_t frames = 0;               ///< stop each input after so many; 0 takes all
};

/// Runs all inputs. One that cannot be read is reported and passed over; whatever else fails ends the run with that one
/// Error. When `stop` becomes true nothing more is read, what was read is finished, and the sinks are closed in order.
RunSummary run_pipeline(Engine& engine, const PipelineOptions& options, Sinks& sinks, Progress& progress,
                        const std::atomic<bool>& stop);

}  // namespace convoy::tools
