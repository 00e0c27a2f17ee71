// SPDX-License-Identifier: MIT
#include "tools/sinks/annotate_work.h"

#include <fmt/core.h>

#include <chrono>
#include <cstring>

#include "darknet_loader/error.h"

namespace convoy::tools {
namespace {

using Clock = std::chrono::steady_clock;

// STAND-IN for media::ImageConverter: rgb8 alone. To be replaced by it, here and nowhere else.
void to_image(const PixelView& pixels, media::Image& image) {
    if (pixels.format != PixelFormat::rgb8 || pixels.on_device)
        throw Error(ErrorKind::unsupported, "only RGB pictures in host memory can be drawn on");
    const std::size_t row = std::size_t(pixels.width) * 3;
    image.width = pixels.width;
    image.height = pixels.height;
    image.rgb.resize(row * std::size_t(pixels.height));
    for (int y = 0; y < pixels.height; ++y)
        std::memcpy(image.row(y), pixels.plane[0] + std::ptrdiff_t(y) * pixels.pitch[0], row);
}

}  // namespace

AnnotateWork::AnnotateWork(const std::vector<std::string>& class_names, WorkClocks* clocks)
    : annotator_(class_names), clocks_(clocks) {}

std::unique_ptr<AnnotateWork> AnnotateWork::begin(std::span<const std::unique_ptr<PictureSink>> sinks, int input_index,
                                                  const InputInfo& input, int threads,
                                                  const std::vector<std::string>& class_names, WorkClocks* clocks) {
    std::unique_ptr<AnnotateWork> work(new AnnotateWork(class_names, clocks));
    for (const auto& sink : sinks)
        if (std::unique_ptr<Part> part = sink->begin_part(input_index, input, threads))
            work->targets_.push_back({sink.get(), std::move(part)});
    if (work->targets_.empty()) return nullptr;
    return work;
}

void AnnotateWork::frame(Result& result) {
    const Clock::time_point start = Clock::now();
    to_image(result.frame.pixels, image_);
    annotator_.annotate(image_, result.detections, fmt::format("{:.1f} ms", result.latency_ms));
    const Clock::time_point drawn = Clock::now();
    for (const Target& target : targets_) target.part->write({result, image_});
    if (!clocks_) return;
    clocks_->draw.add(drawn - start);
    clocks_->encode.add(Clock::now() - drawn);
}

// Finishing is part of encoding: x264 still owes dozens of frames then.
void AnnotateWork::end() {
    const Clock::time_point start = Clock::now();
    for (const Target& target : targets_) target.part->end();
    image_ = {};
    if (clocks_) clocks_->encode.add(Clock::now() - start);
}

void AnnotateWork::append(std::span<const FramePlace> places) {
    for (const Target& target : targets_) target.sink->append(*target.part, places);
}

}  // namespace convoy::tools
