// SPDX-License-Identifier: MIT
#include "tools/fleet_options.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <string>

namespace convoy::tools {

void add_fleet_options(CLI::App& app, RunOptions& options) {
    const std::string group = "On many machines, and again";
    app.add_option("--manifest", options.manifest,
                   "do the units of this list, which yolo-fleet makes, into --jsonl DIR/")
        ->type_name("FILE")
        ->group(group);
    CLI::Option* const shard =
        app.add_option("--shard", options.shard,
                       "of them the share of machine i of n; auto: as Slurm, Kubernetes or MPI says in the environment")
            ->type_name("I/N|auto")
            ->group(group);
    app.add_option("--claim", options.claim, "of them one after the other that no machine has claimed in this folder")
        ->type_name("DIR")
        ->excludes(shard)
        ->group(group);
    app.add_option("--claim-timeout", options.claim_timeout_s,
                   "how long nothing is heard of a machine until others take over what it has claimed (default: 60)")
        ->type_name("S")
        ->check(CLI::Range(1., 1e6).description(""))
        ->group(group);
    app.add_flag("--resume", options.resume,
                 "leave out inputs that such a run has done, and go on in the one that it was at; for --jsonl")
        ->group(group);
    app.add_option("--grace", options.grace_s,
                   "with --manifest or --resume: how long what is under way may go on after SIGTERM (default: 20)")
        ->type_name("S")
        ->check(CLI::Range(0., 1e6).description(""))
        ->group(group);
}

// What is done unit by unit has records alone, which are its checkpoint.
void check_fleet_options(const CLI::App& app, const RunOptions& options) {
    const auto refuse = [&](const char* name, const std::string& why) {
        if (app.count(name) > 0) throw CLI::ValidationError(name, why);
    };
    if (options.manifest.empty())
        for (const char* name : {"--shard", "--claim", "--claim-timeout"}) refuse(name, "needs --manifest FILE");
    if (!options.by_units()) return refuse("--grace", "needs --manifest FILE or --resume");
    if (options.claim.empty()) refuse("--claim-timeout", "needs --claim DIR");
    const char* const option = options.manifest.empty() ? "--resume" : "--manifest";
    if (options.output.jsonl.empty() || options.output.jsonl == "-")
        throw CLI::ValidationError(
            option, options.manifest.empty() ? "needs --jsonl FILE or --jsonl DIR/" : "needs --jsonl DIR/");
    for (const char* name : {"--csv", "--coco", "--mot", "--cvat", "--label-studio", "--zone-counts", "--zone-visits",
                             "--zone-totals", "--yolo", "--crops", "--video", "--overlay", "--pictures",
                             "--contact-sheet", "--mqtt", "--kafka", "--webhook", "--serve", "--watch-list"})
        refuse(name, fmt::format("cannot go with {}, which has --jsonl alone", option));
    if (options.manifest.empty()) return;
    if (!options.inputs.empty()) throw CLI::ValidationError("--manifest", "has the inputs; name none beside it");
    for (const char* name : {"--start", "--stop"}) refuse(name, "cannot go with --manifest, which says that itself");
}

}  // namespace convoy::tools
