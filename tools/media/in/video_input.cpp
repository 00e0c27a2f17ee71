// SPDX-License-Identifier: MIT
#include "tools/media/in/video_input.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include <convoy/error.h>
#include "tools/media/in/damage.h"
#include "tools/media/in/video_reader.h"
#include "tools/media/pictures/tone_mapper.h"

namespace convoy::media {
namespace {

constexpr std::int64_t kSurelyInside = 8;  // stamps in a row

}  // namespace

VideoInput::VideoInput(std::unique_ptr<Demuxer> demuxer, std::stop_token cancel, const InputOptions& options)
    : cancel_(std::move(cancel)),
      demuxer_(std::move(demuxer)),
      stream_(demuxer_->stream()),
      info_(demuxer_->info()),
      options_(options),
      window_(options, demuxer_->begin_s()),
      segmenter_(stream_, [this](AVPacket& packet) { return demuxer_->read(packet); }) {
    if (options.start_s > 0) demuxer_->seek_before(window_.from_s);
    narrow_info();
    look_at_first_frame();
}

void VideoInput::narrow_info() {
    const double all_s = info_.duration_s, from_s = options_.start_s;
    info_.frame_step = options_.every;
    info_.fps_den = int(std::min<std::int64_t>(info_.fps_den * options_.every, std::numeric_limits<int>::max()));
    if (all_s > 0) {
        const double until_s = options_.stop_s > 0 ? std::min(options_.stop_s, all_s) : all_s;
        info_.duration_s = std::max(until_s - from_s, 0.);
        info_.frames_estimate = std::llround(double(info_.frames_estimate) * info_.duration_s / all_s);
    }
    info_.frames_estimate = (info_.frames_estimate + options_.every - 1) / options_.every;
}

/// Only a frame that was decoded tells that there are any, and their size.
void VideoInput::look_at_first_frame() {
    VideoReader reader(stream_, {}, false, options_.deinterlace);
    while (std::shared_ptr<const Segment> segment = read_segment()) {
        reader.open(segment);
        if (const std::optional<Frame> frame = reader.next()) {
            info_.width = frame->pixels.width;
            info_.height = frame->pixels.height;
            if (options_.start_s > 0) info_.start_s = options_.start_s;
            if (options_.start_s > 0 && !std::isnan(frame->time_s)) {
                info_.origin_s = demuxer_->begin_s();
                info_.start_s = frame->time_s - info_.origin_s;
            }
            ready_.push_back(std::move(segment));
            return;
        }
        add_damage(notes_, reader.notes());
    }
    if (options_.start_s > 0 && notes_.damaged == 0)
        throw Error(ErrorKind::input, "'" + info_.path + "' ends before the time at which it was to be begun");
    throw_no_frame(notes(), info_.path);
}

std::shared_ptr<const Segment> VideoInput::next_segment() {
    if (cancel_.stop_requested()) return nullptr;
    if (ready_.empty()) return read_segment();
    std::shared_ptr<const Segment> segment = std::move(ready_.front());
    ready_.pop_front();
    return segment;
}

std::shared_ptr<const Segment> VideoInput::read_segment() {
    while (!cancel_.stop_requested() && !has_enough()) {
        if (hand_out_) {
            std::shared_ptr<FramePart> part = hand_out_->next();
            if (hand_out_->ended()) hand_out_.reset();
            trim(*part);
            if (!part->frames.empty()) {
                part->first = std::exchange(row_begins_, false);
                return part;
            }
            add_damage(notes_, part->notes);
            continue;
        }
        std::optional<PacketRun> run = segmenter_.next();
        if (!run) break;
        if (run->closed() && options_.frames == 0) {
            if (wants(*run->segment)) return run->segment;
            continue;
        }
        row_begins_ = true;
        hand_out_ = std::make_unique<HandOut>(segmenter_, std::move(*run), options_.threads, options_.deinterlace);
    }
    if (!cancel_.stop_requested() && !has_enough() && !demuxer_->broken_off().empty())
        throw Error(ErrorKind::input, demuxer_->broken_off());
    return nullptr;
}

/// A single stamp may be wrong.
void VideoInput::see(double time_s) {
    if (time_s >= window_.from_s)
        ++inside_;
    else if (!std::isnan(time_s))
        inside_ = 0;
}

/// Counts the frames that the window holds, and tells the segment which of them they are.
bool VideoInput::wants(PacketSegment& segment) {
    segment.window = window_;
    segment.first_held = held_;
    const auto& packets = segment.packets;
    const std::size_t next = segment.leading > 0 ? packets.size() - segment.leading - 1 : packets.size();
    bool all_past = !packets.empty();
    std::int64_t count = 0;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        const double time_s = stream_->seconds(packets[i]->pts);
        all_past &= window_.is_past(time_s);
        see(time_s);
        const bool shown_before = i > 0 && i <= segment.led_by;
        count += !shown_before && i != next && window_.holds(time_s);
    }
    held_ += count;
    if (inside_ >= kSurelyInside) window_.begin();
    past_end_ = all_past;
    return window_.wants_any(segment.first_held, count);
}

