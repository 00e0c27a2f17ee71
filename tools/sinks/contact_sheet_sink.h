// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>

#include <convoy/media/contact_sheet.h>
#include "tools/sinks/picture_sink.h"

namespace convoy::tools {

/// Evenly chosen annotated frames of all inputs on one picture: of those with boxes, where there are any.
class ContactSheetSink : public PictureSink {
public:
    /// The wait for whoever reads a pipe can be given up.
    explicit ContactSheetSink(std::string path, media::GiveUp give_up = {});

    std::unique_ptr<Part> begin_part(int input_index, const InputInfo& input, int threads) override;
    void append(Part& part, std::span<const FramePlace> places) override;
    void close() override;
    std::vector<std::string> outputs() const override;

private:
    class TilesPart;

    std::string path_;
    media::GiveUp give_up_;
    bool written_ = false;
    std::mutex mutex_;  // of the sheets: parts begin while others are appended
    media::ContactSheet sheet_, sheet_with_boxes_;
};

}  // namespace convoy::tools
