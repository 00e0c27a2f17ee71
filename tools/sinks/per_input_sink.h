// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tools/media/files.h"
#include "tools/sinks/picture_sink.h"

namespace convoy::tools {

/// Around a sink whose inputs have files of their own: what goes wrong with those of one input is kept as its error and
/// ends no other. That input's files are abandoned, the rest of its frames passed over. Wrong usage still ends the run,
/// as does what fails since the wait for a reader was given up.
class PerInputSink : public PictureSink {
public:
    PerInputSink(std::unique_ptr<PictureSink> sink, media::GiveUp give_up);

    std::unique_ptr<Part> begin_part(int input_index, const InputInfo& input, int threads) override;
    bool wants_drawing() const override { return sink_->wants_drawing(); }
    void append(Part& part, std::span<const FramePlace> places) override;
    void last_frame(int input_index, double seconds) override { sink_->last_frame(input_index, seconds); }
    void end_input(int input_index, bool whole) override;
    void close() override { sink_->close(); }
    std::vector<std::string> take_errors() override { return std::exchange(errors_, {}); }
    std::vector<std::string> take_remarks() override { return sink_->take_remarks(); }
    std::vector<std::string> outputs() const override { return sink_->outputs(); }

private:
    class Failure;
    class GuardedPart;
    std::shared_ptr<Failure> failure_of(int input_index);

    std::unique_ptr<PictureSink> sink_;
    media::GiveUp give_up_;
    std::mutex mutex_;  // of the map: parts begin while others are appended
    std::map<int, std::shared_ptr<Failure>> failures_;
    std::vector<std::string> errors_;
};

}  // namespace convoy::tools
