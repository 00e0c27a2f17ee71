// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/media/out/ass.h"
#include "tools/media/out/overlay_writer.h"
#include "tools/sinks/drawn_picture.h"
#include "tools/sinks/input_names.h"
#include "tools/sinks/sink.h"
#include "tools/sinks/stamp_steps.h"

namespace convoy::tools {

/// Boxes as a track of subtitles for each video input: no picture is decoded or encoded for that.
class OverlaySink : public Sink {
public:
    /// `paths[i]` is the file for input i, .mkv or .ass. Of `drawing`, its labels and zones.
    OverlaySink(InputNames paths, std::vector<std::string> class_names, DrawOptions drawing = {});

    void write(const FrameOutput& frame) override;
    void end_input(int input_index, bool whole) override;
    std::vector<std::string> take_errors() override { return std::exchange(errors_, {}); }
    std::vector<std::string> take_remarks() override { return std::exchange(remarks_, {}); }
    std::vector<std::string> outputs() const override { return finished_; }

private:
    struct Overlay {
        Overlay(const std::vector<std::string>& class_names, media::LabelStyle labels, const FrameOutput& first,
                const std::string& path);
        double container_time(const Frame& frame);
        void show(double end_s);

        media::AssScript script;
        media::OverlayWriter writer;
        double frame_s = 0;   // nominal
        double offset_s = 0;  // container time of an input's begin
        StampSteps steps;
        int read_order = 0;
        std::vector<std::string> events;  // of the last frame, until it is known how long that is shown
        double start_s = 0;
    };

    void show(const FrameOutput& frame);
    void fail(int input_index, const Error& error);

    InputNames paths_;
    std::vector<std::string> class_names_;
    DrawOptions drawing_;
    // Of inputs that have begun and not ended; null once something went wrong with it.
    std::map<int, std::unique_ptr<Overlay>> overlays_;
    std::vector<std::string> finished_, errors_, remarks_;
};

}  // namespace convoy::tools
