// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

extern "C" {
#include <libavcodec/bsf.h>
}

#include "tools/media/av_handles.h"
#include "tools/media/out/picture_order.h"
#include "tools/media/reach.h"

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
    /// What is not copied, so far: sound and subtitles for which there was no place ("truehd sound, for which its kind
    /// has no place"), sound with nothing in it, parts of a playlist that are missing. Empty where nothing is.
    std::string left_out() const;
    /// Where a track has gone; -1: it was left out.
    int track_of(int stream) const { return tracks_[std::size_t(stream)].to; }
    const AVFormatContext& context() const { return *input_; }
    /// The video stream; -1 when there is none.
    int video() const { return video_; }
    /// Whether it can be said when its pictures are shown: not where an .avi has them in another order (VC-1).
    bool knows_order() const;
    /// From where a picture has the stamp `from_s` on, stamps become `earlier_s` less. The first, from anywhere, is
    /// said before anything is written; each later one where the pictures' stamps leap or step back, before what is
    /// behind is written. A track takes it where its own stamps do so.
    void add_step(double from_s, double earlier_s);
    /// Writes what is decoded before `end_s`, by the stamps that are written. Sound that would come before 0, or whose
    /// stamps step back by themselves, is left out. A negative AVERROR when the file does not take it. Throws
    /// Error(unsupported) for pictures without time stamps, or whose stamps step back by themselves.
    int write_until(double end_s, AVFormatContext& output);
    /// Whether all is known that stands in front of a file: of some sound, as AC-3 and AAC of transport
    /// streams, only its first packets say.
    bool is_described() const;
    /// Writes what stands in front of a file and is not known yet, when nothing more comes: the first packets of sound
    /// that begins behind the last picture. A negative AVERROR when the file does not take it.
    int describe_at_last(AVFormatContext& output);
    /// Packets, so far.
    std::int64_t written() const { return written_; }

private:
    struct FilterDeleter {
        void operator()(AVBSFContext* p) const { av_bsf_free(&p); }
    };
    struct Step {
        double from_s, earlier_s;
    };
    struct Count {
        std::optional<std::int64_t> next;  // the stamp that follows
        std::int64_t duration = 0;         // of a packet
    };
    struct Track {
        static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();
        int to = -1;                                          // in the output
        std::size_t step = 0;                                 // of steps_
        std::int64_t last_dts = kNone, last_written = kNone;  // as it was read, and as it was written
        std::int64_t last_muxed = kNone;                      // in the output's ticks
        std::int64_t packets = 0;
        std::vector<PacketPtr> description;  // where it must stand in front: the first packets
    };

    int open_part(AVFormatContext& context, AVIOContext** io, const char* url, int flags, AVDictionary** options);
    void name_sound();
    double earlier_s(const AVStream& stream, std::size_t step) const;
    bool read(AVPacket& packet);
    bool read_next(AVPacket& packet);
    void begin_to_unpack(AVStream& video);
    bool unpack(AVPacket& packet);
    void count_anew(AVPacket& packet);
    bool read_ahead();
    void begin_near(double origin_s);
    bool is_wanted(const AVStream& stream) const;
    bool fits(const AVStream& stream, const AVFormatContext& output);
    void leave_out_empty();
    std::vector<PacketPtr> description_of(const AVStream& stream);
    void name_left_out(const AVStream& stream, const std::string& what);
    bool next();
    void complete(AVPacket& packet) const;
    bool follow_steps(const AVPacket& packet, Track& track) const;
    void leave_out(const AVPacket& packet) const;
    static void stamp(AVPacket& packet, Track& track, const AVFormatContext& output, AVRational base);
    int write(AVPacket& packet, Track& track, AVFormatContext& output, AVRational base);

    const std::string recording_;
    const Tracks which_;
    Reach reach_;
    DemuxerPtr input_;
    int video_ = -1;
    std::unique_ptr<AVBSFContext, FilterDeleter> unpack_;  // of an .avi of MPEG-4
    std::optional<PictureOrder> order_;
    std::vector<Track> tracks_;  // by stream
    std::string no_place_, gap_;
    std::vector<Step> steps_;
    PacketPtr packet_;             // read and not yet written
    std::deque<PacketPtr> ahead_;  // read before it
    std::size_t bytes_ahead_ = 0;  // in there at first
    bool ended_ = false;
    std::map<int, Count> counts_;  // of the sound of an .avi, by stream
    std::int64_t written_ = 0;
};

/// How many packets an .mp4 must have seen to describe a track in front of them.
int packets_that_describe(const AVCodecParameters& codec);

/// What people should know of a file `path` that lacks what RecordingCopy::left_out() names.
std::string lack_text(const std::string& path, const std::string& left_out);

/// Whether a path is that of a file, which can be read once more.
bool can_be_copied(const std::string& recording);

}  // namespace convoy::media
