// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "tools/media/av_handles.h"
#include "tools/media/files.h"
#include "tools/media/out/recording_copy.h"

namespace convoy::media {

/// A recording with a track of subtitles beside its own, or that track alone: in .mkv the recording's packets, copied
/// as they are with their own time stamps; in .ass no more than the track. The file is written under a temporary name
/// and takes its name in close(); without it nothing stays.
class OverlayWriter {
public:
    /// `header` is AssScript's; `video` is the index of the stream that was read, -1: the best. Throws Error(usage) for
    /// another ending, Error(unsupported) for an .mkv of what cannot be copied: no recording in a file, without time
    /// stamps, rotated where this libav would lose that; Error(output) when the file cannot be created.
    OverlayWriter(std::string recording, const std::string& path, const std::string& header, int video = -1);

    /// From where a picture has the stamp `from_s` on, container time, what is copied gets stamps that are `earlier_s`
    /// less: the recording's leap or step back there. To be said before events from there on, whose times do not.
    void step(double from_s, double earlier_s);
    /// Shows `events` from `start_s` to `end_s`, container time, and copies what of the recording comes before that.
    /// Times rise. Throws Error(output).
    void write(const std::vector<std::string>& events, double start_s, double end_s);
    /// Copies the rest of the recording, or what comes before `end_s`, and finishes the file. Throws Error(output).
    void close(double end_s);
    /// RecordingCopy::left_out() of an .mkv.
    std::string left_out() const { return copies_ ? copy_->left_out() : ""; }

private:
    void copy_tracks();
    void add_subtitles(const std::string& header);
    void copy_until(double end_s);
    void check(int code) const;

    std::string recording_, path_;
    bool copies_;  // an .mkv
    std::optional<RecordingCopy> copy_;
    OutputFile file_;
    MuxerPtr output_;
    AVStream* subtitles_ = nullptr;
    double origin_s_ = 0;                                                     // container time that is 0 in the file
    std::int64_t last_start_ = std::numeric_limits<std::int64_t>::min() / 2;  // ticks
};

}  // namespace convoy::media
