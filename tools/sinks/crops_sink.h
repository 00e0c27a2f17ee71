// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tools/sinks/formats/record_format.h"
#include "tools/sinks/picture_sink.h"

namespace convoy::tools {

/// What is in the boxes, cut out of pictures that nothing was drawn on, in a folder for each class: NAME-1.jpg is the
/// first box of a picture or a video's frame. Of what belongs to a track there is one picture, STEM-track7.jpg: of all
/// sights so far the most confident, of these the largest.
class CropsSink : public PictureSink {
public:
    /// `folder` ends in /. The wait for whoever reads a pipe can be given up.
    CropsSink(std::string folder, FormatNames names, media::GiveUp give_up = {});

    std::unique_ptr<Part> begin_part(int input_index, const InputInfo& input, int threads) override;
    bool wants_drawing() const override { return false; }
    void append(Part& part, std::span<const FramePlace> places) override;
    void end_input(int input_index, bool whole) override;
    std::vector<std::string> outputs() const override;

private:
    class CropsPart;
    using Worth = std::pair<float, double>;  // confidence, area
    void place(CropsPart& part, const FramePlace& where);

    std::string folder_;
    FormatNames names_;
    std::vector<std::string> class_folders_;
    media::GiveUp give_up_;
    std::map<std::pair<int, std::int64_t>, Worth> best_;  // by input and track
    std::set<std::string> cleared_;                       // folders, of what runs that were killed have left
    bool written_ = false;
};

}  // namespace convoy::tools
