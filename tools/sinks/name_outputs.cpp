// SPDX-License-Identifier: MIT
//
// Names of outputs for inputs that come while a run lasts.
#include <fmt/core.h>

#include <filesystem>
#include <utility>

#include <convoy/error.h>
#include <convoy/media/image.h>
#include <convoy/media/input.h>
#include "tools/media/out/recording_copy.h"
#include "tools/sinks/output_paths.h"
#include "tools/sinks/plan_outputs.h"

namespace fs = std::filesystem;

namespace convoy::tools {

OutputNames::OutputNames(const OutputPlan& plan)
    : videos(plan.videos, plan.more_inputs),
      overlays(plan.overlays, plan.more_inputs),
      picture_stems(plan.picture_stems, plan.more_inputs),
      label_stems(plan.label_stems, plan.more_inputs),
      frame_stems(plan.frame_stems, plan.more_inputs) {
    for (const PlannedRecords& of_kind : plan.records) records.emplace_back(of_kind.files, plan.more_inputs);
}

namespace {

// Each is beside that of the first input, with its ending.
std::string free_name(const InputNames& names, const std::string& input, const std::string& ending, std::size_t room,
                      const std::function<bool(const std::string&)>& is_taken = {}) {
    const std::string folder = fs::path(names.at(0)).parent_path().string();
    return free_stem(
               folder, input, room,
               [&](const std::string& stem) { return names.contains(stem + ending) || (is_taken && is_taken(stem)); }) +
           ending;
}

// Others that come behind it have their names at their numbers.
void leave_out(OutputNames& names) {
    const auto leave_out = [](InputNames& of) {
        if (!of.empty()) of.add("");
    };
    for (InputNames* of :
         {&names.videos, &names.overlays, &names.picture_stems, &names.label_stems, &names.frame_stems})
        leave_out(*of);
    for (InputNames& of : names.records) leave_out(of);
}

void refuse_input(const OutputNames& names, const std::string& input) {
    const bool picture = media::is_picture(input);
    const auto refuse = [&](const char* why) { throw Error(ErrorKind::usage, fmt::format("{} {}", input, why)); };
    if (picture && names.picture_stems.empty() && !names.videos.empty())
        refuse("is a picture: --video takes videos, use --pictures DIR");
    if (!names.overlays.empty() && (picture || !media::can_be_copied(input)))
        refuse("cannot be read a second time to be copied, as --overlay does");
}

}  // namespace

void name_outputs(const OutputPlan& plan, OutputNames& names, const std::vector<std::string>& inputs,
                  media::OutputLocks& locks) {
    const std::string& input = inputs.back();
    if (input.empty()) return plan.more_inputs ? leave_out(names) : void();
    const bool picture = media::is_picture(input);
    refuse_input(names, input);
    media::FileClaims claims;
    for (const std::string& read : inputs)
        if (!read.empty() && !media::is_address(read)) claims.reads(read, "an input");
    std::vector<std::pair<InputNames*, std::string>> added;
    const auto take = [&](InputNames& of, std::string name, const std::string& file) {
        claims.writes(file);
        locks.require(file);
        added.emplace_back(&of, std::move(name));
    };
    const auto add_file = [&](InputNames& of, const std::string& ending) {
        if (of.empty()) return;
        const std::string name = free_name(of, input, ending, ending.size());
        take(of, name, name);
    };
    const auto add_stem = [&](InputNames& of, const std::string& ending, const auto& is_taken) {
        if (of.empty()) return;
        const std::string stem = free_name(of, input, "", kPictureOfVideo, is_taken);
        if (!picture) claims.writes_numbered(stem, ending);
        take(of, stem, stem + (picture ? "" : "-000000") + ending);
    };
    const auto none_is_taken = [](const std::string&) { return false; };
    for (std::size_t i = 0; i < plan.records.size(); ++i) add_file(names.records[i], plan.records[i].kind->ending);
    add_file(names.overlays, ".mkv");
    if (plan.by_kind) {  // results in runs/ that are there stay
        const std::string ending = fs::path(names.videos.at(0)).extension().string();
        const std::string stem =
            free_name(names.picture_stems, input, "", kPictureOfVideo, [&](const std::string& taken) {
                return fs::exists(taken + ending) || fs::exists(taken + ".jpg") || !locks.take(taken + ending) ||
                       !locks.take(taken + ".jpg");
            });
        added.emplace_back(&names.picture_stems, stem);
        added.emplace_back(&names.videos, stem + ending);
    } else {
        if (!names.videos.empty()) add_file(names.videos, fs::path(names.videos.at(0)).extension().string());
        add_stem(names.picture_stems, ".jpg", none_is_taken);
    }
    const auto is_classes = [](const std::string& stem) { return fs::path(stem).filename() == "classes"; };
    add_stem(names.label_stems, ".txt", is_classes);
    const std::string stem = free_name(names.frame_stems, input, "", kPictureOfVideo, is_classes);
    if (!plan.crops.empty()) locks.require(plan.crops + stem + ".jpg");
    added.emplace_back(&names.frame_stems, stem);
    for (auto& [of, name] : added) of->add(std::move(name));
}

}  // namespace convoy::tools
