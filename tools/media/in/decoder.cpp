// SPDX-License-Identifier: MIT
#include "tools/media/in/decoder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <new>
#include <utility>

#include "tools/media/av_compat.h"
#include "tools/media/colours.h"
#include "tools/media/files.h"
#include "tools/media/in/av_cuda.h"
#include "tools/media/in/damage.h"
#include "tools/media/in/frame_maker.h"
#include "tools/media/limits.h"

namespace convoy::media {
namespace {

/// Surfaces of NVDEC's beyond those that the codec needs: that many frames may wait for the network.
constexpr int kSpareSurfaces = 6;
/// Streams that are refreshed bit by bit may have no keyframe at all.
constexpr std::size_t kLongestWaitForKeyframe = 600;
constexpr const char* kDeinterlace = "bwdif=mode=send_frame:deint=interlaced";

void set_extradata(AVCodecContext& context, std::span<const std::uint8_t> bytes) {
    av_freep(&context.extradata);
    context.extradata_size = 0;
    if (bytes.empty()) return;
    context.extradata = static_cast<std::uint8_t*>(av_mallocz(bytes.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    if (!context.extradata) throw std::bad_alloc();
    std::memcpy(context.extradata, bytes.data(), bytes.size());
    context.extradata_size = int(bytes.size());
}

/// A packet of one NAL unit.
PacketPtr lone_unit(std::initializer_list<std::uint8_t> unit, int length_size) {
    const std::size_t head = length_size > 0 ? std::size_t(length_size) : 4;
    PacketPtr packet(av_packet_alloc());
    if (!packet || av_new_packet(packet.get(), int(head + unit.size())) < 0) throw std::bad_alloc();
    std::fill_n(packet->data, head, std::uint8_t(0));
    packet->data[head - 1] = length_size > 0 ? std::uint8_t(unit.size()) : 1;
    std::copy(unit.begin(), unit.end(), packet->data + head);
    return packet;
}

}  // namespace

bool marks_keyframes(AVCodecID codec) {
    constexpr AVCodecID kCodecs[] = {AV_CODEC_ID_H264,       AV_CODEC_ID_HEVC, AV_CODEC_ID_VP8,
                                     AV_CODEC_ID_VP9,        AV_CODEC_ID_AV1,  AV_CODEC_ID_MPEG1VIDEO,
                                     AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG4};
    return std::find(std::begin(kCodecs), std::end(kCodecs), codec) != std::end(kCodecs);
}

Decoder::Decoder(VideoStreamPtr stream, std::span<const std::uint8_t> extradata, const DecoderOptions& options)
    : stream_(std::move(stream)),
      time_of_(options.time_of),
      stay_open_(options.stay_open),
      on_cpu_(!options.cuda),
      deinterlace_(options.deinterlace),
      knows_(!options.inside_gop),
      time_s_(std::nan("")) {
    const AVCodec* codec = options.cuda ? cuda_decoder(stream_->codec()) : avcodec_find_decoder(stream_->codec());
    if (!codec) throw_input(stream_->path, "holds a video of a kind that this libav cannot decode");
    has_software_ = codec == avcodec_find_decoder(stream_->codec());
    context_.reset(avcodec_alloc_context3(codec));
    if (!context_ || !picture_ || !first_known_ || !of_next_filter_) throw std::bad_alloc();
    AVCodecContext& c = *context_;
    int code = avcodec_parameters_to_context(&c, stream_->parameters.get());
    set_extradata(c, extradata);
    c.opaque = this;
    c.pkt_timebase = stream_->time_base;
    c.max_pixels = kMaxPixels;
    c.flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;  // else the frames after a lost keyframe vanish without an error
    c.flags |= AV_CODEC_FLAG_UNALIGNED;       // crop to the pixel
    c.thread_count = options.cuda ? 1 : std::max(options.threads, 0);
    c.thread_type = options.frame_threads ? FF_THREAD_FRAME | FF_THREAD_SLICE : FF_THREAD_SLICE;
    c.has_b_frames = std::max(c.has_b_frames, options.reorder_depth);
    if (options.cuda) {
        c.hw_device_ctx = av_buffer_ref(options.cuda);
        c.extra_hw_frames = kSpareSurfaces + c.has_b_frames;
        c.get_format = choose_format;
        allow_mapped_pictures(c);
    }
    if (code >= 0) code = avcodec_open2(&c, codec, nullptr);
    if (code < 0)
        throw_input(stream_->path,
                    std::string("holds ") + codec->name + " video that cannot be decoded (" + av_message(code) + ")");
}

/// libav asks again without NVDEC when that has refused.
AVPixelFormat Decoder::choose_format(AVCodecContext* context, const AVPixelFormat* formats) {
    auto& self = *static_cast<Decoder*>(context->opaque);
    bool offered = false;
    const AVPixelFormat* last = formats;
    for (; *last != AV_PIX_FMT_NONE; ++last) offered |= *last == AV_PIX_FMT_CUDA;
    mend_colours(*context);
    std::string obstacle = nv12_obstacle(context->sw_pix_fmt, context->colorspace, self.stream_->orientation);
    // libav takes the chroma of a mapped picture to begin right behind the coded rows; NVDEC's are even.
    if (obstacle.empty() && context->coded_height % 2) obstacle = "its height is odd";
    self.on_gpu_ = offered && obstacle.empty();
    self.on_cpu_ = !self.on_gpu_;
    if (self.on_gpu_) {
        self.gpu_offered_ = true;
        return AV_PIX_FMT_CUDA;
    }
    self.why_cpu_ = !obstacle.empty()   ? obstacle
                    : self.gpu_offered_ ? "the GPU has no decoder for it"
                                        : "this libav has no NVDEC for it";
    return last > formats ? last[-1] : AV_PIX_FMT_NONE;  // the software format comes last
}

AVFrame* Decoder::next(const Feed& feed, SegmentNotes& notes) {
    undecodable_ = false;
    if (!first_known_->buf[0]) {
        const bool from_begin = knows_;
        AVFrame* const picture = next_known(feed, notes);
        if (from_begin || !picture) return picture;
        av_frame_move_ref(first_known_.get(), picture);
        find_places();
    }
    av_frame_unref(picture_.get());  // what nobody wanted of the one before
    if (next_place_ == places_.size()) {
        av_frame_move_ref(picture_.get(), first_known_.get());
        return picture_.get();
    }
    if (av_frame_ref(picture_.get(), first_known_.get()) < 0) throw std::bad_alloc();
    picture_->pts = picture_->best_effort_timestamp = places_[next_place_++];
    undecodable_ = true;
    return picture_.get();
}

/// Whether the decoder knows all that the picture was made of. libav's H.264 marks what comes before a point of
/// recovery, but not what is still inside at the end.
bool Decoder::is_known() const {
    if (places_.size() >= kLongestWaitForKeyframe) return true;
    if (stream_->codec() == AV_CODEC_ID_H264 && !draining_) return !(picture_->flags & AV_FRAME_FLAG_CORRUPT);
    return is_keyframe(*picture_);
}

/// Of the packets' time stamps leaves those before the first known picture's, in order. Where there are none, so many
/// places as the decoder gave pictures that it did not know.
void Decoder::find_places() {
    const std::int64_t first = first_known_->pts;
    std::erase_if(places_, [&](std::int64_t pts) { return pts == AV_NOPTS_VALUE || pts >= first; });
    std::sort(places_.begin(), places_.end());
    places_.erase(std::unique(places_.begin(), places_.end()), places_.end());
    if (first == AV_NOPTS_VALUE) places_.assign(unknown_, AV_NOPTS_VALUE);
}

/// The next picture into picture_, as avcodec_receive_frame() does it.
int Decoder::receive() {
    for (;;) {
        if (filter_ && filter_->receive(*picture_)) return 0;
        if (of_next_filter_->buf[0]) {
            filter_.emplace(*of_next_filter_, stream_->time_base, kDeinterlace);
            if (!filter_->send(of_next_filter_.get())) return AVERROR_EXTERNAL;
            continue;
        }
        if (filter_ended_) return AVERROR_EOF;
        const int code = avcodec_receive_frame(context_.get(), picture_.get());
        if (code >= 0) mend_colours(*picture_);
        if (!deinterlace_ || (code < 0 && code != AVERROR_EOF)) return code;
        if (code == AVERROR_EOF) {
            filter_ended_ = true;
            if (filter_) filter_->send(nullptr);
        } else if (filter_ && filter_->takes(*picture_)) {
            if (!filter_->send(picture_.get())) return AVERROR_EXTERNAL;
        } else {
            if (filter_) filter_->send(nullptr);
            av_frame_move_ref(of_next_filter_.get(), picture_.get());
        }
    }
}

AVFrame* Decoder::next_known(const Feed& feed, SegmentNotes& notes) {
    for (;;) {
        const int code = receive();
        if (code >= 0) {
            gave_picture_ = true;
            if (!knows_ && !(knows_ = is_known())) {
                ++unknown_;
                continue;
            }
            // A picture that was decoded in part is worth more than a gap in the count of frames.
            if (picture_->flags & AV_FRAME_FLAG_CORRUPT || picture_->decode_error_flags)
                note_damage(notes, stream_->path, seconds(picture_->best_effort_timestamp),
                            "a picture is damaged in part");
            return picture_.get();
        }
        if (code == AVERROR_EOF) {
            if (!std::exchange(knows_, true))
                note_damage(notes, stream_->path, std::nan(""), "it begins between two keyframes, and no other comes");
            return nullptr;
        }
        if (code == AVERROR(EAGAIN) && !draining_) {
            if (!push(feed, notes)) return nullptr;
            continue;
        }
        note_error(code);
        if (knows_)
            note_damage(notes, stream_->path, time_s_, "a picture could not be decoded (" + av_message(code) + ")");
        // Each frame still inside may fail on its own, but there are no more of them than threads and references.
        if (draining_ && ++drain_errors_ > 1000) return nullptr;
    }
}

/// Gives the decoder something to work on; false when nothing is left to come out.
bool Decoder::push(const Feed& feed, SegmentNotes& notes) {
    if (!ending_) {
        if (const AVPacket* packet = feed()) {
            time_s_ = seconds(packet->pts);
            if (!knows_) places_.push_back(packet->pts);
            send(packet, notes);
            return true;
        }
        ending_ = true;
        draining_ = !can_stay_open();
        gave_picture_ = end_of_sequence_ != nullptr;
        if (draining_) send(nullptr, notes);
    }
    if (draining_) return true;
    if (!std::exchange(gave_picture_, false)) return false;
    send(end_of_sequence_.get(), notes);  // pushes out one picture
    return true;
}

void Decoder::send(const AVPacket* packet, SegmentNotes& notes) {
    const int code = avcodec_send_packet(context_.get(), packet);
    if (code >= 0 || code == AVERROR_EOF) return;
    note_error(code);
    if (knows_) note_damage(notes, stream_->path, time_s_, "a packet could not be decoded (" + av_message(code) + ")");
}

void Decoder::note_error(int code) {
    last_error_ = code;
    sound_ &= code == AVERROR_INVALIDDATA;
}

/// A flush makes libav's H.264 open NVDEC anew, which takes tens of milliseconds. H.264's "end of sequence" brings out
/// what is held back just as well; VP8, VP9 and AV1 hold nothing back.
bool Decoder::can_stay_open() const {
    const AVCodecID codec = stream_->codec();
    if (!stay_open_ && !on_gpu_) return false;
    return end_of_sequence_ || codec == AV_CODEC_ID_VP8 || codec == AV_CODEC_ID_VP9 || codec == AV_CODEC_ID_AV1;
}

void Decoder::begin(int reorder_depth, int length_size, bool inside_gop) {
    if (draining_) avcodec_flush_buffers(context_.get());
    if (ending_ && !draining_ && end_of_sequence_) forget_order();
    context_->has_b_frames = std::max(context_->has_b_frames, reorder_depth);
    ending_ = draining_ = gave_picture_ = false;
    drain_errors_ = 0;
    filter_.reset();
    filter_ended_ = false;
    av_frame_unref(of_next_filter_.get());
    knows_ = !inside_gop;
    places_.clear();
    next_place_ = unknown_ = 0;
    av_frame_unref(first_known_.get());
    time_s_ = std::nan("");
    if (stream_->codec() != AV_CODEC_ID_H264) return;
    length_size_ = length_size;
    end_of_sequence_ = lone_unit({10}, length_size);
}

void Decoder::forget() { avcodec_flush_buffers(context_.get()); }

/// libav's H.264 drops pictures whose order number is below that of the last one that came out, also behind an end of
/// sequence. This IDR picture, which claims to be predicted from others, makes it forget that number and nothing else.
void Decoder::forget_order() {
    const PacketPtr impossible = lone_unit({0x65, 0x98, 0x80}, length_size_);
    context_->log_level_offset = 100;  // it complains
    avcodec_send_packet(context_.get(), impossible.get());
    while (avcodec_receive_frame(context_.get(), picture_.get()) >= 0) {
    }
    context_->log_level_offset = 0;
}

}  // namespace convoy::media
