// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <utility>

#include "tools/media/out/video_muxer.h"
#include "tools/sinks/input_names.h"
#include "tools/sinks/picture_sink.h"
#include "tools/sinks/stamp_steps.h"
#include "tools/sinks/video_encoders.h"

namespace convoy::tools {

/// One annotated video for each video input. Each part is encoded by an encoder of its own; together they are
/// one video without being encoded again, of the first frame's size: what has another is scaled and letterboxed.
class VideoSink : public PictureSink {
public:
    /// `paths[i]` is the file for input i. A picture among the inputs is passed over when `skip_pictures`, else an
    /// Error(usage). Of `format` only how to encode counts. The wait for whoever reads a pipe can be given up. `jpegs`
    /// make the pictures of Motion JPEG; null makes them as media::VideoEncoder does.
    VideoSink(InputNames paths, bool skip_pictures, const media::VideoFormat& format, media::GiveUp give_up = {},
              std::shared_ptr<media::JpegEncoders> jpegs = nullptr);

    /// Creates the (temporary) file at the input's first part, so that what cannot be written is found before any work.
    std::unique_ptr<Part> begin_part(int input_index, const InputInfo& input, int threads) override;
    void append(Part& part, std::span<const FramePlace> places) override;
    void last_frame(int input_index, double seconds) override;
    void end_input(int input_index, bool whole) override;
    void abandon_input(int input_index) override;
    std::vector<std::string> take_remarks() override { return std::exchange(remarks_, {}); }
    std::vector<std::string> outputs() const override { return finished_; }

private:
    class EncodedPart;
    InputNames paths_;
    bool skip_pictures_;
    media::VideoFormat format_;
    std::shared_ptr<VideoEncoders> encoders_;
    media::GiveUp give_up_;
    std::mutex mutex_;  // of the map: parts begin while others are appended
    struct Video {
        Video(const std::string& path, const media::GiveUp& give_up) : muxer(path, give_up) {}
        media::VideoMuxer muxer;
        StampSteps steps;
        double last_frame_s = 0;
        std::shared_ptr<std::atomic<bool>> has_failed = std::make_shared<std::atomic<bool>>(false);  // one of its parts
    };
    std::map<int, Video> videos_;  // of inputs that have begun and not ended
    std::vector<std::string> finished_, remarks_;
};

}  // namespace convoy::tools
