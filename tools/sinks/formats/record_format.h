// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/analysis/zones_file.h"
#include "tools/sinks/frame_names.h"
#include "tools/sinks/sink.h"

namespace convoy::tools {

/// What a file of text says of frames. It is asked for whole lines alone, so that a file that was cut off is readable
/// up to its last line. Of one file, on one thread.
class RecordFormat {
public:
    using Write = std::function<void(const std::string&)>;

    virtual ~RecordFormat() = default;
    /// What comes before the first frame.
    virtual std::string begin() { return {}; }
    /// The frame's lines; none where the format has nothing to say of it.
    virtual std::string frame(const FrameOutput& frame) = 0;
    /// What comes behind the last frame: piece by piece, since it may be long.
    virtual void end(const Write& /*write*/) {}
};

/// What a format calls things.
struct FormatNames {
    std::vector<std::string> classes;
    FrameNames frames = {};                             ///< for those that know pictures alone
    std::shared_ptr<const analysis::Zones> zones = {};  ///< for those that count in them
    bool latency = true;                                ///< latency_ms in JSON
};

/// docs/outputs.md has what each of them looks like.
std::unique_ptr<RecordFormat> jsonl_format(const FormatNames& names);
std::unique_ptr<RecordFormat> csv_format(const FormatNames& names);
std::unique_ptr<RecordFormat> coco_format(const FormatNames& names);
std::unique_ptr<RecordFormat> mot_format(const FormatNames& names);
std::unique_ptr<RecordFormat> cvat_format(const FormatNames& names);
std::unique_ptr<RecordFormat> label_studio_format(const FormatNames& names);
/// Of zones (docs/zones.md): what changes, over time, visit by visit, and in all.
std::unique_ptr<RecordFormat> zone_events_format(const FormatNames& names);
std::unique_ptr<RecordFormat> zone_counts_format(const FormatNames& names);
std::unique_ptr<RecordFormat> zone_visits_format(const FormatNames& names);
std::unique_ptr<RecordFormat> zone_totals_format(const FormatNames& names);

}  // namespace convoy::tools
