// SPDX-License-Identifier: MIT
#include "tools/sinks/contact_sheet_sink.h"

#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <filesystem>

#include <convoy/error.h>

namespace convoy::tools {

constexpr int kColumns = 4, kRows = 3, kTileWidth = 480;  // 1920 pixels wide

class ContactSheetSink::TilesPart : public Part {
public:
    TilesPart(const InputInfo& input, media::SheetPart part, media::SheetPart part_with_boxes)
        : path(input.path), is_video(input.is_video), tiles(std::move(part)), with_boxes(std::move(part_with_boxes)) {}

    void write(const AnnotatedFrame& frame) override {
        const std::lock_guard lock(mutex);
        const auto image = [&]() -> const media::Image& { return frame.picture.shown(); };
        if (!frame.result.detections.empty()) {
            numbers_with_boxes.push_back(tiles.size());
            with_boxes.add(image);
        }
        tiles.add(image);
    }
    void end() override {}

    const std::string path;
    const bool is_video;
    std::mutex mutex;
    media::SheetPart tiles, with_boxes;
    std::deque<std::int64_t> numbers_with_boxes;  // of frames that are not appended
    std::int64_t appended = 0, appended_with_boxes = 0;
};

ContactSheetSink::ContactSheetSink(std::string path, media::GiveUp give_up)
    : path_(std::move(path)),
      give_up_(std::move(give_up)),
      sheet_(kColumns, kRows, kTileWidth),
      sheet_with_boxes_(kColumns, kRows, kTileWidth) {}

std::unique_ptr<Part> ContactSheetSink::begin_part(int /*input_index*/, const InputInfo& input, int /*threads*/) {
    const std::lock_guard lock(mutex_);
    return std::make_unique<TilesPart>(input, sheet_.begin_part(), sheet_with_boxes_.begin_part());
}

void ContactSheetSink::append(Part& part, std::span<const FramePlace> places) {
    auto& from = dynamic_cast<TilesPart&>(part);
    const std::int64_t first = from.appended, count = std::int64_t(places.size());
    const std::scoped_lock lock(mutex_, from.mutex);
    if (first + count > from.tiles.size())
        throw Error(ErrorKind::usage, fmt::format("{}: a place for a frame that was not written", path_));
    const auto caption = [&](std::int64_t number) {
        const FramePlace& place = places[std::size_t(number - first)];
        return from.is_video ? fmt::format("frame {}, {:.1f} s", place.index, place.time_s)
                             : std::filesystem::path(from.path).stem().string();
    };
    sheet_.append(from.tiles, first, count, caption);
    from.appended += count;
    std::deque<std::int64_t>& numbers = from.numbers_with_boxes;
    const auto end = std::lower_bound(numbers.begin(), numbers.end(), from.appended);
    const std::int64_t first_with_boxes = from.appended_with_boxes, with_boxes = end - numbers.begin();
    sheet_with_boxes_.append(from.with_boxes, first_with_boxes, with_boxes, [&](std::int64_t number) {
        return caption(numbers[std::size_t(number - first_with_boxes)]);
    });
    from.appended_with_boxes += with_boxes;
    numbers.erase(numbers.begin(), end);
}

void ContactSheetSink::close() {
    if (sheet_.empty()) return;
    media::write_image(path_, (sheet_with_boxes_.empty() ? sheet_ : sheet_with_boxes_).render(), give_up_);
    written_ = true;
}

std::vector<std::string> ContactSheetSink::outputs() const {
    if (!written_) return {};
    return {path_};
}

}  // namespace convoy::tools
