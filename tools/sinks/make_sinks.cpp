// SPDX-License-Identifier: MIT
#include "tools/sinks/make_sinks.h"

#include <fmt/core.h>
#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>

#include <convoy/error.h>
#include "tools/media/files.h"
#include "tools/media/in/playlist_files.h"
#include "tools/media/out/recording_copy.h"
#include "tools/sinks/contact_sheet_sink.h"
#include "tools/sinks/jsonl_sink.h"
#include "tools/sinks/overlay_sink.h"
#include "tools/sinks/per_input_sink.h"
#include "tools/sinks/picture_files_sink.h"
#include "tools/sinks/video_sink.h"

namespace fs = std::filesystem;

namespace convoy::tools {
namespace {

constexpr std::size_t kLongestName = NAME_MAX;
// Bytes behind a stem: ".jsonl", "-000123.jpg" with more digits.
constexpr std::size_t kLongestEnding = 6, kPictureOfVideo = 24;
constexpr const char *kDefaultFolder = "runs", *kStandardOutput = "/dev/stdout";

[[noreturn]] void usage(const std::string& sentence) { throw Error(ErrorKind::usage, sentence); }

void check_access(const fs::path& path, const std::string& output) {
    if (access(path.c_str(), W_OK) != 0)
        throw Error(ErrorKind::output,
                    fmt::format("cannot write {}: {} ({})", output, media::system_message(errno), path.string()));
}

fs::path folder_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : "."; }

// A file that is there is replaced by a new one, unless it is written `in_place`.
void check_file(const std::string& path, bool in_place = false) {
    const fs::path folder = folder_of(path);
    if (const std::size_t bytes = fs::path(path).filename().string().size(); bytes > kLongestName)
        throw Error(ErrorKind::output, fmt::format("cannot write {}: its name has {} bytes, and at most {} are allowed",
                                                   path, bytes, kLongestName));
    if (fs::is_directory(path)) throw Error(ErrorKind::output, fmt::format("cannot write {}: it is a folder", path));
    if (!fs::is_directory(folder))
        throw Error(ErrorKind::output,
                    fmt::format("cannot write {}: there is no folder {}; create it first", path, folder.string()));
    const bool exists = fs::exists(path);
    if (exists) check_access(path, path);
    const std::optional<std::string> replaced = media::replaceable_file(path);
    if (replaced && !(exists && in_place)) check_access(folder_of(*replaced), path);
}

void check_folder(const std::string& path) {
    fs::path existing = fs::absolute(path);
    while (!fs::exists(existing) && existing.has_relative_path()) existing = existing.parent_path();
    if (!fs::is_directory(existing))
        throw Error(ErrorKind::output, fmt::format("cannot write into {}: {} is no folder", path, existing.string()));
    check_access(existing, path);
}

void check_ending(const char* option, const std::string& path, const std::vector<std::string>& endings) {
    const std::string ending = fs::path(path).extension().string();
    if (std::find(endings.begin(), endings.end(), ending) != endings.end()) return;
    std::string list;
    for (const std::string& e : endings) list += " " + e;
    usage(fmt::format("{} {}: the file name must end in one of{}", option, path, list));
}

std::string as_folder(const std::string& path) { return path.ends_with('/') ? path : path + '/'; }

bool has_results(const std::string& stem) {
    const auto there = [&](const char* ending) { return fs::exists(stem + ending); };
    return there(".mp4") || there(".mkv") || there(".jpg");
}

// The begin of a text that takes so many bytes at most, without half a character of UTF-8.
std::string first_bytes(const std::string& text, std::size_t most) {
    if (text.size() <= most) return text;
    while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
    return text.substr(0, most);
}

// One path in the folder per input that no other input has: its stem, or stem-2, stem-3, …, the first that is free. A
// stem that leaves no `room` for what follows is cut.
std::vector<std::string> unique_stems(
    const std::string& folder, const std::vector<std::string>& inputs, std::size_t room,
    const std::function<bool(const std::string&)>& is_free = [](const std::string&) { return true; }) {
    std::vector<std::string> stems;
    std::set<std::string> taken;
    for (const std::string& input : inputs) {
        const std::string stem = fs::path(input).stem().string();
        const auto numbered = [&](const std::string& number) {
            return as_folder(folder) + first_bytes(stem, kLongestName - room - number.size()) + number;
        };
        std::string name = numbered("");
        for (int n = 2; !taken.insert(name).second || !is_free(name); ++n) name = numbered(fmt::format("-{}", n));
        stems.push_back(name);
    }
    return stems;
}

std::vector<std::string> with_ending(std::vector<std::string> names, const std::string& ending) {
    for (std::string& name : names) name += ending;
    return names;
}

bool names_folder(const std::string& path) {
    std::error_code error;
    return path.ends_with('/') || fs::is_directory(path, error);
}

// A file for each input in a folder.
std::vector<std::string> plan_folder(const std::string& folder, const std::vector<std::string>& inputs,
                                     const std::string& ending, OutputPlan& plan) {
    check_folder(folder);
    plan.folders.push_back(folder);
    return with_ending(unique_stems(folder, inputs, ending.empty() ? kPictureOfVideo : ending.size()), ending);
}

void plan_jsonl(const OutputOptions& options, const std::vector<std::string>& inputs, OutputPlan& plan) {
    if (names_folder(options.jsonl)) {
        plan.jsonl_files = plan_folder(options.jsonl, inputs, ".jsonl", plan);
        return;
    }
    if (options.jsonl != "-") check_file(options.jsonl, true);
    plan.jsonl = options.jsonl;
}

// What makes a file of each video among the inputs, and nothing of pictures.
std::vector<std::string> plan_videos(const char* option, const std::string& path,
                                     const std::vector<std::string>& inputs, const std::vector<std::string>& endings,
                                     OutputPlan& plan) {
    if (names_folder(path)) return plan_folder(path, inputs, endings.front(), plan);
    check_ending(option, path, endings);
    check_file(path);
    const auto videos =
        std::count_if(inputs.begin(), inputs.end(), [](const std::string& i) { return !media::is_picture(i); });
    if (videos > 1)
        usage(fmt::format("{0} {1}: one file cannot take {2} videos; name a folder: {0} DIR/", option, path, videos));
    return std::vector<std::string>(inputs.size(), path);
}

void refuse_pictures(const char* option, const std::vector<std::string>& inputs) {
    for (const std::string& input : inputs)
        if (media::is_picture(input))
            usage(fmt::format("{} is a picture: {} takes videos, use --pictures DIR", input, option));
}

/// The containers of annotated videos, the usual one first. Motion JPEG's is the one that keeps times.
const std::vector<std::string>& video_endings(media::EncoderChoice encoder) {
    static const std::vector<std::string> usual = {".mp4", ".mkv", ".mov"}, jpeg = {".mkv", ".avi"};
    return encoder == media::EncoderChoice::jpeg ? jpeg : usual;
}

void plan_annotated_videos(const OutputOptions& options, const std::vector<std::string>& inputs, OutputPlan& plan) {
    const bool jpeg = options.encoding.encoder == media::EncoderChoice::jpeg;
    if (options.pictures.empty()) refuse_pictures("--video", inputs);
    plan.videos = plan_videos(jpeg ? "--encoder jpeg --video" : "--video", options.video, inputs,
                              video_endings(options.encoding.encoder), plan);
}

// An .mkv has a copy of the recording, which is read a second time for that.
void check_copies(const std::vector<std::string>& overlays, const std::vector<std::string>& inputs) {
    for (std::size_t i = 0; i < overlays.size(); ++i)
        if (overlays[i].ends_with(".mkv") && !media::can_be_copied(inputs[i]))
            usage(
                fmt::format("--overlay {}: {} cannot be read a second time to be copied; name an .ass, which has the "
                            "boxes alone",
                            overlays[i], inputs[i]));
}

// All files that are known before the run.
std::vector<std::string> outputs_of(const OutputPlan& plan, const std::vector<std::string>& inputs,
                                    const std::vector<std::string>& reports) {
    std::vector<std::string> outputs = plan.jsonl_files;
    outputs.push_back(plan.jsonl == "-" ? kStandardOutput : plan.jsonl);
    outputs.push_back(plan.contact_sheet);
    outputs.insert(outputs.end(), reports.begin(), reports.end());
    for (const auto* files : {&plan.videos, &plan.overlays})
        for (std::size_t i = 0; i < files->size(); ++i)
            if (!media::is_picture(inputs[i])) outputs.push_back((*files)[i]);
    for (std::size_t i = 0; i < plan.picture_stems.size(); ++i)
        if (media::is_picture(inputs[i])) outputs.push_back(plan.picture_stems[i] + ".jpg");
    std::erase(outputs, "");
    return outputs;
}

// No output may be what is read, or another output.
void check_collisions(const OutputPlan& plan, const std::vector<std::string>& inputs,
                      const std::vector<std::string>& reports, media::FileClaims& claims) {
    for (const std::string& input : inputs) {
        claims.reads(input, "an input");
        for (const std::string& part : media::playlist_files(input)) claims.reads(part, "a part of " + input);
    }
    for (const std::string& output : outputs_of(plan, inputs, reports)) claims.writes(output);
    for (std::size_t i = 0; i < plan.picture_stems.size(); ++i)
        if (!plan.by_kind && !media::is_picture(inputs[i])) claims.writes_numbered(plan.picture_stems[i]);
}

}  // namespace

