// SPDX-License-Identifier: MIT
//
// From the output options to sinks, with every check that can be made before any work is done.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <convoy/media/give_up.h>
#include <convoy/media/video_format.h>
#include "tools/media/file_claims.h"
#include "tools/media/out/jpeg_encoders.h"
#include "tools/media/output_locks.h"
#include "tools/sinks/picture_sink.h"
#include "tools/sinks/sink.h"

namespace convoy::tools {

struct OutputOptions {
    std::string jsonl;          ///< file, "-" for standard output, or a folder: ends in / or exists
    std::string video;          ///< file, or a folder: ends in / or exists
    std::string overlay;        ///< .mkv or .ass, or a folder: ends in / or exists
    std::string pictures;       ///< folder
    std::string contact_sheet;  ///< file
    media::VideoFormat encoding = {.encoder = media::EncoderChoice::automatic};  ///< size and rate do not count
    DrawOptions drawing;
    bool none() const {
        return jsonl.empty() && video.empty() && overlay.empty() && pictures.empty() && contact_sheet.empty();
    }
};

/// Where everything will go. One entry per input in `jsonl_files`, `videos`, `overlays` and `picture_stems`; they are
/// empty when not asked for.
struct OutputPlan {
    std::string jsonl;                     ///< one file for all inputs, or "-"
    std::vector<std::string> jsonl_files;  ///< or these
    std::string contact_sheet;
    std::vector<std::string> videos, overlays;
    media::VideoFormat encoding = {.encoder = media::EncoderChoice::automatic};  ///< size and rate do not count
    DrawOptions drawing;
    std::vector<std::string> picture_stems;  ///< paths without .jpg or -000123.jpg
    std::vector<std::string> folders;        ///< to create
    bool by_kind = false;                    ///< videos make videos, pictures pictures: the default results in runs/
};

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

struct Sinks {
    std::vector<std::unique_ptr<Sink>> records;
    std::vector<std::unique_ptr<PictureSink>> pictures;
    std::shared_ptr<media::JpegEncoders> jpegs;  ///< that they share; null without EncoderChoice::jpeg
};

/// Creates the plan's sinks. Where an output is a pipe, the wait for whoever reads it can be given up.
Sinks make_sinks(const OutputPlan& plan, const std::vector<std::string>& class_names,
                 const media::GiveUp& give_up = {});

}  // namespace convoy::tools
