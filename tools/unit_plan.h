// SPDX-License-Identifier: MIT
//
// From --manifest or --resume to the units of a run, with every check that can be made before any work is done.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <vector>

#include <convoy/engine.h>
#include <convoy/media/input.h>
#include "tools/media/output_locks.h"
#include "tools/options.h"
#include "tools/sinks/plan_outputs.h"
#include "tools/unit_run.h"

namespace convoy::tools {

struct UnitPlan {
    std::vector<WorkUnit> units;
    media::ExpandedInputs inputs;    ///< what they are opened by
    std::string folder;              ///< that their records go into
    std::future<std::string> model;  ///< the digest of its files
};

/// `given` are the command line's inputs, expanded; none with a manifest. Looks at each of these, and begins to read
/// the model's files. Throws Error(usage) for what cannot be done unit by unit, or would overwrite what is read.
UnitPlan plan_units(const RunOptions& options, const media::ExpandedInputs& given,
                    const std::vector<std::string>& reports, media::FileClaims claims);

/// What is written beside the units' records: nothing.
OutputPlan plan_of_units(const RunOptions& options);

/// Creates their folder, and takes the records for this run, unless that is what claims are for.
media::OutputLocks claim_records(const RunOptions& options, const UnitPlan& plan);

/// All that UnitRun must know. Waits for the model's digest. `engine` has not run anything yet.
UnitRun::Work work_of(const RunOptions& options, UnitPlan plan, Engine& engine,
                      const std::vector<std::string>& class_names);

}  // namespace convoy::tools