OutputPlan plan_outputs(const OutputOptions& options, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& reports, media::FileClaims claims) {
    OutputPlan plan;
    plan.contact_sheet = options.contact_sheet;
    plan.encoding = options.encoding;
    plan.drawing = options.drawing;
    if (options.none()) {
        check_folder(kDefaultFolder);
        plan.by_kind = true;
        plan.folders.push_back(kDefaultFolder);
        plan.picture_stems = unique_stems(kDefaultFolder, inputs, kLongestEnding,
                                          [](const std::string& stem) { return !has_results(stem); });
        plan.videos = with_ending(plan.picture_stems, video_endings(options.encoding.encoder).front());
    }
    if (!options.jsonl.empty()) plan_jsonl(options, inputs, plan);
    if (!options.video.empty()) plan_annotated_videos(options, inputs, plan);
    if (!options.overlay.empty()) {
        if (options.pictures.empty()) refuse_pictures("--overlay", inputs);
        plan.overlays = plan_videos("--overlay", options.overlay, inputs, {".mkv", ".ass"}, plan);
        check_copies(plan.overlays, inputs);
    }
    if (!options.pictures.empty()) plan.picture_stems = plan_folder(options.pictures, inputs, "", plan);
    if (!options.contact_sheet.empty()) {
        check_ending("--contact-sheet", options.contact_sheet, {".jpg", ".jpeg", ".png", ".bmp"});
        check_file(options.contact_sheet);
    }
    for (const std::string& report : reports)
        if (!report.empty()) check_file(report);
    check_collisions(plan, inputs, reports, claims);
    return plan;
}

