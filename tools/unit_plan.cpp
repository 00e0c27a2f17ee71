// SPDX-License-Identifier: MIT
#include "tools/unit_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <utility>

#include <convoy/error.h>
#include <convoy/media/image.h>
#include <convoy/version.h>
#include "tools/analysis/text.h"
#include "tools/fleet/content_key.h"
#include "tools/fleet/manifest.h"
#include "tools/fleet/shard.h"
#include "tools/fleet/unit_files.h"
#include "tools/interrupt.h"
#include "tools/media/byte_stream.h"
#include "tools/media/files.h"
#include "tools/sinks/output_paths.h"

using nlohmann::json;
namespace fs = std::filesystem;

namespace convoy::tools {
namespace {

constexpr std::size_t kRoomInNames = 40;  // of a unit's other files

/// Options that change no record, or whose files count by what is in them.
const std::set<std::string, std::less<>> kIndifferent = {
    "model",    "cfg",      "weights",    "names",         "zones",       "strict",       "device",
    "threads",  "batch",    "gpu-memory", "tune",          "no-autotune", "no-libraries", "tuning-cache",
    "at-once",  "decoders", "encoders",   "give-up",       "jsonl",       "no-latency",   "labels",
    "quiet",    "verbose",  "report",     "report-json",   "report-html", "trace",        "metrics",
    "manifest", "shard",    "claim",      "claim-timeout", "resume",      "grace",        "fail-device"};

[[noreturn]] void usage(const std::string& sentence) { throw Error(ErrorKind::usage, sentence); }

json deciding_options(const RunOptions& options) {
    json lines = json::array();
    std::istringstream settings(options.settings);
    for (std::string line; std::getline(settings, line);)
        if (!kIndifferent.contains(std::string_view(line).substr(0, line.find(' '))))
            lines.push_back(analysis::as_utf8(line));
    if (!options.zones.empty())
        lines.push_back("zones " + fleet::digest_of_files(std::vector<std::string>{options.zones}));
    return lines;
}

/// Frames that are counted from an input's begin have no place in a part of it.
void check_parts(const RunOptions& options, const fleet::Manifest& manifest) {
    const auto part =
        std::find_if(manifest.units.begin(), manifest.units.end(), [](const auto& u) { return u.parts > 1; });
    if (part == manifest.units.end()) return;
    for (const auto& [given, option] : {std::pair{options.follows(), "--track and --zones"},
                                        {options.input.every > 1, "--every"},
                                        {options.input.frames > 0, "--frames"}})
        if (given)
            usage(
                fmt::format("{} need whole videos, and {} has {} in {} parts; make a manifest that leaves videos whole",
                            option, options.manifest, fleet::name_for_people(part->input), part->parts));
}

void add_units_of_manifest(const RunOptions& options, UnitPlan& plan) {
    const fleet::Manifest manifest = fleet::read_manifest(options.manifest);
    check_parts(options, manifest);
    const auto environment = [](const char* name) -> const char* { return std::getenv(name); };
    const fleet::Shard shard = options.shard.empty() ? fleet::Shard() : fleet::parse_shard(options.shard, environment);
    for (const std::size_t index : fleet::units_of(manifest.units, shard)) {
        const fleet::Unit& unit = manifest.units[index];
        WorkUnit work{fleet::unit_name(index), fleet::name_for_people(unit.input), manifest.location(unit),
                      options.input, as_folder(plan.folder) + fleet::unit_name(index) + ".jsonl"};
        work.options.start_s = unit.start_s, work.options.stop_s = unit.stop_s;
        work.weight = unit.seconds;
        work.deciding = {{"input", work.label},
                         {"key", unit.key},
                         {"part", fmt::format("{}/{}", unit.part, unit.parts)},
                         {"start", unit.start_s},
                         {"stop", unit.stop_s}};
        plan.units.push_back(std::move(work));
    }
    if (options.claim.empty()) return;
    // The longest first, so that nobody is left with one when the others are done.
    std::stable_sort(plan.units.begin(), plan.units.end(),
                     [](const WorkUnit& a, const WorkUnit& b) { return a.weight > b.weight; });
}

/// What comes once, and is not there for another run.
void require_repeatable(const std::string& path) {
    if (media::is_live(path) || (!media::is_address(path) && media::is_stream(path)))
        usage(fmt::format("--resume: {} is a camera, a stream or a pipe; what it has shown cannot be read again",
                          media::without_passwords(path)));
}

void add_units_of_inputs(const RunOptions& options, const media::ExpandedInputs& given, UnitPlan& plan) {
    const std::string& jsonl = options.output.jsonl;
    const bool to_folder = names_folder(jsonl);
    if (!to_folder && given.paths.size() > 1)
        usage(fmt::format("--resume: --jsonl {} takes one input; name a folder: --jsonl DIR/", jsonl));
    const std::vector<std::string> stems =
        to_folder ? unique_stems(jsonl, given.paths, kRoomInNames) : std::vector<std::string>();
    for (std::size_t i = 0; i < given.paths.size(); ++i) {
        const std::string& path = given.paths[i];
        require_repeatable(path);
        WorkUnit unit{fs::path(to_folder ? stems[i] : jsonl).stem().string(), fleet::name_for_people(path), path,
                      options.input, to_folder ? stems[i] + ".jsonl" : jsonl};
        const auto refused = given.refused.find(i);
        if (refused != given.refused.end()) unit.refusal = refused->second;
        fleet::Content content;
        try {
            if (unit.refusal.empty()) content = fleet::content_of(path, interrupt_is_overdue);
        } catch (const Error& error) {
            unit.refusal = error.what();
        }
        unit.weight = std::max(double(content.bytes), 1.);
        unit.deciding = {{"input", unit.label}, {"key", content.key}, {"part", "1/1"}, {"start", 0}, {"stop", 0}};
        plan.units.push_back(std::move(unit));
    }
}

/// A GPU's choice of kernels shows in a report alone.
std::string kernels_of(Engine& engine) {
    struct : RunObserver {
        void result(int, Result&) override {}
    } nobody;
    const std::atomic<bool> go_on = false;
    std::string kernels;
    for (const DeviceReport& device : engine.run(std::vector<RunInput>(), nobody, go_on).devices)
        if (!device.kernels.empty()) kernels += (kernels.empty() ? "" : ", ") + device.kernels;
    return kernels;
}

}  // namespace

UnitPlan plan_units(const RunOptions& options, const media::ExpandedInputs& given,
                    const std::vector<std::string>& reports, media::FileClaims claims) {
    UnitPlan plan;
    const std::string& jsonl = options.output.jsonl;
    const bool to_folder = names_folder(jsonl);
    if (!options.manifest.empty() && !to_folder)
        usage(fmt::format("--manifest: each unit has a file of its own; name a folder: --jsonl {}/", jsonl));
    plan.folder = to_folder ? jsonl : fleet::folder_of(jsonl);
    if (to_folder)
        check_folder(plan.folder);
    else
        check_file(jsonl);
    std::vector<std::string> files = {options.model.files().first, options.model.files().second};
    plan.model = std::async(std::launch::async, [files] { return fleet::digest_of_files(files); });
    if (options.manifest.empty())
        add_units_of_inputs(options, given, plan);
    else
        add_units_of_manifest(options, plan);
    if (!options.manifest.empty()) claims.reads(options.manifest, "the manifest");
    for (const WorkUnit& unit : plan.units) {
        claims.reads(unit.location, "an input");
        plan.inputs.paths.push_back(unit.location);
    }
    for (const std::string& report : reports)
        if (!report.empty()) check_file(report), claims.writes(report);
    for (const WorkUnit& unit : plan.units) {
        const fleet::UnitFiles of_unit(unit.records);
        for (const std::string& file : {of_unit.records, of_unit.done, of_unit.failed, of_unit.partial, of_unit.state})
            claims.writes(file);
    }
    return plan;
}

OutputPlan plan_of_units(const RunOptions& options) {
    OutputPlan plan;
    plan.drawing = options.output.drawing;
    return plan;
}

media::OutputLocks claim_records(const RunOptions& options, const UnitPlan& plan) {
    media::OutputLocks locks;
    locks.make_folder(plan.folder);
    if (options.claim.empty())
        for (const WorkUnit& unit : plan.units) locks.require(unit.records);
    return locks;
}

UnitRun::Work work_of(const RunOptions& options, UnitPlan plan, Engine& engine,
                      const std::vector<std::string>& class_names) {
    fleet::Digest model;
    model.add(plan.model.get());
    for (const std::string& name : class_names) model.add(name + "\n");
    UnitRun::Work work;
    work.units = std::move(plan.units);
    if (!options.claim.empty())
        work.claims =
            std::make_unique<fleet::Claims>(options.claim, std::chrono::duration<double>(options.claim_timeout_s));
    work.deciding = {{"model", model.hex()}, {"options", deciding_options(options)}, {"version", CONVOY_VERSION}};
    work.about = {{"host", fleet::host_name()}, {"device", engine.description()}, {"kernels", kernels_of(engine)}};
    work.lanes = options.at_once;
    work.drains = draining;
    return work;
}

}  // namespace convoy::tools
