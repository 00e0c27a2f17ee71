// SPDX-License-Identifier: MIT
#pragma once

#include <set>

#include "tools/media/out/jpeg_encoders.h"
#include "tools/sinks/frame_names.h"
#include "tools/sinks/picture_sink.h"

namespace convoy::tools {

/// An annotated picture for each picture input and, unless it skips videos, for each frame of a video. A part's are
/// written into a hidden folder of its own beside where they belong, and get their names when they are appended.
class PictureFilesSink : public PictureSink {
public:
    /// `stems[i]` is the path for input i without its ending: STEM.jpg for a picture, STEM-000123.jpg for a frame.
    /// The wait for whoever reads a pipe can be given up. `jpegs` encode with their `quality`; null: write_image().
    PictureFilesSink(InputNames stems, bool skip_videos, media::GiveUp give_up = {},
                     std::shared_ptr<media::JpegEncoders> jpegs = nullptr, int quality = media::kJpegQuality);

    std::unique_ptr<Part> begin_part(int input_index, const InputInfo& input, int threads) override;
    void append(Part& part, std::span<const FramePlace> places) override;
    std::vector<std::string> outputs() const override { return {outputs_.begin(), outputs_.end()}; }

private:
    class FilesPart;
    void place(FilesPart& part, const FramePlace& where);

    InputNames stems_;
    FrameNames names_;
    bool skip_videos_;
    media::GiveUp give_up_;
    std::shared_ptr<media::JpegEncoders> jpegs_;
    int quality_;
    std::set<std::string> outputs_;  // every picture of a picture, the folder of frames
};

}  // namespace convoy::tools
