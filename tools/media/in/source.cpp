// SPDX-License-Identifier: MIT
#include <convoy/media/source.h>

#include <cmath>
#include <utility>

#include <convoy/media/image.h>
#include "tools/media/files.h"
#include "tools/media/in/damage.h"
#include "tools/media/in/decoder.h"
#include "tools/media/in/demuxer.h"
#include "tools/media/in/frame_maker.h"
#include "tools/media/in/picture_input.h"

namespace convoy::media {
namespace {

/// A whole stream by one decoder.
class VideoSource : public Source {
public:
    VideoSource(const std::string& path, const SourceOptions& options)
        : demuxer_(path),
          begun_(demuxer_.read(*packet_)),
          decoder_(open_decoder(options.threads)),
          maker_(demuxer_.stream(), FrameMaker::Form::rgb8) {
        info_ = demuxer_.info();
        if (info_.fps_num > 0) frame_s_ = double(info_.fps_den) / info_.fps_num;
        pending_ = decode();
        if (!pending_) throw_no_frame(notes_, path);
        info_.width = pending_->pixels.width;
        info_.height = pending_->pixels.height;
    }

    const SourceInfo& info() const override { return info_; }
    std::int64_t damaged() const override { return notes_.damaged; }
    const std::string& first_damage() const override { return notes_.first_damage; }
    std::optional<Frame> next() override { return pending_ ? std::exchange(pending_, std::nullopt) : decode(); }

private:
    Decoder open_decoder(int threads) const {
        return {demuxer_.stream(),
                demuxer_.stream()->extradata(),
                {.threads = threads,
                 .inside_gop =
                     begun_ && !(packet_->flags & AV_PKT_FLAG_KEY) && marks_keyframes(demuxer_.stream()->codec())}};
    }

    std::optional<Frame> decode() {
        const auto feed = [this] {
            return std::exchange(begun_, false) || demuxer_.read(*packet_) ? packet_.get() : nullptr;
        };
        while (!ended_) {
            AVFrame* picture = decoder_.next(feed, notes_);
            if (!picture) {
                ended_ = true;
                add_damage(notes_, demuxer_.notes());
                break;
            }
            std::optional<Frame> frame = maker_.make(*picture);
            if (!frame) {
                note_unconvertible(notes_, info_.path);
                continue;
            }
            frame->undecodable = decoder_.undecodable();
            frame->index = frames_++;
            frame->time_s = relative(frame->time_s);
            return frame;
        }
        return std::nullopt;
    }

    double relative(double stamp_s) {
        double time_s = expected_s_;
        if (std::isfinite(stamp_s)) {
            if (!origin_s_) origin_s_ = stamp_s - expected_s_;
            time_s = stamp_s - *origin_s_;
        }
        expected_s_ = time_s + frame_s_;
        return time_s;
    }

    Demuxer demuxer_;
    PacketPtr packet_{av_packet_alloc()};
    bool begun_;  // the first packet is there
    Decoder decoder_;
    FrameMaker maker_;
    SourceInfo info_;
    SegmentNotes notes_;
    bool ended_ = false;

    std::optional<Frame> pending_;  // the first frame, decoded to know that there is one
    std::int64_t frames_ = 0;
    double frame_s_ = .04;            // a frame's duration
    double expected_s_ = 0;           // time of the next frame if it has no stamp
    std::optional<double> origin_s_;  // container time of the first frame
};

/// One picture, read at once.
class PictureSource : public Source {
public:
    explicit PictureSource(const std::string& path) {
        PictureInput input(path);
        const auto reader = input.make_reader({});
        reader->open(input.next_segment());
        picture_ = reader->next();
        info_ = input.info();
        info_.width = picture_->pixels.width;
        info_.height = picture_->pixels.height;
    }

    const SourceInfo& info() const override { return info_; }
    std::int64_t damaged() const override { return 0; }
    const std::string& first_damage() const override { return no_damage_; }
    std::optional<Frame> next() override { return std::exchange(picture_, std::nullopt); }

private:
    SourceInfo info_;
    std::string no_damage_;
    std::optional<Frame> picture_;
};

}  // namespace

std::unique_ptr<Source> open_source(const std::string& path, const SourceOptions& options) {
    if (is_picture(path) && !is_url(path)) return std::make_unique<PictureSource>(path);
    return std::make_unique<VideoSource>(path, options);
}

}  // namespace convoy::media
