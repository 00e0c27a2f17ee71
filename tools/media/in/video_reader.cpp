// SPDX-License-Identifier: MIT
#include "tools/media/in/video_reader.h"

#include <new>
#include <utility>

#include <convoy/error.h>
#include "tools/media/in/av_cuda.h"
#include "tools/media/in/damage.h"

namespace convoy::media {

VideoReader::VideoReader(VideoStreamPtr stream, const DecodeTarget& target, bool stay_open, bool deinterlace)
    : stream_(std::move(stream)),
      target_(target),
      stay_open_(stay_open),
      deinterlace_(deinterlace),
      maker_(std::in_place, stream_, FrameMaker::Form::engine, target.cuda_stream) {
    if (target.gpu >= 0) device_ = cuda_device(target, no_device_);
}

bool VideoReader::move_to(const VideoStreamPtr& stream) {
    if (!same_kind(*stream_, *stream)) return false;
    stream_ = stream;
    packets_.reset();
    frames_.reset();
    if (decoder_) decoder_->move_to(stream);
    maker_.emplace(stream, FrameMaker::Form::engine, target_.cuda_stream);
    return true;
}

// NVDEC is opened with the first packet. One is enough: a keyframe.
void VideoReader::warm_up(std::shared_ptr<const Segment> sample) {
    const auto packets = std::dynamic_pointer_cast<const PacketSegment>(sample);
    if (!packets || packets->stream != stream_ || packets->packets.empty() || target_.gpu < 0) return;
    auto first = std::make_shared<PacketSegment>();
    first->stream = packets->stream;
    first->headers = packets->headers;
    first->reorder_depth = packets->reorder_depth;
    first->flaw = packets->flaw;
    first->packets.emplace_back(av_packet_clone(packets->packets.front().get()));
    if (!first->packets.front()) throw std::bad_alloc();
    open(first);
    while (decoder_has_gpu_ && next()) {
    }
}

void VideoReader::open(std::shared_ptr<const Segment> segment) {
    packets_ = std::dynamic_pointer_cast<const PacketSegment>(segment);
    frames_ = std::dynamic_pointer_cast<const FramePart>(segment);
    if (!frames_ && (!packets_ || packets_->stream != stream_))
        throw Error(ErrorKind::usage, "'" + stream_->path + "': a segment of another input was given to its reader");
    notes_ = {};
    at_ = 0;
    delivered_ = skip_ = 0;
    if (frames_) {
        notes_ = frames_->notes;
        if (target_.gpu >= 0) notes_.fallback = "it cannot be cut";
        return;
    }
    std::string obstacle = target_.gpu >= 0 ? gpu_obstacle() : "";
    try {
        if (target_.gpu >= 0 && obstacle.empty()) return begin(true);
    } catch (const Error&) {
        obstacle = "libav cannot open NVDEC for it";
    }
    begin_on_cpu(obstacle);
}

/// Why the GPU need not be tried; empty when it is worth it.
std::string VideoReader::gpu_obstacle() const {
    if (!device_) return no_device_;
    if (!packets_->flaw.empty()) return packets_->flaw;
    if (refused_ && refused_->same_as(*packets_->headers)) return refusal_;
    if (stream_->orientation != 1) return "shown turned";
    if (deinterlace_) return "deinterlaced";
    if (!cuda_decoder(stream_->codec())) return std::string("GPUs do not decode ") + avcodec_get_name(stream_->codec());
    return "";
}

void VideoReader::begin_on_cpu(const std::string& why) {
    notes_ = {};
    notes_.fallback = why;
    begin(false);
}

void VideoReader::begin(bool on_gpu) {
    const bool known =
        decoder_ && decoder_headers_ && decoder_headers_->same_as(*packets_->headers) && decoder_has_gpu_ == on_gpu;
    // On the CPU a decoder that knows earlier segments would patch up damage with their pictures.
    if (!known || !(on_gpu || stay_open_)) {
        DecoderOptions options;
        options.cuda = on_gpu ? device_.get() : nullptr;
        options.reorder_depth = packets_->reorder_depth;
        options.stay_open = stay_open_;
        options.deinterlace = deinterlace_;
        decoder_ = std::make_unique<Decoder>(stream_, *packets_->headers->extradata, options);
        decoder_has_gpu_ = on_gpu;
    }
    decoder_->begin(packets_->reorder_depth, packets_->headers->length_size, packets_->inside_gop);
    decoder_headers_.reset();
    left_out_ = packets_->left_out;
    at_ = 0;
    held_ = 0;
}

const AVPacket* VideoReader::next_packet() {
    return at_ < packets_->packets.size() ? packets_->packets[at_++].get() : nullptr;
}

std::optional<Frame> VideoReader::next() {
    if (frames_) return next_of_part();
    while (packets_) {
        AVFrame* picture = decoder_->next([this] { return next_packet(); }, notes_);
        if (broke_on_gpu()) {
            keep_refusal();
            skip_ = delivered_;
            begin_on_cpu(breakage());
            continue;
        }
        if (decoder_has_gpu_) {
            notes_.on_gpu = decoder_->on_gpu();
            notes_.fallback = decoder_->why_cpu();
        }
        if (!picture) {
            end();
            break;
        }
        if (strike_off(left_out_, picture->pts) || !packets_->window.holds(stream_->seconds(picture->pts)) ||
            !packets_->window.wants(packets_->first_held + held_++))
            continue;
        std::optional<Frame> frame = maker_->make(*picture);
        if (!frame && decoder_has_gpu_ && decoder_->on_gpu()) {
            skip_ = delivered_;
            begin_on_cpu("its colours or its crop changed");
            continue;
        }
        if (!frame) note_unconvertible(notes_, stream_->path);
        if (!frame || skip_-- > 0) continue;
        ++delivered_;
        frame->undecodable = decoder_->undecodable();
        return frame;
    }
    return std::nullopt;
}

/// Keeps what the next segment can use.
void VideoReader::end() {
    if (!packets_->headers_change && notes_.damaged == 0) decoder_headers_ = packets_->headers;
    keep_refusal();
    packets_.reset();
}

std::optional<Frame> VideoReader::next_of_part() {
    if (at_ < frames_->frames.size()) return frames_->frames[at_++];
    frames_.reset();
    return std::nullopt;
}

void VideoReader::keep_refusal() {
    if (!decoder_has_gpu_ || !decoder_->on_cpu()) return;
    refused_ = packets_->headers;
    refusal_ = decoder_->why_cpu();
}

/// Damage while it was the GPU's turn, or before it was clear whose.
bool VideoReader::broke_on_gpu() const {
    return decoder_has_gpu_ && notes_.damaged > 0 && !(decoder_->on_cpu() && decoder_->has_software());
}

std::string VideoReader::breakage() const {
    if (decoder_->on_cpu()) return decoder_->why_cpu();
    const int code = decoder_->last_error();
    return code == 0 || code == AVERROR_INVALIDDATA ? "a damaged packet" : av_message(code);
}

}  // namespace convoy::media
