// SPDX-License-Identifier: MIT
//
// yolo-fleet: a job as a list of work for many machines, and their results as one.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

extern "C" {
#include <libavutil/log.h>
}

#include <convoy/error.h>
#include <convoy/media/input.h>
#include <convoy/version.h>
#include "tools/exit_status.h"
#include "tools/fleet/make_manifest.h"
#include "tools/interrupt.h"
#include "tools/media/file_claims.h"
#include "tools/media/files.h"
#include "tools/message.h"
#include "tools/progress.h"

namespace fs = std::filesystem;

namespace convoy::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  yolo-fleet manifest recordings/ -o work.tsv
  yolo-fleet manifest @urls.txt one.mp4 -o work.tsv --part-seconds 300

INPUT is a picture, a video, a folder of them, a list of them (.txt, @FILE) or an http(s) address, also a presigned one.
Each machine then runs `yolo-run --manifest work.tsv` with --shard or --claim: docs/fleet.md.
Exit status: 0 done, 1 something could not be read, written or done, 2 wrong usage, 130 interrupted.)";

struct FleetOptions {
    std::string action;
    std::vector<std::string> paths;
    std::string output;
    double part_s = 600;
    int at_once = 8;
    bool quiet = false;

    void add_to(CLI::App& app);
};

void FleetOptions::add_to(CLI::App& app) {
    app.description("Shares a job out to many machines: a manifest of the work, and the results as one.");
    app.footer(kExamples);
    app.set_version_flag("--version", "yolo-fleet " CONVOY_VERSION);
    app.add_option("ACTION", action, "manifest: make the list of work")
        ->required()
        ->check(CLI::IsMember({"manifest"}).description(""))
        ->type_name("manifest");
    app.add_option("INPUT", paths, "inputs of a manifest")->required()->type_name("INPUT");
    const std::string making = "manifest";
    app.add_option("--output,-o", output, "the manifest")->type_name("FILE")->required()->group(making);
    app.add_option("--part-seconds", part_s,
                   "long videos are cut at keyframes into parts of about so many seconds; 0: into none (default: 600)")
        ->type_name("S")
        ->check(CLI::Range(0., 1e9).description(""))
        ->group(making);
    app.add_option("--at-once", at_once, "inputs that are looked at side by side (default: 8)")
        ->type_name("N")
        ->check(CLI::Range(1, 1024).description(""))
        ->group(making);
    app.add_flag("--quiet,-q", quiet, "nothing but errors and warnings")->group("Messages");
}

std::string count(std::size_t n, const char* noun) { return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s"); }

int make_manifest(const FleetOptions& options) {
    const media::ExpandedInputs inputs = media::expand_inputs(options.paths);
    for (const std::string& sentence : inputs.left_out) message("yolo-fleet: warning: {}", sentence);
    media::FileClaims claims;
    for (const std::string& path : inputs.paths)
        if (!media::is_address(path)) claims.reads(path, "an input");
    for (const std::string& path : inputs.lists) claims.reads(path, "a list of inputs");
    claims.writes(options.output);
    { const media::OutputFile can_be_made(options.output); }

    fleet::ManifestOptions how{fs::path(options.output).parent_path(), options.part_s, options.at_once, {}};
    if (!options.quiet)
        how.tell = [&](std::size_t n) { message("yolo-fleet: {} of {}", n, count(inputs.paths.size(), "input")); };
    const fleet::MadeManifest made = fleet::make_manifest(inputs, how);
    for (const std::string& sentence : made.left_out) print_error("yolo-fleet", sentence + "; left out");
    if (!options.quiet)
        for (const std::string& sentence : made.whole) message("yolo-fleet: note: {}", sentence);
    if (made.units.empty()) {
        print_error("yolo-fleet", fmt::format("none of {} can be read, and '{}' is not written",
                                              count(inputs.paths.size(), "input"), options.output));
        return kBadData;
    }
    {
        const CompleteOnInterrupt completing;
        media::write_file(options.output, fleet::manifest_text(made.units), interrupt_is_overdue);
    }
    double seconds = 0;
    for (const fleet::Unit& unit : made.units) seconds += unit.seconds;
    if (!options.quiet)
        message("yolo-fleet: {}: {} in {}, {} to decode", options.output, count(made.inputs, "input"),
                count(made.units.size(), "unit"), format_duration(seconds));
    return made.left_out.empty() ? kSuccess : kBadData;
}

int run(const FleetOptions& options) {
    install_interrupt_handler();
    av_log_set_level(AV_LOG_QUIET);
    return make_manifest(options);
}

}  // namespace
}  // namespace convoy::tools

int main(int argc, char** argv) {
    return convoy::tools::run_command("yolo-fleet", argc, argv, [](CLI::App& app, const auto&) {
        auto options = std::make_shared<convoy::tools::FleetOptions>();
        options->add_to(app);
        return [options] { return convoy::tools::run(*options); };
    });
}
