// SPDX-License-Identifier: MIT
#include "tools/sinks/plan_outputs.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <convoy/error.h>
#include "tools/media/in/playlist_files.h"
#include "tools/media/out/recording_copy.h"
#include "tools/sinks/kafka_publisher.h"
#include "tools/sinks/mqtt_publisher.h"
#include "tools/sinks/output_paths.h"

namespace fs = std::filesystem;

namespace convoy::tools {
namespace {

constexpr std::size_t kLongestEnding = 6;  // bytes behind a stem in runs/
constexpr const char *kDefaultFolder = "runs", *kStandardOutput = "/dev/stdout";

using OneFile = RecordKind::OneFile;
constexpr RecordKind kRecordKinds[] = {
    {"--jsonl", ".jsonl", &OutputOptions::jsonl, jsonl_format},
    {"--csv", ".csv", &OutputOptions::csv, csv_format},
    {"--coco", ".json", &OutputOptions::coco, coco_format},
    {"--mot", ".txt", &OutputOptions::mot, mot_format, OneFile::takes_one_input},
    {"--cvat", ".xml", &OutputOptions::cvat, cvat_format, OneFile::takes_pictures_or_one_video},
    {"--label-studio", ".json", &OutputOptions::label_studio, label_studio_format},
    {"--zone-counts", ".csv", &OutputOptions::zone_counts, zone_counts_format, OneFile::takes_one_input},
    {"--zone-visits", ".csv", &OutputOptions::zone_visits, zone_visits_format, OneFile::takes_one_input},
    {"--zone-totals", ".json", &OutputOptions::zone_totals, zone_totals_format, OneFile::takes_one_input},
};

[[noreturn]] void usage(const std::string& sentence) { throw Error(ErrorKind::usage, sentence); }

bool has_results(const std::string& stem) {
    const auto there = [&](const char* ending) { return fs::exists(stem + ending); };
    return there(".mp4") || there(".mkv") || there(".jpg");
}

// A file for each input in a folder.
std::vector<std::string> plan_folder(const std::string& folder, const std::vector<std::string>& inputs,
                                     const std::string& ending, OutputPlan& plan) {
    check_folder(folder);
    plan.folders.push_back(folder);
    return with_ending(unique_stems(folder, inputs, ending.empty() ? kPictureOfVideo : ending.size()), ending);
}

std::size_t count_videos(const std::vector<std::string>& inputs) {
    return std::size_t(
        std::count_if(inputs.begin(), inputs.end(), [](const std::string& i) { return !media::is_picture(i); }));
}

// A file of these records tells no inputs, or no videos, apart.
void check_one_file(const RecordKind& kind, const std::string& path, const std::vector<std::string>& inputs,
                    bool more_inputs) {
    const bool takes_it = kind.one_file == OneFile::takes_all || (inputs.size() == 1 && !more_inputs) ||
                          (kind.one_file == OneFile::takes_pictures_or_one_video && !count_videos(inputs));
    if (!takes_it)
        usage(fmt::format("{0} {1}: one file takes one input{2}; name a folder: {0} DIR/", kind.option, path,
                          kind.one_file == OneFile::takes_one_input ? "" : ", or pictures alone"));
}

void plan_records(const OutputOptions& options, const std::vector<std::string>& inputs, OutputPlan& plan) {
    const RecordKind* on_standard_output = nullptr;
    for (const RecordKind& kind : kRecordKinds) {
        const std::string& path = options.*kind.path;
        if (path.empty()) continue;
        if (names_folder(path)) {
            plan.records.push_back({&kind, "", plan_folder(path, inputs, kind.ending, plan)});
            continue;
        }
        check_one_file(kind, path, inputs, options.more_inputs);
        if (path != "-")
            check_file(path, true);
        else if (const RecordKind* other = std::exchange(on_standard_output, &kind))
            usage(fmt::format("{} - and {} -: standard output takes one of them; name a file for the other",
                              other->option, kind.option));
        plan.records.push_back({&kind, path, {}});
    }
}

// classes.txt is for the names.
std::vector<std::string> frame_stems(const std::string& folder, const std::vector<std::string>& inputs) {
    return unique_stems(folder, inputs, kPictureOfVideo,
                        [](const std::string& stem) { return fs::path(stem).filename() != "classes"; });
}

// What makes a file of each video among the inputs, and nothing of pictures.
std::vector<std::string> plan_videos(const char* option, const std::string& path,
                                     const std::vector<std::string>& inputs, const std::vector<std::string>& endings,
                                     OutputPlan& plan) {
    if (names_folder(path)) return plan_folder(path, inputs, endings.front(), plan);
    check_ending(option, path, endings);
    check_file(path);
    if (plan.more_inputs)
        usage(fmt::format("{0} {1}: one file cannot take the videos that are to come; name a folder: {0} DIR/", option,
                          path));
    if (const std::size_t videos = count_videos(inputs); videos > 1)
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

std::vector<std::string> record_files(const OutputPlan& plan) {
    std::vector<std::string> files;
    for (const PlannedRecords& records : plan.records) {
        files.insert(files.end(), records.files.begin(), records.files.end());
        if (records.files.empty()) files.push_back(records.file == "-" ? kStandardOutput : records.file);
    }
    return files;
}

// Calls `each` with the stems that each picture's or frame's file begins with, and their ending.
template <typename Each>
void for_frame_files(const OutputPlan& plan, Each each) {
    if (!plan.by_kind) each(plan.picture_stems, ".jpg");
    each(plan.label_stems, ".txt");
}

// All files that are known before the run.
std::vector<std::string> outputs_of(const OutputPlan& plan, const std::vector<std::string>& inputs,
                                    const std::vector<std::string>& reports) {
    std::vector<std::string> outputs = record_files(plan);
    outputs.push_back(plan.contact_sheet);
    outputs.push_back(plan.label_classes);
    outputs.insert(outputs.end(), reports.begin(), reports.end());
    for (const auto* files : {&plan.videos, &plan.overlays})
        for (std::size_t i = 0; i < files->size(); ++i)
            if (!media::is_picture(inputs[i])) outputs.push_back((*files)[i]);
    for (std::size_t i = 0; i < plan.picture_stems.size(); ++i)
        if (media::is_picture(inputs[i])) outputs.push_back(plan.picture_stems[i] + ".jpg");
    for (std::size_t i = 0; i < plan.label_stems.size(); ++i)
        if (media::is_picture(inputs[i])) outputs.push_back(plan.label_stems[i] + ".txt");
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
    if (!plan.crops.empty()) claims.writes_below(plan.crops);
    for_frame_files(plan, [&](const std::vector<std::string>& stems, const char* ending) {
        for (std::size_t i = 0; i < stems.size(); ++i)
            if (!media::is_picture(inputs[i])) claims.writes_numbered(stems[i], ending);
    });
}

}  // namespace

bool OutputOptions::none() const { return !has_files() && serve.empty(); }

bool OutputOptions::has_files() const {
    const bool records = std::any_of(std::begin(kRecordKinds), std::end(kRecordKinds),
                                     [&](const RecordKind& kind) { return !(this->*kind.path).empty(); });
    return records || !yolo.empty() || !crops.empty() || !video.empty() || !overlay.empty() || !pictures.empty() ||
           !contact_sheet.empty() || !mqtt.empty() || !kafka.empty() || !webhook.empty();
}

OutputPlan plan_outputs(const OutputOptions& options, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& reports, media::FileClaims claims) {
    OutputPlan plan;
    plan.contact_sheet = options.contact_sheet;
    plan.encoding = options.encoding;
    plan.drawing = options.drawing;
    plan.more_inputs = options.more_inputs;
    if (options.none()) {
        check_folder(kDefaultFolder);
        plan.by_kind = true;
        plan.folders.push_back(kDefaultFolder);
        plan.picture_stems = unique_stems(kDefaultFolder, inputs, kLongestEnding,
                                          [](const std::string& stem) { return !has_results(stem); });
        plan.videos = with_ending(plan.picture_stems, video_endings(options.encoding.encoder).front());
    }
    plan.frame_stems = frame_stems("", inputs);
    plan_records(options, inputs, plan);
    if (!options.yolo.empty()) {
        plan.folders.push_back(options.yolo);
        check_folder(options.yolo);
        plan.label_stems = frame_stems(as_folder(options.yolo), inputs);
        plan.label_classes = as_folder(options.yolo) + "classes.txt";
    }
    if (!options.crops.empty()) {
        plan.folders.push_back(options.crops);
        check_folder(options.crops);
        plan.crops = as_folder(options.crops);
    }
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
    const auto environment = [](const char* name) { return std::getenv(name); };
    if (!options.mqtt.empty()) {
        MqttPublisher::require();
        plan.mqtt = {mqtt_target(options.mqtt, environment), options.mqtt_events,
                     std::size_t(options.mqtt_queue_mib) << 20};
    }
    if (!options.kafka.empty()) {
        KafkaPublisher::require();
        plan.kafka = {kafka_target(options.kafka, environment), options.kafka_events,
                      std::size_t(options.kafka_queue_mib) << 20};
    }
    if (!options.webhook.empty()) plan.webhook = webhook_target(options.webhook, environment);
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
        if (path != kStandardOutput) locks.require(path);  // who shares that knows it
    for_frame_files(plan, [&](const std::vector<std::string>& stems, const char* ending) {
        for (std::size_t i = 0; i < stems.size(); ++i)  // one stands for all of a video
            if (!media::is_picture(inputs[i])) locks.require(stems[i] + "-000000" + ending);
    });
    if (!plan.crops.empty())  // stands for those of all its classes
        for (const std::string& stem : plan.frame_stems) locks.require(plan.crops + stem + ".jpg");
    return locks;
}

std::vector<std::string> to_be_replaced(const OutputPlan& plan) {
    std::vector<std::string> files = record_files(plan);
    files.push_back(plan.contact_sheet);
    for (const auto* more : {&plan.videos, &plan.overlays}) files.insert(files.end(), more->begin(), more->end());
    std::error_code error;
    std::erase_if(files, [&](const std::string& path) { return !fs::is_regular_file(path, error); });
    return files;
}

}  // namespace convoy::tools