media::OutputLocks claim_outputs(OutputPlan& plan, const std::vector<std::string>& inputs,
                                 const std::vector<std::string>& reports) {
    media::OutputLocks locks;
    for (const std::string& folder : plan.folders) locks.make_folder(folder);
    if (plan.by_kind) {
        const std::string ending = video_endings(plan.encoding.encoder).front();
        // Only what is held cannot get results of another run any more.
        plan.picture_stems = unique_stems(kDefaultFolder, inputs, kLongestEnding, [&](const std::string& stem) {
            return locks.take(stem + ending) && locks.take(stem + ".jpg") && !has_results(stem);
        });
        plan.videos = with_ending(plan.picture_stems, ending);
    }
    for (const std::string& path : outputs_of(plan, inputs, reports))
        if (path != kStandardOutput) locks.require(path);        // who shares that knows it
    for (std::size_t i = 0; i < plan.picture_stems.size(); ++i)  // stands for all pictures of a video
        if (!plan.by_kind && !media::is_picture(inputs[i])) locks.require(plan.picture_stems[i] + "-000000.jpg");
    return locks;
}

Sinks make_sinks(const OutputPlan& plan, const std::vector<std::string>& class_names, const media::GiveUp& give_up) {
    Sinks sinks;
    const auto jsonl = [class_names, give_up](const std::string& path) {
        return std::make_unique<JsonlSink>(path, class_names, give_up);
    };
    if (!plan.jsonl.empty()) sinks.records.push_back(jsonl(plan.jsonl));
    if (!plan.jsonl_files.empty())
        sinks.records.push_back(std::make_unique<FolderSink>(plan.jsonl_files, jsonl, give_up));
    if (!plan.overlays.empty())
        sinks.records.push_back(std::make_unique<OverlaySink>(plan.overlays, class_names, plan.drawing.labels));
    const media::VideoFormat& encoding = plan.encoding;
    if (encoding.encoder == media::EncoderChoice::jpeg)
        sinks.jpegs = std::make_shared<media::JpegEncoders>(encoding.gpus);
    // A single input's error ends the run at once.
    const auto add = [&](std::size_t inputs, std::unique_ptr<PictureSink> sink) {
        if (inputs > 1) sink = std::make_unique<PerInputSink>(std::move(sink), give_up);
        sinks.pictures.push_back(std::move(sink));
    };
    if (!plan.videos.empty())
        add(plan.videos.size(),
            std::make_unique<VideoSink>(plan.videos, !plan.picture_stems.empty(), encoding, give_up, sinks.jpegs));
    if (!plan.picture_stems.empty())
        add(plan.picture_stems.size(),
            std::make_unique<PictureFilesSink>(plan.picture_stems, plan.by_kind, give_up, sinks.jpegs,
                                               encoding.quality < 0 ? media::kJpegQuality : encoding.quality));
    if (!plan.contact_sheet.empty())
        sinks.pictures.push_back(std::make_unique<ContactSheetSink>(plan.contact_sheet, give_up));
    return sinks;
}

}  // namespace convoy::tools
