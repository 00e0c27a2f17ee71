// SPDX-License-Identifier: MIT
#include "tools/media/out/overlay_writer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "tools/media/av_compat.h"
#include "tools/media/byte_stream.h"
#include "tools/media/pictures/orientation.h"

namespace convoy::media {
namespace {

constexpr AVRational kMilliseconds = {1, 1000}, kHundredths = {1, 100};

bool copies_to(const std::string& path) {
    const std::string ending = lower_ending(path);
    if (ending != "mkv" && ending != "ass")
        throw_output(path, "end the name of an overlay in .mkv or .ass", ErrorKind::usage);
    return ending == "mkv";
}

AVRational tick_of(bool copies) { return copies ? kMilliseconds : kHundredths; }

bool is_turned(const AVStream& stream) { return from_display_matrix(display_matrix(&stream)) != 1; }

/// libav's Matroska goes through the headers of HEVC unchecked, for minutes where a damaged one counts to 2^32: only
/// what the decoder takes goes there. Those that are in Matroska's form already are copied.
bool has_sane_headers(const AVCodecParameters& codec) {
    const bool is_rewritten = codec.extradata_size > 0 && codec.extradata[0] == 0;
    if (codec.codec_id != AV_CODEC_ID_HEVC || !is_rewritten) return true;
    const AVCodec* decoder = avcodec_find_decoder(codec.codec_id);
    const CodecPtr context(avcodec_alloc_context3(decoder));
    if (!context || avcodec_parameters_to_context(context.get(), &codec) < 0) throw std::bad_alloc();
    context->err_recognition = AV_EF_EXPLODE;
    context->thread_count = 1;
    return avcodec_open2(context.get(), decoder, nullptr) >= 0;
}

}  // namespace

OverlayWriter::OverlayWriter(std::string recording, const std::string& path, const std::string& header, int video)
    : recording_(std::move(recording)), path_(path), copies_(copies_to(path)), file_(path) {
    if (file_.is_direct() && is_stream(path))
        throw_output(path, "it is a pipe or a device, and an overlay is written into a file", ErrorKind::unsupported);
    if (can_be_copied(recording_)) copy_.emplace(recording_, RecordingCopy::Tracks::all, video);
    step(-std::numeric_limits<double>::infinity(), 0);
    AVFormatContext* raw = nullptr;
    check(avformat_alloc_output_context2(&raw, nullptr, copies_ ? "matroska" : "ass", nullptr));
    output_.reset(raw);
    if (copies_)
        copy_tracks();
    else if (copy_ && copy_->context().start_time != AV_NOPTS_VALUE)
        origin_s_ = double(copy_->context().start_time) / AV_TIME_BASE;
    add_subtitles(header);
    check(avio_open(&raw->pb, ("file:" + file_.temporary()).c_str(), AVIO_FLAG_WRITE));
    if (const int code = avformat_write_header(raw, nullptr); code < 0)
        throw_output(path_,
                     av_message(code) + (copies_ ? ": Matroska may have no place for such video; name an .ass" : ""));
}

void OverlayWriter::check(int code) const {
    if (code < 0) throw_output(path_, av_message(code));
}

void OverlayWriter::copy_tracks() {
    const auto refuse = [&](const std::string& why) { throw_output(path_, why, ErrorKind::unsupported); };
    if (!copy_)
        refuse("'" + recording_ +
               "' cannot be read a second time to be copied; name an .ass, which has the boxes alone");
    copy_->add_tracks(*output_);
    av_dict_copy(&output_->metadata, copy_->context().metadata, 0);
    if (copy_->video() < 0) refuse("'" + recording_ + "' has no video that could be copied");
    const AVStream& video = *copy_->context().streams[copy_->video()];
    if (copy_->track_of(copy_->video()) < 0)
        refuse(std::string("Matroska has no place for ") + avcodec_get_name(video.codecpar->codec_id) +
               " video; name an .ass");
    if (!has_sane_headers(*video.codecpar))
        refuse("the headers of '" + recording_ + "' are damaged; name an .ass, which has the boxes alone");
    if (!copy_->knows_order())
        refuse("'" + recording_ +
               "' does not say when its pictures are shown, which are in another order (an .avi of " +
               avcodec_get_name(video.codecpar->codec_id) + " with B-frames); name an .ass");
    if (!kMatroskaKeepsRotation && is_turned(video))
        refuse("'" + recording_ +
               "' is shown turned, which this libav cannot say in Matroska; name an .ass, which players show over the "
               "recording itself");
}

void OverlayWriter::add_subtitles(const std::string& header) {
    subtitles_ = avformat_new_stream(output_.get(), nullptr);
    if (!subtitles_) throw std::bad_alloc();
    subtitles_->time_base = tick_of(copies_);
    subtitles_->disposition = AV_DISPOSITION_DEFAULT;
    av_dict_set(&subtitles_->metadata, "title", "boxes", 0);
    AVCodecParameters& parameters = *subtitles_->codecpar;
    parameters.codec_type = AVMEDIA_TYPE_SUBTITLE;
    parameters.codec_id = AV_CODEC_ID_ASS;
    parameters.extradata = static_cast<std::uint8_t*>(av_mallocz(header.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    if (!parameters.extradata) throw std::bad_alloc();
    std::memcpy(parameters.extradata, header.data(), header.size());
    parameters.extradata_size = int(header.size());
}

void OverlayWriter::step(double from_s, double earlier_s) {
    if (copy_) copy_->add_step(from_s, earlier_s);
}

void OverlayWriter::copy_until(double end_s) {
    if (copies_) check(copy_->write_until(end_s, *output_));
}

void OverlayWriter::write(const std::vector<std::string>& events, double start_s, double end_s) {
    copy_until(start_s);
    const AVRational tick = tick_of(copies_);
    // Where a player may round the video's time down, an event must not begin later.
    const auto ticks = [&](double time_s) {
        const double at = (time_s - origin_s_) * tick.den;
        return copies_ ? std::llround(at) : std::llround(std::floor(at + 1e-6));
    };
    // A track's events must be in order, also where pictures' stamps are not.
    const std::int64_t start = last_start_ = std::max<std::int64_t>(ticks(start_s), last_start_);
    const std::int64_t end = std::max<std::int64_t>(ticks(end_s), start + 1);
    for (const std::string& event : events) {
        const PacketPtr packet(av_packet_alloc());
        if (!packet || av_new_packet(packet.get(), int(event.size())) < 0) throw std::bad_alloc();
        std::memcpy(packet->data, event.data(), event.size());
        packet->stream_index = subtitles_->index;
        packet->pts = packet->dts = start;
        packet->duration = end - start;
        packet->flags |= AV_PKT_FLAG_KEY;
        av_packet_rescale_ts(packet.get(), tick, subtitles_->time_base);
        check(av_interleaved_write_frame(output_.get(), packet.get()));
    }
}

void OverlayWriter::close(double end_s) {
    copy_until(end_s);
    check(av_write_trailer(output_.get()));
    check(output_->pb->error);
    check(avio_closep(&output_->pb));
    output_.reset();
    file_.commit();
}

}  // namespace convoy::media
