// SPDX-License-Identifier: MIT
#include "tools/sinks/contact_sheet_sink.h"

#include <fmt/core.h>

#include <filesystem>

namespace convoy::tools {

constexpr int kColumns = 4, kRows = 3, kTileWidth = 480;  // 1920 pixels wide

ContactSheetSink::ContactSheetSink(std::string path) : path_(std::move(path)), sheet_(kColumns, kRows, kTileWidth) {}

void ContactSheetSink::write(const FrameOutput& frame) {
    const Frame& source = frame.result.frame;
    sheet_.add(frame.image, frame.input.is_video ? fmt::format("frame {}, {:.1f} s", source.index, source.time_s)
                                                 : std::filesystem::path(frame.input.path).stem().string());
}

void ContactSheetSink::close() {
    if (!sheet_.empty()) media::write_image(path_, sheet_.render());
}

std::vector<std::string> ContactSheetSink::outputs() const {
    if (sheet_.empty()) return {};
    return {path_};
}

}  // namespace convoy::tools
