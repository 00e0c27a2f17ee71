// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <convoy/media/draw.h>
#include <convoy/run.h>
#include <convoy/stage_stats.h>
#include "tools/sinks/picture_sink.h"

namespace convoy::tools {

/// How long drawing and encoding take, a frame each; of all works together.
struct WorkClocks {
    StageClock draw{"draw"}, encode{"encode"};
};

/// Draws what was found on the frames of a segment and hands them to every picture sink that takes its input.
class AnnotateWork : public SegmentWork {
public:
    /// Null when no sink takes anything of this input. Sinks and clocks (which may be null) must outlive the work.
    static std::unique_ptr<AnnotateWork> begin(std::span<const std::unique_ptr<PictureSink>> sinks, int input_index,
                                               const InputInfo& input, int threads,
                                               const std::vector<std::string>& class_names, const DrawOptions& options,
                                               WorkClocks* clocks);

    void frame(Result& result) override;
    void end() override;
    /// Hands the next frames over to the sinks: PictureSink::append(), with its rules. What one of them throws comes
    /// when the others have theirs.
    void append(std::span<const FramePlace> places);

private:
    AnnotateWork(const std::vector<std::string>& class_names, const DrawOptions& options, WorkClocks* clocks);

    struct Target {
        PictureSink* sink;
        std::unique_ptr<Part> part;
    };
    std::vector<Target> targets_;
    media::Annotator annotator_;
    bool draws_ = false;
    const DrawOptions options_;
    WorkClocks* clocks_;
    DrawnPicture picture_;
};

}  // namespace convoy::tools
