// SPDX-License-Identifier: MIT
#include "tools/media/out/picture_order.h"

#include <algorithm>
#include <limits>
#include <new>
#include <string_view>

#include <convoy/error.h>
#include "tools/media/in/nal_units.h"
#include "tools/media/in/parameter_sets.h"

namespace convoy::media {
namespace {

constexpr int kUnknown = std::numeric_limits<int>::min();
constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min(), kMostBytes = std::int64_t(64) << 20;

}  // namespace

bool PictureOrder::fits(const AVFormatContext& input, int video) {
    if (video < 0 || input.iformat->name != std::string_view("avi")) return false;
    const AVCodecID codec = input.streams[video]->codecpar->codec_id;
    return codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC ||
           (codec == AV_CODEC_ID_MPEG4 && input.streams[video]->codecpar->video_delay > 0);
}

PictureOrder::PictureOrder(std::string recording, const AVStream& video, Read read)
    : recording_(std::move(recording)),
      read_(std::move(read)),
      video_(video.index),
      delay_(std::size_t(std::max(video.codecpar->video_delay, 0))),
      codec_(avcodec_alloc_context3(nullptr)),
      parser_(av_parser_init(video.codecpar->codec_id)),
      last_shown_(kNever, 0) {
    if (!codec_ || !parser_ || avcodec_parameters_to_context(codec_.get(), video.codecpar) < 0) throw std::bad_alloc();
    parser_->flags |= PARSER_FLAG_COMPLETE_FRAMES;
    length_size_ =
        ParameterSets(codec_->codec_id, {codec_->extradata, std::size_t(codec_->extradata_size)}).length_size();
}

bool PictureOrder::next(AVPacket& packet) {
    const auto is_known = [&](const AVPacket& p) { return p.stream_index != video_ || p.pts != AV_NOPTS_VALUE; };
    while (!ended_ && (waiting_.empty() || !is_known(*waiting_.front()))) {
        PacketPtr read(av_packet_alloc());
        if (!read) throw std::bad_alloc();
        ended_ = !read_(*read);
        if (ended_) break;
        bytes_ += read->size;
        waiting_.push_back(std::move(read));
        if (waiting_.back()->stream_index == video_) see(*waiting_.back());
        if (bytes_ > kMostBytes) show_all();  // as where sound goes on without pictures
    }
    if (ended_) show_all();
    if (waiting_.empty()) return false;
    bytes_ -= waiting_.front()->size;
    av_packet_move_ref(&packet, waiting_.front().get());
    waiting_.pop_front();
    return true;
}

void PictureOrder::see(AVPacket& packet) {
    packet.pts = AV_NOPTS_VALUE;
    parser_->output_picture_number = kUnknown;
    parser_->pict_type = AV_PICTURE_TYPE_NONE;
    std::uint8_t* frame = nullptr;
    int size = 0;
    av_parser_parse2(parser_.get(), codec_.get(), &frame, &size, packet.data, packet.size, AV_NOPTS_VALUE,
                     AV_NOPTS_VALUE, 0);
    if (packet.dts == AV_NOPTS_VALUE) packet.dts = end_;
    const std::int64_t begin = end_ - step_;  // of the one before
    step_ = packet.dts > begin && end_ > 0 ? packet.dts - begin : std::max<std::int64_t>(packet.duration, 1);
    end_ = packet.dts + step_;
    if (!has_number()) {  // no picture that a decoder could show
        packet.pts = packet.dts;
        return;
    }
    held_back_.emplace(number(packet), &packet);
    if (held_back_.size() > delay_) show(packet.dts);
}

bool PictureOrder::has_number() const {
    return codec_->codec_id == AV_CODEC_ID_MPEG4 ? parser_->pict_type != AV_PICTURE_TYPE_NONE
                                                 : parser_->output_picture_number != kUnknown;
}

/// MPEG-4's B pictures are shown before the last picture of another kind, in the order of decoding.
PictureOrder::Key PictureOrder::number(const AVPacket& packet) {
    if (codec_->codec_id != AV_CODEC_ID_MPEG4) {
        if (begins_sequence(packet)) ++sequence_;
        return {sequence_, parser_->output_picture_number};
    }
    const bool waits_for_none = parser_->pict_type == AV_PICTURE_TYPE_B;
    if (!waits_for_none) ++sequence_;
    return {sequence_, waits_for_none ? 0 : 1};
}

void PictureOrder::show_all() {
    for (; !held_back_.empty(); end_ += step_) show(end_);
}

/// Whether its picture is one from which order numbers are counted anew (ITU-T H.264, 8.2.1; H.265, 8.3.1).
bool PictureOrder::begins_sequence(const AVPacket& packet) const {
    NalUnits units({packet.data, std::size_t(packet.size)}, length_size_);
    for (ByteSpan unit = units.next(); !unit.empty(); unit = units.next()) {
        constexpr int kIdrSlice = 5, kFirstBla = 16, kLastIdr = 20;
        const int kind = codec_->codec_id == AV_CODEC_ID_H264 ? unit[0] & 31 : unit[0] >> 1 & 63;
        if (codec_->codec_id == AV_CODEC_ID_H264 ? kind == kIdrSlice : kind >= kFirstBla && kind <= kLastIdr)
            return true;
    }
    return false;
}

/// The first of those that are held back.
void PictureOrder::show(std::int64_t at) {
    const auto first = held_back_.begin();
    if (first->first < last_shown_)
        throw Error(ErrorKind::unsupported, "'" + recording_ +
                                                "' does not say when its pictures are shown, and holds more of them "
                                                "back than it says; name an .ass, which has the boxes alone");
    last_shown_ = first->first;
    first->second->pts = at;
    held_back_.erase(first);
}

}  // namespace convoy::media
