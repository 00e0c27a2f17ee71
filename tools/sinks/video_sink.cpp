// SPDX-License-Identifier: MIT
#include "tools/sinks/video_sink.h"

#include <fmt/core.h>

#include <optional>
#include <utility>

#include <convoy/error.h>

namespace convoy::tools {
namespace {

struct Size {
    int width = 0, height = 0;
    bool operator==(const Size&) const = default;
};

[[noreturn]] void refuse_size(const std::string& input, const std::string& frame, Size size, Size before) {
    throw Error(
        ErrorKind::unsupported,
        fmt::format("{}: {} is {}x{} after frames of {}x{}, and a video has one size: use --pictures or --jsonl", input,
                    frame, size.width, size.height, before.width, before.height));
}

}  // namespace

class VideoSink::EncodedPart : public Part {
public:
    EncodedPart(int input_number, const InputInfo& input, int threads, std::string path,
                std::shared_ptr<VideoEncoders> encoders)
        : input_index(input_number),
          input_path(input.path),
          path_(std::move(path)),
          encoders_(std::move(encoders)),
          is_live_(input.duration_s <= 0 && input.frames_estimate <= 0) {
        if (input.fps_num > 0) {
            format_.fps_num = input.fps_num;
            format_.fps_den = input.fps_den;
        }
        format_.threads = threads;
    }

    void write(const AnnotatedFrame& frame) override {
        const Size size{frame.image.width, frame.image.height};
        if (!encoder_) {
            format_.width = size.width;
            format_.height = size.height;
            encoder_ = encoders_->open(input_index, path_, format_, is_live_);
        }
        const Size before{format_.width, format_.height};
        if (size != before) refuse_size(input_path, "a frame", size, before);
        keep(encoder_->encoder.write(frame.image), size);
    }

    void end() override {
        if (!encoder_) return;
        keep(encoder_->encoder.end(), {format_.width, format_.height});
        encoder_.reset();
    }

    /// What is encoded and not yet in the file; the size is that of its frames.
    std::pair<media::EncodedFrames, Size> take() {
        const std::lock_guard lock(mutex_);
        return {std::exchange(encoded_, {}), size_};
    }

    const int input_index;
    const std::string input_path;

private:
    void keep(media::EncodedFrames frames, Size size) {
        const std::lock_guard lock(mutex_);
        encoded_.append(std::move(frames));
        size_ = size;
    }

    std::string path_;
    std::shared_ptr<VideoEncoders> encoders_;
    const bool is_live_;  // of a length that nobody knows: one part without end
    media::VideoFormat format_;
    std::optional<VideoEncoders::Opened> encoder_;
    std::mutex mutex_;
    media::EncodedFrames encoded_;
    Size size_;
};

VideoSink::VideoSink(std::vector<std::string> paths, bool skip_pictures, media::H264Encoder encoder,
                     media::GiveUp give_up)
    : paths_(std::move(paths)),
      skip_pictures_(skip_pictures),
      encoders_(std::make_shared<VideoEncoders>(encoder)),
      give_up_(std::move(give_up)) {}

std::unique_ptr<Part> VideoSink::begin_part(int input_index, const InputInfo& input, int threads) {
    if (!input.is_video) {
        if (skip_pictures_) return nullptr;
        throw Error(ErrorKind::usage,
                    fmt::format("{} is a picture: --video takes videos, use --pictures DIR", input.path));
    }
    const std::string& path = paths_.at(std::size_t(input_index));
    {
        const std::lock_guard lock(mutex_);
        videos_.try_emplace(input_index, path, give_up_);
    }
    return std::make_unique<EncodedPart>(input_index, input, threads, path, encoders_);
}

void VideoSink::append(Part& part, std::span<const FramePlace> places) {
    auto& encoded = dynamic_cast<EncodedPart&>(part);
    auto [frames, size] = encoded.take();
    if (size == Size()) {
        if (places.empty()) return;
        throw Error(ErrorKind::usage, fmt::format("{}: a place for a frame that was not written", encoded.input_path));
    }
    std::unique_lock lock(mutex_);
    Video& video = videos_.at(encoded.input_index);
    lock.unlock();
    const Size before{video.width, video.height};
    if (video.muxer.frames() > 0 && size != before)
        refuse_size(encoded.input_path, fmt::format("frame {}", places.empty() ? 0 : places.front().index), size,
                    before);
    video.width = size.width;
    video.height = size.height;
    std::vector<double> times;
    for (const FramePlace& place : places) times.push_back(place.time_s);
    video.muxer.append(std::move(frames), times);
}

void VideoSink::end_input(int input_index) {
    std::unique_lock lock(mutex_);
    const auto video = videos_.extract(input_index);
    lock.unlock();  // closing moves the index to the front of what may be gigabytes
    if (!video || video.mapped().muxer.frames() == 0) return;
    video.mapped().muxer.close();
    finished_.push_back(paths_.at(std::size_t(input_index)));
}

}  // namespace convoy::tools
