// SPDX-License-Identifier: MIT
#include "tools/sinks/annotate_work.h"

#include <chrono>

namespace convoy::tools {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

AnnotateWork::AnnotateWork(const std::vector<std::string>& class_names, const DrawOptions& options, WorkClocks* clocks)
    : annotator_(class_names, options.labels), options_(options), clocks_(clocks) {}

std::unique_ptr<AnnotateWork> AnnotateWork::begin(std::span<const std::unique_ptr<PictureSink>> sinks, int input_index,
                                                  const InputInfo& input, int threads,
                                                  const std::vector<std::string>& class_names,
                                                  const DrawOptions& options, WorkClocks* clocks) {
    std::unique_ptr<AnnotateWork> work(new AnnotateWork(class_names, options, clocks));
    work->picture_ = {input.pixel_width, input.pixel_height};
    for (const auto& sink : sinks)
        if (std::unique_ptr<Part> part = sink->begin_part(input_index, input, threads)) {
            work->targets_.push_back({sink.get(), std::move(part)});
            work->draws_ = work->draws_ || sink->wants_drawing();
        }
    if (work->targets_.empty()) return nullptr;
    return work;
}

void AnnotateWork::frame(Result& result) {
    if (result.frame.undecodable) return;
    const Clock::time_point start = Clock::now();
    if (draws_) picture_.draw(result, annotator_, options_);
    const Clock::time_point drawn = Clock::now();
    for (const Target& target : targets_) target.part->write({result, picture_});
    if (!clocks_) return;
    clocks_->draw.add(drawn - start);
    clocks_->encode.add(Clock::now() - drawn);
}

// Finishing is part of encoding: x264 still owes dozens of frames then.
void AnnotateWork::end() {
    const Clock::time_point start = Clock::now();
    for (const Target& target : targets_) target.part->end();
    picture_ = {};
    if (clocks_) clocks_->encode.add(Clock::now() - start);
}

void AnnotateWork::append(std::span<const FramePlace> places) {
    // One sink that cannot take them costs no other.
    for_all(targets_, [&](const Target& target) { target.sink->append(*target.part, places); });
}

}  // namespace convoy::tools
