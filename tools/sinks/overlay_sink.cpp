// SPDX-License-Identifier: MIT
#include "tools/sinks/overlay_sink.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <convoy/error.h>
#include "tools/analysis/text.h"
#include "tools/sinks/zone_counts.h"

namespace convoy::tools {
namespace {

constexpr double kDefaultRate = 25;  // frames/s where the container tells none

}  // namespace

OverlaySink::Overlay::Overlay(const std::vector<std::string>& class_names, media::LabelStyle labels,
                              const FrameOutput& first, const std::string& path)
    : script(class_names, first.result.frame.pixels.width, first.result.frame.pixels.height, labels),
      writer(first.input.path, path, script.header(), first.input.video_stream) {
    const InputInfo& info = first.input;
    frame_s = info.fps_num > 0 ? double(info.fps_den) / info.fps_num : 1 / kDefaultRate;
}

double OverlaySink::Overlay::container_time(const Frame& frame) {
    if (std::isnan(steps.earlier_s()) && !std::isnan(frame.pts_s)) offset_s = frame.pts_s - frame.time_s;
    if (const auto earlier_s = steps.see(frame.pts_s, frame.time_s, frame_s))
        writer.step(frame.pts_s, *earlier_s - offset_s);
    return offset_s + frame.time_s;
}

void OverlaySink::Overlay::show(double end_s) { writer.write(std::exchange(events, {}), start_s, end_s); }

OverlaySink::OverlaySink(InputNames paths, std::vector<std::string> class_names, DrawOptions drawing)
    : paths_(std::move(paths)), class_names_(std::move(class_names)), drawing_(std::move(drawing)) {
    std::transform(class_names_.begin(), class_names_.end(), class_names_.begin(), analysis::as_utf8);
}

void OverlaySink::write(const FrameOutput& frame) {
    if (!frame.input.is_video) return;
    try {
        show(frame);
    } catch (const Error& error) {
        fail(frame.input_index, error);
    }
}

// Each input has a file of its own: the others go on.
void OverlaySink::fail(int input_index, const Error& error) {
    overlays_[input_index] = nullptr;
    errors_.push_back(error.what());
}

void OverlaySink::show(const FrameOutput& frame) {
    const auto [found, first] = overlays_.try_emplace(frame.input_index);
    std::unique_ptr<Overlay>& overlay = found->second;
    if (first)
        overlay =
            std::make_unique<Overlay>(class_names_, drawing_.labels, frame, paths_.at(std::size_t(frame.input_index)));
    if (!overlay) return;
    const double start_s = overlay->container_time(frame.result.frame);
    if (!first) overlay->show(start_s);
    overlay->start_s = start_s;
    const PixelView& picture = frame.result.frame.pixels;
    const std::vector<media::Outline> outlines =
        drawing_.zones ? zone_outlines(*drawing_.zones, frame.result) : std::vector<media::Outline>();
    overlay->events =
        overlay->script.events(frame.result.detections, picture.width, picture.height, overlay->read_order, outlines);
}

void OverlaySink::end_input(int input_index, bool whole) {
    const auto ended = overlays_.extract(input_index);
    if (!ended || !ended.mapped()) return;
    Overlay& overlay = *ended.mapped();
    try {
        const double end_s = overlay.start_s + overlay.frame_s;
        overlay.show(end_s);
        overlay.writer.close(whole ? std::numeric_limits<double>::infinity() : end_s);
        const std::string& path = paths_.at(std::size_t(input_index));
        if (const std::string left_out = overlay.writer.left_out(); !left_out.empty())
            remarks_.push_back(media::lack_text(path, left_out));
        finished_.push_back(path);
    } catch (const Error& error) {
        errors_.push_back(error.what());
    }
}

}  // namespace convoy::tools
