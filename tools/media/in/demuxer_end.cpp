// SPDX-License-Identifier: MIT
//
// How a container ended: as it should, cut short, or because whoever sent it broke off.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string_view>
#include <utility>
#include <vector>

#include <convoy/media/input.h>
#include "tools/media/files.h"
#include "tools/media/in/damage.h"
#include "tools/media/in/demuxer.h"
#include "tools/media/in/dv_picture.h"
#include "tools/media/in/playlist_parts.h"

namespace convoy::media {
namespace {

std::string with_decimals(double seconds) {
    char text[40];
    std::snprintf(text, sizeof text, "%.2f", seconds);
    return text;
}

}  // namespace

bool Demuxer::is_http() const { return info_.path.starts_with("http://") || info_.path.starts_with("https://"); }

AVIOContext* Demuxer::body() const {
    const std::string_view format = context_->iformat->name;
    return format == "hls" || format == "dash" ? nullptr : context_->pb;
}

void Demuxer::end(int code) {
    if (code == AVERROR(EPERM) && context_->pb && avio_feof(context_->pb)) code = AVERROR_EOF;  // libav's GXF
    if (held_)
        end_from_far(code);
    else if (has_gap())
        break_off(gap_);
    else if (const int error = is_recording() ? disk_error() : 0)
        break_off(av_message(error));
    else if (code != AVERROR_EOF && !has_all() && file_end().kind != FileEnd::cut)
        why_ended_ = Clock::now() > deadline_ ? "nothing more came for too long"
                                              : "reading ended early (" + av_message(code) + ")" +
                                                    (stream_in_ ? "; a pipe cannot be read back: give the file" : "");
    else if (const bool is_dv = stops_amid_dv(); is_dv || stops_amid_av1_)
        why_ended_ = std::string("what stands behind this is none of ") + (is_dv ? "DV" : "AV1") +
                     ", and the pictures behind that are not read";
    if (!why_ended_.empty()) note_damage(notes_, info_.path, first_s_.value_or(0) + end_s_, why_ended_);
    if (broken_off_.empty() && is_recording()) check_cut_short();
}

bool Demuxer::stops_amid_dv() {
    return context_->iformat->name == std::string_view("dv") && is_file() && last_packet_.pos >= 0 &&
           file_end().kind != FileEnd::cut && has_dv_picture(info_.path, last_packet_.pos + last_packet_.size);
}

/// A server's end that was no end.
void Demuxer::end_from_far(int code) {
    AVIOContext* io = body();
    if (!io)
        for (const auto& [part, url] : parts_) look_at_part(*part, url);
    if (has_gap()) return break_off(gap_);
    if (body_ && body_->is_replaced()) return break_off("the file was replaced on the server meanwhile");
    if (code == AVERROR_EOF && io && io->eof_reached && io->error < 0) code = io->error;
    if (code == AVERROR_EXIT || Clock::now() > deadline_)
        return break_off("nothing more came for " + with_decimals(std::chrono::duration<double>(*silence_).count()) +
                         " s");
    if (missed_first()) return break_off("it must be read back");
    if (code == AVERROR(EIO) && size_ <= 0 && is_http()) {
        // So ends what has no length but the connection's: nothing but the container can tell whether that was all.
        const std::optional<double> missing = missing_s();
        if (missing && *missing > longest_missing_s()) return break_off("the connection broke off");
        if (!missing || *missing > 1.5 * frame_s_)
            note_damage(notes_, info_.path, first_s_.value_or(0) + end_s_,
                        "the server has not said how long it is, and closed the connection: this may not be all of it");
        return;
    }
    if (code == AVERROR_EOF && io && io->eof_reached && is_http() && still_connected(*io)) code = AVERROR(EIO);
    if (code == AVERROR_EOF) return;
    break_off(code == AVERROR(EIO) ? "the connection broke off" : av_message(code));
}

/// Whether the first packet has come and gone unread: the index was behind it.
bool Demuxer::missed_first() const {
    const AVIOContext* io = body();
    const AVIndexEntry* first = avformat_index_get_entry(chosen_, 0);
    return end_s_ == 0 && io && !(io->seekable & AVIO_SEEKABLE_NORMAL) && first &&
           first->pos + first->size <= io->bytes_read;
}

/// How often libav asks whether to go on when it has met an end and is told to read on.
int Demuxer::asks_at_end(AVIOContext& io) const {
    unsigned char byte = 0;
    io.eof_reached = 0;
    asked_ = 0;
    avio_read(&io, &byte, 1);
    return asked_;
}

/// Chunks that stop coming end for libav as those do that end by the last one. But then it lets go of the connection,
/// and asks no more for its sake: no more often than for a file.
bool Demuxer::still_connected(AVIOContext& io) {
    AVIOContext* file = nullptr;
    const AVIOInterruptCB callback = interrupt();
    if (avio_open2(&file, "file:/dev/null", AVIO_FLAG_READ, &callback, nullptr) < 0) return false;
    const Clock::time_point deadline = deadline_;
    expect_something();
    const int of_file = asks_at_end(*file);
    avio_close(file);
    const bool connected = asks_at_end(io) > of_file;
    deadline_ = deadline;  // a list that is read again and again is no packet
    return connected;
}

/// What a playlist names libav opens through here, and all else over HTTP. Of what is missing it says nothing.
void Demuxer::watch_parts(AVFormatContext& context) {
    close_part_ = context.io_close2;
    context.opaque = this;
    context.io_open = [](AVFormatContext* c, AVIOContext** io, const char* url, int /*flags*/, AVDictionary** options) {
        try {
            return static_cast<Demuxer*>(c->opaque)->open_part(*c, io, url, options);
        } catch (const std::exception&) {  // memory, or threads
            return AVERROR(ENOMEM);
        }
    };
    context.io_close2 = [](AVFormatContext* c, AVIOContext* io) {
        auto* self = static_cast<Demuxer*>(c->opaque);
        if (const auto part = self->parts_.find(io); part != self->parts_.end()) {
            if (!self->is_live_list_) self->look_at_part(*io, part->second);
            self->parts_.erase(part);
        }
        return self->close_part_(c, io);
    };
}

std::string Demuxer::take_gap() {
    if (!is_live_list_ || gap_.empty()) return "";
    const bool is_known = gap_ == last_gap_;  // libav asks for a list's last part again
    last_gap_ = std::exchange(gap_, "");
    return is_known ? "" : without_passwords(last_gap_);
}

int Demuxer::open_part(AVFormatContext& context, AVIOContext** io, const std::string& url, AVDictionary** options) {
    const bool is_itself = url == reach_.location();
    const bool is_part = !is_itself && !is_list_name(url) &&
                         !sound_files_.contains(std::filesystem::path(without_file(url)).lexically_normal().string());
    if (is_part && context.ctx_flags & AVFMTCTX_UNSEEKABLE) is_live_list_ = true;
    // Behind what is missing nothing is read. What libav has read before that, it still gives.
    if (!gap_.empty() && !is_live_list_) return AVERROR(ENOENT);
    const std::int64_t named_bytes = end_of_range(options ? *options : nullptr);
    AVDictionary* own = nullptr;
    const int code = connect(context, io, url, options ? options : &own);
    av_dict_free(&own);
    if (code >= 0 && is_http() && is_itself && !body_ && HttpBody::fits(**io))
        keep_body(context, *io);
    else if (code >= 0)
        parts_.emplace(*io, url);
    if (is_part && gap_.empty()) gap_ = lack_of_part(url, code, *io, named_bytes);
    return code;
}

/// libav would wait for the name service inside, where nothing interrupts it.
int Demuxer::connect(AVFormatContext& context, AVIOContext** io, const std::string& url, AVDictionary** options) {
    if (!is_http()) return reach_.open(context, io, url.c_str(), AVIO_FLAG_READ, options);
    if (std::exchange(has_connected_, true) && !why_host_not_found(url).empty())
        return gives_up() ? AVERROR_EXIT : AVERROR(EIO);
    av_dict_set(options, "reconnect", "1", 0);  // where ranges are known, behind the last byte
    const auto patience = std::chrono::duration_cast<std::chrono::microseconds>(*silence_);
    av_dict_set_int(options, "timeout", patience.count(), 0);  // by default it connects for 5 s
    return reach_.open(context, io, url.c_str(), AVIO_FLAG_READ, options);
}

/// From now on libav reads through body_.
void Demuxer::keep_body(AVFormatContext& context, AVIOContext*& io) {
    const auto again = [this, &context](std::int64_t from, bool& too_far) {
        AVDictionary* options = nullptr;
        av_dict_set_int(&options, "offset", from, 0);
        AVIOContext* connection = nullptr;
        too_far = connect(context, &connection, reach_.location(), &options) == AVERROR_HTTP_OTHER_4XX;
        av_dict_free(&options);
        return ConnectionPtr(connection);
    };
    body_ = std::make_unique<HttpBody>(ConnectionPtr(std::exchange(io, nullptr)), again, [this] { return gives_up(); });
    io = body_->io();
    context.flags |= AVFMT_FLAG_CUSTOM_IO;  // which it does not close
}

void Demuxer::look_at_part(AVIOContext& io, const std::string& url) {
    const bool broke = io.error < 0 ? io.error != AVERROR(EIO) || avio_size(&io) > 0
                                    : io.eof_reached && is_http() && !url.starts_with("crypto") && still_connected(io);
    if (!broke || !gap_.empty()) return;
    gap_ = lack_of_part(url, "broke off");
    gap_is_amid_ = true;
}

void Demuxer::break_off(const std::string& reason) {
    AVIOContext* io = body();
    const bool seekable = io && io->seekable & AVIO_SEEKABLE_NORMAL;
    std::string text = "'" + info_.path + "' ended early, after " + with_decimals(end_s_) + " s of the video";
    if (io) text += " and " + std::to_string(seekable ? avio_tell(io) : io->bytes_read);
    if (io) text += (size_ > 0 ? " of " + std::to_string(size_) : "") + " bytes";
    text += ": " + reason + (io && !seekable ? ", and the server knows no ranges" : "");
    text += is_url(info_.path) ? "; download it and give the file, or try again"
            : !gap_.empty()    ? "; put it there whole, or give a list without it"
                               : "; check the disk or the network that it lies on";
    broken_off_ = without_passwords(text);
    ++notes_.damaged;
    notes_.first_damage = broken_off_;
}

/// Of a file: what was met instead of its bytes. libav goes on with what comes after, or takes it for the end.
int Demuxer::disk_error() const {
    const bool is_file = context_->pb && !stream_in_ && !asks_again_;
    return is_file && context_->pb->error != AVERROR_EOF ? std::min(context_->pb->error, 0) : 0;
}

bool Demuxer::is_dash() const { return context_->iformat->name == std::string_view("dash"); }

/// What a stated duration leaves to come; nothing where none is stated, or where it may be that of the sound. DASH
/// states how long all of it is shown, and libav may begin behind its first part.
std::optional<double> Demuxer::missing_s() const {
    if (context_->duration_estimation_method != AVFMT_DURATION_FROM_STREAM) return std::nullopt;
    const std::optional<double> stated = context_->nb_streams > 1 && !is_dash() ? own_duration_s() : stated_s();
    if (!stated) return std::nullopt;
    // Some containers count the duration from zero, some from the first time stamp.
    return *stated - end_s_ - (is_dash() ? 0 : std::max(first_s_.value_or(0), 0.));
}

double Demuxer::longest_missing_s() const { return is_dash() ? .5 : std::max(1., .1 * end_s_); }

bool Demuxer::is_file() const { return !is_url(info_.path) && !stream_in_ && !asks_again_; }

const EndOfFile& Demuxer::file_end() {
    if (!file_end_)
        file_end_ = is_file() ? end_of_file(info_.path, context_->iformat->name, last_packet_) : EndOfFile();
    return *file_end_;
}

/// Of a recording: whether every picture has come, so that what cannot be read behind them is none.
bool Demuxer::has_all() {
    if (!is_recording()) return false;
    if (chosen_->nb_frames > 0 && packets_ == chosen_->nb_frames) return true;
    return file_end().kind == FileEnd::whole || missing_s().value_or(frame_s_) < .5 * frame_s_;
}

/// libav takes a file that is cut short for one that ends; an index that names bytes behind the end, or a stated
/// duration or size that is not reached, tells.
void Demuxer::check_cut_short() {
    const int entries = avformat_index_get_entries_count(chosen_);
    const std::int64_t size = context_->pb ? avio_size(context_->pb) : -1;
    const AVIndexEntry* last = entries > 0 ? avformat_index_get_entry(chosen_, entries - 1) : nullptr;
    const bool bytes_missing = last && size > 0 && last->pos + last->size > size;
    const std::string_view format = context_->iformat->name;
    const bool states_frames = (format.starts_with("mov,") || format == "avi") && chosen_->nb_frames > 0;
    const bool has_half = ends_in_half_ && !(context_->iformat->flags & AVFMT_TS_DISCONT);
    const std::string lost = has_half && file_end().kind != FileEnd::whole
                                 ? "the file is cut short, amid its last packet"
                             : bytes_missing || missing_s().value_or(0) > longest_missing_s()
                                 ? body() ? "the file is cut short, the rest of the video is missing"
                                          : "it begins late or ended early: its list says that there is more"
                             : states_frames && packets_ == chosen_->nb_frames ? ""  // what is missing is sound
                                                                               : file_end().lack;
    if (!lost.empty()) note_damage(notes_, info_.path, first_s_.value_or(0) + end_s_, lost);
}

}  // namespace convoy::media