void VideoInput::trim(FramePart& part) {
    std::erase_if(part.frames, [&](const Frame& frame) {
        past_end_ |= window_.is_past(frame.time_s);
        see(frame.time_s);
        return !window_.holds(frame.time_s) || !window_.wants(held_++);
    });
    if (inside_ >= kSurelyInside) window_.begin();
    if (options_.frames == 0) return;
    const std::int64_t wanted = options_.frames - frames_;
    if (std::int64_t(part.frames.size()) > wanted) part.frames.resize(std::size_t(wanted));
    frames_ += std::int64_t(part.frames.size());
}

// A file that was not read to its end is not cut short.
SegmentNotes VideoInput::notes() const {
    SegmentNotes all = notes_;
    if (!has_enough() && demuxer_->broken_off().empty()) add_damage(all, demuxer_->notes());
    return all;
}

std::string VideoInput::remark() const {
    std::string text = demuxer_->remark();
    const auto also = [&](const std::string& more) {
        if (!more.empty()) text += (text.empty() ? "" : "; ") + more;
    };
    const AVCodecParameters& video = *stream_->parameters;
    if (is_hdr(video.color_trc)) {
        const std::string obstacle = ToneMapper::obstacle();
        also(obstacle.empty() ? "HDR, tone-mapped to SDR" : "HDR, looks pale without tone mapping: " + obstacle);
    }
    if (video.field_order > AV_FIELD_PROGRESSIVE)
        also(options_.deinterlace ? "deinterlaced" : "interlaced: what moves has combed edges unless deinterlaced");
    also(how_cut());
    return text;
}

double VideoInput::last_frame_s() const {
    if (options_.every == 1 || options_.frames > 0 || held_ == 0 || info_.fps_num == 0) return 0;
    const std::int64_t frames = (held_ - 1) % options_.every + 1;
    return double(info_.fps_den) / info_.fps_num / double(options_.every) * double(frames);
}

/// Where that is not the usual way.
std::string VideoInput::how_cut() const {
    const auto of = [](std::int64_t n, const char* noun) {
        return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
    };
    const std::string consequence = " decoded by one decoder, frames handed out to the devices";
    if (segmenter_.uncut_packets() == 0) return "";
    if (!segmenter_.can_cut()) return std::string(avcodec_get_name(stream_->codec())) + " is never cut:" + consequence;
    const std::string points = segmenter_.entry_points() == 1 ? "one keyframe in " + of(segmenter_.packets(), "packet")
                                                              : of(segmenter_.entry_points(), "keyframe") + " in " +
                                                                    of(segmenter_.packets(), "packet");
    return points + ": " + of(segmenter_.uncut_packets(), "packet") + consequence;
}

std::unique_ptr<SegmentReader> VideoInput::make_reader(const DecodeTarget& target) {
    return std::make_unique<VideoReader>(stream_, target, false, options_.deinterlace);
}

bool VideoInput::adopt_reader(SegmentReader& reader) {
    if (options_.deinterlace) return false;
    auto* of_video = dynamic_cast<VideoReader*>(&reader);
    return of_video && of_video->move_to(stream_);
}

}  // namespace convoy::media
