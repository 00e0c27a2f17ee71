// SPDX-License-Identifier: MIT
//
// yolo-fleet: a job as a list of work for many machines, and their results as one.
#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

extern "C" {
#include <libavutil/log.h>
}

#include <convoy/error.h>
#include <convoy/media/input.h>
#include <convoy/version.h>
#include "tools/exit_status.h"
#include "tools/fleet/make_manifest.h"
#include "tools/fleet/merge.h"
#include "tools/fleet/merge_report.h"
#include "tools/interrupt.h"
#include "tools/json_text.h"
#include "tools/media/byte_stream.h"
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
  yolo-fleet merge work.tsv results/ --jsonl all.jsonl

INPUT is a picture, a video, a folder of them, a list of them (.txt, @FILE) or an http(s) address, also a presigned one.
Between the two, each machine runs `yolo-run --manifest work.tsv --jsonl results/` with --shard or --claim.
Exit status: 0 done, 1 something could not be read, written or done, 2 wrong usage, 130 interrupted.)";

struct FleetOptions {
    std::string action;
    std::vector<std::string> paths;
    std::string output;
    double part_s = 600;
    int at_once = 8;
    std::string jsonl, report_json;
    bool without_failed = false;
    bool quiet = false;

    void add_to(CLI::App& app);
    void check(const CLI::App& app) const;
};

void FleetOptions::add_to(CLI::App& app) {
    app.description("Shares a job out to many machines: a manifest of the work, and the results as one.");
    app.footer(kExamples);
    app.set_version_flag("--version", "yolo-fleet " CONVOY_VERSION);
    app.add_option("ACTION", action, "manifest: make the list of work; merge: put the results together")
        ->required()
        ->check(CLI::IsMember({"manifest", "merge"}).description(""))
        ->type_name("manifest|merge");
    app.add_option("PATH", paths, "of a manifest, the inputs; of a merge, the manifest and the folder of results")
        ->required()
        ->type_name("");
    const std::string making = "manifest";
    app.add_option("--output,-o", output, "the manifest")->type_name("FILE")->group(making);
    app.add_option("--part-seconds", part_s,
                   "long videos are cut at keyframes into parts of about so many seconds; 0: into none (default: 600)")
        ->type_name("S")
        ->check(CLI::Range(0., 1e9).description(""))
        ->group(making);
    app.add_option("--at-once", at_once, "inputs that are looked at side by side (default: 8)")
        ->type_name("N")
        ->check(CLI::Range(1, 1024).description(""))
        ->group(making);
    const std::string merging = "merge";
    app.add_option("--jsonl", jsonl, "all records in order; - is standard output")->type_name("FILE|-")->group(merging);
    app.add_option("--report-json", report_json, "frames, time, failures, the slowest unit (JSON)")
        ->type_name("FILE")
        ->group(merging);
    app.add_flag("--without-failed", without_failed,
                 "leave out inputs that no machine can do, and merge the others; the exit status stays 1")
        ->group(merging);
    app.add_flag("--quiet,-q", quiet, "nothing but errors and warnings")->group("Messages");
}

void FleetOptions::check(const CLI::App& app) const {
    const bool makes = action == "manifest";
    for (const char* name : {"--jsonl", "--report-json", "--without-failed", "--output", "--part-seconds", "--at-once"})
        if (app.count(name) > 0 && (app.get_option(name)->get_group() == "manifest") != makes)
            throw CLI::ValidationError(name, fmt::format("does not go with {}", action));
    if (makes && output.empty()) throw CLI::ValidationError("manifest", "needs --output FILE");
    if (!makes && jsonl.empty()) throw CLI::ValidationError("merge", "needs --jsonl FILE");
    if (!makes && paths.size() != 2)
        throw CLI::ValidationError("merge", "takes a manifest and the folder of its results");
}

constexpr std::size_t kPiece = 1 << 20;  // bytes that are written at a time

struct Interrupted {};

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

void list(const std::vector<std::string>& sentences) {
    constexpr std::size_t kNamed = 20;
    for (std::size_t i = 0; i < std::min(sentences.size(), kNamed); ++i) print_error("yolo-fleet", sentences[i]);
    if (sentences.size() > kNamed) message("yolo-fleet: … and {} more", sentences.size() - kNamed);
}

