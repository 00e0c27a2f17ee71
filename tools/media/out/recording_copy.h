// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/media/av_handles.h"

namespace convoy::media {

/// A recording that is read once more, for its packets to be copied into another file as they are.
class RecordingCopy {
public:
    enum class Tracks { all, sound };
    /// `video`: the index of the video stream that is meant; -1: the best. Throws Error(input) when the recording
    /// cannot be opened.
    RecordingCopy(std::string recording, Tracks which, int video = -1);

    /// Gives a file that is not yet begun those tracks for which it has a place; of several videos the one.
    void add_tracks(AVFormatContext& output);
    /// Where a track has gone; -1: it was left out.
    int track_of(int stream) const { return tracks_[std::size_t(stream)]; }
    const AVFormatContext& context() const { return *input_; }
    /// The video stream; -1 when there is none.
    int video() const { return video_; }
    /// Writes what is decoded before `end_s`, container time. All stamps become `earlier_s` less; sound that would come
    /// before 0 then, or whose stamps step back, is left out. A negative AVERROR when the file does not take it. Throws
    /// Error(unsupported) for pictures without time stamps, or whose stamps step back.
    int write_until(double end_s, double earlier_s, AVFormatContext& output);

private:
    bool next();

    const std::string recording_;
    const Tracks which_;
    DemuxerPtr input_;
    int video_ = -1;
    std::vector<int> tracks_;             // by stream
    std::vector<std::int64_t> last_dts_;  // by stream
    PacketPtr packet_;                    // read and not yet written
};

/// Whether a path is that of a file, which can be read once more.
bool can_be_copied(const std::string& recording);

}  // namespace convoy::media
