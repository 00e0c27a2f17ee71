// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tools/media/out/ass.h"
#include "tools/media/out/overlay_writer.h"
#include "tools/sinks/sink.h"

namespace convoy::tools {

/// Boxes as a track of subtitles for each video input: no picture is decoded or encoded for that.
class OverlaySink : public Sink {
public:
    /// `paths[i]` is the file for input i, .mkv or .ass.
    OverlaySink(std::vector<std::string> paths, std::vector<std::string> class_names);

    void write(const FrameOutput& frame) override;
    void end_input(int input_index, bool whole) override;
    std::vector<std::string> take_errors() override { return std::exchange(errors_, {}); }
    std::vector<std::string> outputs() const override { return finished_; }

private:
    struct Overlay {
        Overlay(const std::vector<std::string>& class_names, const FrameOutput& first, const std::string& path);
        double container_time(const Frame& frame);
        void show(double end_s);

        media::AssScript script;
        media::OverlayWriter writer;
        double frame_s = 0;   // nominal
        double offset_s = 0;  // container time of an input's begin
        int read_order = 0;
        std::vector<std::string> events;  // of the last frame, until it is known how long that is shown
        double start_s = 0;
    };

    std::vector<std::string> paths_, class_names_;
    std::map<int, Overlay> overlays_;  // of inputs that have begun and not ended
    void show(const FrameOutput& frame);
    void fail(int input_index, const Error& error);

    std::set<int> failed_;  // inputs of which nothing more is written
    std::vector<std::string> finished_, errors_;
};

}  // namespace convoy::tools
