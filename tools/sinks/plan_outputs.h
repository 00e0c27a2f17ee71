// SPDX-License-Identifier: MIT
//
// From the output options to where everything goes, with every check that can be made before any work is done.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <convoy/media/video_format.h>
#include "tools/media/file_claims.h"
#include "tools/media/output_locks.h"
#include "tools/sinks/broker_target.h"
#include "tools/sinks/drawn_picture.h"
#include "tools/sinks/formats/record_format.h"
#include "tools/sinks/webhook.h"

namespace convoy::tools {

struct OutputOptions {
    /// Records: file, "-" for standard output, or a folder: ends in / or exists.
    std::string jsonl, csv, coco, mot, cvat, label_studio, zone_counts, zone_visits, zone_totals;
    std::string yolo;           ///< folder
    std::string crops;          ///< folder
    std::string video;          ///< file, or a folder: ends in / or exists
    std::string overlay;        ///< .mkv or .ass, or a folder: ends in / or exists
    std::string pictures;       ///< folder
    std::string contact_sheet;  ///< file
    std::string mqtt;           ///< mqtt://HOST[:PORT]/TOPIC
    bool mqtt_events = false;   ///< what changes in zones in place of each frame's record
    int mqtt_queue_mib = 16;    ///< of messages that wait for the broker
    std::string kafka;          ///< kafka://HOST[:PORT]/TOPIC
    bool kafka_events = false;  ///< as of MQTT
    int kafka_queue_mib = 16;   ///< the same
    std::string webhook;        ///< http(s)://…: for what changes in zones
    std::string serve;          ///< [HOST:]PORT
    media::VideoFormat encoding = {.encoder = media::EncoderChoice::automatic};  ///< size and rate do not count
    DrawOptions drawing;
    bool more_inputs = false;  ///< will come while the run lasts: what takes one input takes a folder then
    bool none() const;
    /// Whether something is asked for that is made of inputs alone.
    bool has_files() const;
};

/// A format of records among the outputs.
struct RecordKind {
    const char *option, *ending;  ///< "--csv"; ".csv", of the files in a folder
    std::string OutputOptions::*path;
    std::unique_ptr<RecordFormat> (*format)(const FormatNames& names);
    enum class OneFile { takes_all, takes_one_input, takes_pictures_or_one_video } one_file = OneFile::takes_all;
};

/// Records of one kind: in one file for all inputs, or "-", or in one for each.
struct PlannedRecords {
    const RecordKind* kind;
    std::string file;
    std::vector<std::string> files;
};

struct PlannedBroker {
    BrokerTarget target;
    bool events;
    std::size_t queue_bytes;
};

/// Where everything will go. One entry per input in `videos`, `overlays`, `picture_stems` and `label_stems`, which are
/// empty when not asked for, and in `frame_stems`.
struct OutputPlan {
    std::vector<PlannedRecords> records;
    std::string contact_sheet;
    std::optional<PlannedBroker> mqtt, kafka;
    std::optional<WebhookTarget> webhook;
    std::vector<std::string> videos, overlays;
    media::VideoFormat encoding = {.encoder = media::EncoderChoice::automatic};  ///< size and rate do not count
    DrawOptions drawing;
    std::vector<std::string> picture_stems;  ///< paths without .jpg or -000123.jpg
    std::vector<std::string> label_stems;    ///< of --yolo: paths without .txt or -000123.txt
    std::string crops;                       ///< folder
    std::string label_classes;               ///< of --yolo: the file with the classes' names
    std::vector<std::string> frame_stems;    ///< what pictures are called in records: the same without a folder
    std::vector<std::string> folders;        ///< to create
    bool more_inputs = false;                ///< as in the options
    bool by_kind = false;                    ///< videos make videos, pictures pictures: the default results in runs/
};

/// The plan's names by input, which sinks look at, and which grow with the inputs. Empty ones are not asked for.
struct OutputNames {
    explicit OutputNames(const OutputPlan& plan);

    std::vector<InputNames> records;  ///< by kind, as in the plan
    InputNames videos, overlays, picture_stems, label_stems, frame_stems;
};

/// Names for the last of `inputs`, which has come since, or its place where it is ""; the others have theirs. Throws as
/// plan_outputs() and claim_outputs(): then it has none, and nothing has changed.
void name_outputs(const OutputPlan& plan, OutputNames& names, const std::vector<std::string>& inputs,
                  media::OutputLocks& locks);

/// Plans and checks the outputs; touches nothing. `inputs` are files; `reports` are files that are written beside the
/// sinks, and may be empty; `claims` has what else is read, and gets it all. Throws Error(usage) for options that do
/// not go together or would overwrite what is read, Error(output) for what cannot be written.
OutputPlan plan_outputs(const OutputOptions& options, const std::vector<std::string>& inputs,
                        const std::vector<std::string>& reports, media::FileClaims claims = {});

/// Takes the plan's outputs for this run as long as the locks live, and creates its folders. Default results that
/// another run has begun meanwhile get the next name that is free. Throws Error(output) for a named output that another
/// run is writing.
media::OutputLocks claim_outputs(OutputPlan& plan, const std::vector<std::string>& inputs,
                                 const std::vector<std::string>& reports);

/// The plan's files that take the place of one of the same name, as far as they are known before the run.
std::vector<std::string> to_be_replaced(const OutputPlan& plan);

}  // namespace convoy::tools
