// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "tools/media/av_handles.h"

namespace convoy::media {

/// When the pictures of an .avi of H.264, HEVC or MPEG-4 are shown, which has times of decoding alone: as a decoder
/// does it, without one. Of the pictures that are held back, as many as the stream says, the first one in order is
/// shown when the next is decoded.
class PictureOrder {
public:
    /// Takes the file's packets one by one; false at the end.
    using Read = std::function<bool(AVPacket&)>;

    /// Whether a recording's pictures need that and can have it.
    static bool fits(const AVFormatContext& input, int video);

    /// `recording`: its name, for errors. `video`: a stream of a recording that fits.
    PictureOrder(std::string recording, const AVStream& video, Read read);
    /// The file's next packet, of any stream; those of the video with the time at which they are shown. False at the
    /// end. Throws Error(unsupported) where more pictures are held back than the stream says.
    bool next(AVPacket& packet);

private:
    struct ParserDeleter {
        void operator()(AVCodecParserContext* p) const { av_parser_close(p); }
    };
    using Key = std::pair<std::int64_t, int>;  // sequence that an IDR picture begins, or MPEG-4's I or P; number in it

    void see(AVPacket& packet);
    bool begins_sequence(const AVPacket& packet) const;
    bool has_number() const;
    Key number(const AVPacket& packet);
    void show(std::int64_t at);
    void show_all();

    const std::string recording_;
    const Read read_;
    const int video_;
    const std::size_t delay_;  // pictures
    int length_size_;
    CodecPtr codec_;
    std::unique_ptr<AVCodecParserContext, ParserDeleter> parser_;
    std::deque<PacketPtr> waiting_;            // of all streams, as they were read
    std::multimap<Key, AVPacket*> held_back_;  // of those
    Key last_shown_;
    std::int64_t sequence_ = 0;
    std::int64_t end_ = 0, step_ = 0;  // where the next picture would be decoded; that less the last one
    std::int64_t bytes_ = 0;           // that wait
    bool ended_ = false;
};

}  // namespace convoy::media
