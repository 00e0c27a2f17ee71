// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "tools/sinks/record_file.h"

namespace convoy::tools {

/// Labels as Darknet's training and yolo-eval read them: a text file for each picture and each frame of a video,
/// whether it has boxes or not, with a line `class cx cy w h` for each; and one with the names of the classes. A frame
/// that cannot be decoded has none.
class YoloSink : public FolderSink {
public:
    /// `stems[i]` is the path for input i without its ending: STEM.txt for a picture, STEM-000123.txt for a frame.
    /// `classes_file` is written when the first frame comes, unless the classes have no names. The wait for whoever
    /// reads a pipe can be given up.
    YoloSink(InputNames stems, std::string classes_file, std::vector<std::string> class_names,
             media::GiveUp give_up = {});

    void write(const FrameOutput& frame) override;

private:
    std::string classes_file_;
    std::vector<std::string> class_names_;  // none once they are written
    media::GiveUp give_up_;
};

}  // namespace convoy::tools
