// SPDX-License-Identifier: MIT
#include "tools/sinks/video_sink.h"

#include <fmt/core.h>

#include <atomic>
#include <cmath>
#include <optional>
#include <utility>

#include <convoy/error.h>
#include "tools/media/pictures/scale.h"

namespace convoy::tools {

class VideoSink::EncodedPart : public Part {
public:
    EncodedPart(int input_number, const InputInfo& input, const media::VideoFormat& format, std::string path,
                std::shared_ptr<VideoEncoders> encoders, std::shared_ptr<std::atomic<bool>> has_failed)
        : input_index(input_number),
          input_path(input.path),
          start_s(input.start_s),
          path_(std::move(path)),
          encoders_(std::move(encoders)),
          has_failed_(std::move(has_failed)),
          is_live_(input.duration_s <= 0 && input.frames_estimate <= 0),
          format_(format) {
        if (input.fps_num > 0) {
            format_.fps_num = input.fps_num;
            format_.fps_den = input.fps_den;
        }
        format_.pixel_width = input.pixel_width;
        format_.pixel_height = input.pixel_height;
        format_.width = input.width;
        format_.height = input.height;
    }

    void write(const AnnotatedFrame& frame) override try {
        DrawnPicture& picture = frame.picture;
        if (format_.width == 0) format_.width = picture.width(), format_.height = picture.height();
        if (!encoder_) encoder_ = encoders_->open(input_index, path_, format_, is_live_);
        media::VideoEncoder& encoder = encoder_->encoder;
        const double shape = picture.pixel_shape() * format_.pixel_height / format_.pixel_width;
        const bool fits = picture.width() == format_.width && picture.height() == format_.height &&
                          picture.has_pixels_of(format_.pixel_width, format_.pixel_height);
        if (fits && picture.nv12() && encoder.takes(*picture.nv12()))
            keep(encoder.write(*picture.nv12()));
        else
            keep(encoder.write(fits ? picture.image()
                                    : media::letterboxed(picture.image(), shape, format_.width, format_.height)));
    } catch (...) {
        *has_failed_ = true;
        throw;
    }

    void end() override try {
        if (!encoder_) return;
        keep(encoder_->encoder.end());
        encoder_.reset();
    } catch (...) {
        *has_failed_ = true;
        throw;
    }

    /// What is encoded and not yet in the file.
    media::EncodedFrames take() {
        const std::lock_guard lock(mutex_);
        return std::exchange(encoded_, {});
    }

    bool has_frames() const { return has_frames_; }
    double frame_s() const { return double(format_.fps_den) / format_.fps_num; }

    const int input_index;
    const std::string input_path;
    const double start_s;  // of the recording, at which the video begins

private:
    void keep(media::EncodedFrames frames) {
        const std::lock_guard lock(mutex_);
        encoded_.append(std::move(frames));
        has_frames_ = true;
    }

    std::string path_;
    std::shared_ptr<VideoEncoders> encoders_;
    std::shared_ptr<std::atomic<bool>> has_failed_;
    const bool is_live_;         // of a length that nobody knows: one part without end
    media::VideoFormat format_;  // the video keeps its first frame's size
    std::optional<VideoEncoders::Opened> encoder_;
    std::mutex mutex_;
    media::EncodedFrames encoded_;
    std::atomic<bool> has_frames_ = false;
};

VideoSink::VideoSink(InputNames paths, bool skip_pictures, const media::VideoFormat& format, media::GiveUp give_up,
                     std::shared_ptr<media::JpegEncoders> jpegs)
    : paths_(std::move(paths)),
      skip_pictures_(skip_pictures),
      format_(format),
      encoders_(std::make_shared<VideoEncoders>(format.encoder, std::move(jpegs))),
      give_up_(std::move(give_up)) {}

std::unique_ptr<Part> VideoSink::begin_part(int input_index, const InputInfo& input, int threads) {
    if (!input.is_video) {
        if (skip_pictures_) return nullptr;
        throw Error(ErrorKind::usage,
                    fmt::format("{} is a picture: --video takes videos, use --pictures DIR", input.path));
    }
    const std::string& path = paths_.at(std::size_t(input_index));
    std::shared_ptr<std::atomic<bool>> has_failed;
    {
        const std::lock_guard lock(mutex_);
        has_failed = videos_.try_emplace(input_index, path, give_up_).first->second.has_failed;
    }
    media::VideoFormat format = format_;
    format.threads = threads;
    return std::make_unique<EncodedPart>(input_index, input, format, path, encoders_, std::move(has_failed));
}

void VideoSink::append(Part& part, std::span<const FramePlace> places) {
    auto& encoded = dynamic_cast<EncodedPart&>(part);
    media::EncodedFrames frames = encoded.take();
    if (!encoded.has_frames()) {
        if (places.empty()) return;
        throw Error(ErrorKind::usage, fmt::format("{}: a place for a frame that was not written", encoded.input_path));
    }
    std::unique_lock lock(mutex_);
    Video& video = videos_.at(encoded.input_index);
    lock.unlock();
    if (video.muxer.frames() == 0 && !places.empty() && !std::isnan(places[0].pts_s) &&
        media::can_be_copied(encoded.input_path)) {
        try {
            video.muxer.copy_sound(encoded.input_path, places[0].pts_s - places[0].time_s + encoded.start_s);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::input) throw;  // the recording is gone: pictures without sound are left
        }
    }
    std::vector<double> times;
    for (const FramePlace& place : places) {
        const double time_s = place.time_s - encoded.start_s;
        if (const auto earlier_s = video.steps.see(place.pts_s, time_s, encoded.frame_s()))
            video.muxer.step_sound(place.pts_s, *earlier_s);
        times.push_back(time_s);
    }
    video.muxer.append(std::move(frames), times);
}

void VideoSink::last_frame(int input_index, double seconds) {
    const std::lock_guard lock(mutex_);
    if (const auto video = videos_.find(input_index); video != videos_.end()) video->second.last_frame_s = seconds;
}

void VideoSink::end_input(int input_index, bool whole) {
    std::unique_lock lock(mutex_);
    const auto video = videos_.extract(input_index);
    lock.unlock();  // closing moves the index to the front of what may be gigabytes
    // A run that has failed at one of its parts may end before it knows.
    if (!video || video.mapped().muxer.frames() == 0 || *video.mapped().has_failed) return;
    const std::string& path = paths_.at(std::size_t(input_index));
    video.mapped().muxer.close(whole, video.mapped().last_frame_s);
    if (const std::string left_out = video.mapped().muxer.sound_left_out(); !left_out.empty())
        remarks_.push_back(media::lack_text(path, left_out));
    finished_.push_back(path);
}

void VideoSink::abandon_input(int input_index) {
    const std::lock_guard lock(mutex_);
    videos_.erase(input_index);
}

}  // namespace convoy::tools