/// What cannot be merged, a sentence each.
std::vector<std::string> obstacles(const FleetOptions& options, const fleet::Manifest& manifest,
                                   const fleet::Survey& survey) {
    std::vector<std::string> sentences = survey.missing;
    for (const fleet::Survey::Failure& failure : survey.failed)
        if (!options.without_failed)
            sentences.push_back(fmt::format("{} has failed: {}", fleet::called(manifest, failure.unit), failure.error));
    return sentences;
}

void write_records(const FleetOptions& options, const fleet::Manifest& manifest, const fleet::Survey& survey) {
    const bool to_stdout = options.jsonl == "-";
    std::optional<media::OutputFile> file;
    if (!to_stdout) file.emplace(options.jsonl);
    std::optional<media::OutputStream> stream;
    if (to_stdout)
        stream.emplace(STDOUT_FILENO, interrupt_is_overdue);
    else
        stream.emplace(file->temporary(), interrupt_is_overdue);
    std::string waiting;
    const auto flush = [&] {
        if (!stream->write(waiting))
            media::throw_output(to_stdout ? "standard output" : options.jsonl, stream->reason());
        waiting.clear();
    };
    fleet::merge_records(manifest, options.paths[1], survey, [&](std::string_view bytes) {
        waiting += bytes;
        if (waiting.size() >= kPiece) flush();
        if (CompleteOnInterrupt::requested()) throw Interrupted();
    });
    flush();
    if (!stream->close()) media::throw_output(to_stdout ? "standard output" : options.jsonl, stream->reason());
    if (file) file->commit();
}

int merge(const FleetOptions& options) {
    const fleet::Manifest manifest = fleet::read_manifest(options.paths[0]);
    if (!fs::is_directory(options.paths[1]))
        throw Error(ErrorKind::input,
                    fmt::format("'{}' is no folder; name the one that yolo-run's --jsonl had", options.paths[1]));
    media::FileClaims claims;
    claims.reads(options.paths[0], "the manifest");
    for (std::size_t i = 0; i < manifest.units.size(); ++i)
        claims.reads((fs::path(options.paths[1]) / (fleet::unit_name(i) + ".jsonl")).string(), "a unit's records");
    if (options.jsonl != "-") claims.writes(options.jsonl);
    if (!options.report_json.empty()) claims.writes(options.report_json);

    const fleet::Survey survey = fleet::survey(manifest, options.paths[1]);
    if (const std::vector<std::string> sentences = obstacles(options, manifest, survey); !sentences.empty()) {
        list(sentences);
        print_error("yolo-fleet", fmt::format("{} of {} cannot be merged, and nothing is written{}", sentences.size(),
                                              count(manifest.units.size(), "unit"),
                                              survey.missing.empty() ? "; --without-failed leaves these out" : ""));
        return kBadData;
    }
    for (const fleet::Survey::Failure& failure : survey.failed)
        message("yolo-fleet: warning: {} is left out: {}", fleet::called(manifest, failure.unit), failure.error);
    try {
        const CompleteOnInterrupt completing;
        write_records(options, manifest, survey);
        if (!options.report_json.empty())
            media::write_file(options.report_json, json_text(fleet::report_json(manifest, survey)) + "\n",
                              interrupt_is_overdue);
    } catch (const Interrupted&) {
        message("yolo-fleet: interrupted; nothing was merged");
        return kInterrupted;
    }
    if (!options.quiet) print_message(printable(fleet::report_text(manifest, survey), true));
    return survey.failed.empty() ? kSuccess : kBadData;
}

int run(const FleetOptions& options) {
    install_interrupt_handler();
    av_log_set_level(AV_LOG_QUIET);
    return options.action == "manifest" ? make_manifest(options) : merge(options);
}

}  // namespace
}  // namespace convoy::tools

int main(int argc, char** argv) {
    return convoy::tools::run_command("yolo-fleet", argc, argv, [](CLI::App& app, const auto&) {
        auto options = std::make_shared<convoy::tools::FleetOptions>();
        options->add_to(app);
        return [&app, options] {
            options->check(app);
            return convoy::tools::run(*options);
        };
    });
}
