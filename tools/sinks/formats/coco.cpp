// SPDX-License-Identifier: MIT
//
// COCO's annotations with a score each, as pycocotools reads them. Annotations are written as they come; what pictures
// they lie on is remembered, as rows of frames, and comes behind them.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include <convoy/version.h>
#include "tools/sinks/formats/record_format.h"
#include "tools/sinks/formats/text.h"

namespace convoy::tools {
namespace {

constexpr std::size_t kPiece = 1 << 16;  // bytes that are written together at the end

class CocoFormat : public RecordFormat {
public:
    explicit CocoFormat(const FormatNames& names)
        : classes_(names.classes, json_string), frames_(names.frames), class_count_(int(names.classes.size())) {}

    std::string begin() override {
        return fmt::format(R"({{"info":{{"description":"boxes by yolo-run","version":"{}"}},"annotations":[)"
                           "\n",
                           CONVOY_VERSION);
    }

    std::string frame(const FrameOutput& frame) override {
        if (frame.result.frame.undecodable) return {};
        remember(frame);
        fmt::memory_buffer lines;
        for (const Detection& d : frame.result.detections) {
            class_count_ = std::max(class_count_, d.class_id + 1);
            fmt::format_to(fmt::appender(lines),
                           R"({}{{"id":{},"image_id":{},"category_id":{},"bbox":[{},{},{},{}],"area":{},"iscrowd":0,)"
                           R"("score":{}{}}})"
                           "\n",
                           annotations_ > 0 ? "," : "", annotations_ + 1, images_, d.class_id + 1, d.box.x, d.box.y,
                           d.box.w, d.box.h, double(d.box.w) * d.box.h, d.confidence,
                           d.track > 0 ? fmt::format(R"(,"track_id":{})", d.track) : "");
            ++annotations_;
        }
        return fmt::to_string(lines);
    }

    void end(const Write& write) override {
        fmt::memory_buffer piece;
        const auto flush = [&] { write(fmt::to_string(piece)), piece.clear(); };
        fmt::format_to(fmt::appender(piece), "],\"images\":[\n");
        std::int64_t id = 0;
        for (const Row& row : rows_)
            for (std::int64_t frame = row.first; frame < row.first + row.count; ++frame) {
                put_image(piece, ++id, row, frame);
                if (piece.size() >= kPiece) flush();
            }
        fmt::format_to(fmt::appender(piece), "],\"categories\":[\n");
        for (int c = 0; c < class_count_; ++c)
            fmt::format_to(fmt::appender(piece), "{}{{\"id\":{},\"name\":{}}}\n", c > 0 ? "," : "", c + 1,
                           classes_.of(c));
        fmt::format_to(fmt::appender(piece), "]}}\n");
        flush();
    }

private:
    /// Frames of one input and size that follow each other.
    struct Row {
        int input = 0;
        std::int64_t first = 0, count = 0;
        int width = 0, height = 0;
    };

    void remember(const FrameOutput& frame) {
        inputs_.try_emplace(frame.input_index, frame.input);
        const Frame& picture = frame.result.frame;
        const Row next = {frame.input_index, picture.index, 1, picture.pixels.width, picture.pixels.height};
        const bool goes_on = !rows_.empty() && rows_.back().input == next.input &&
                             rows_.back().first + rows_.back().count == next.first &&
                             rows_.back().width == next.width && rows_.back().height == next.height;
        if (goes_on)
            ++rows_.back().count;
        else
            rows_.push_back(next);
        ++images_;
    }

    void put_image(fmt::memory_buffer& piece, std::int64_t id, const Row& row, std::int64_t frame) const {
        const InputInfo& input = inputs_.at(row.input);
        fmt::format_to(fmt::appender(piece),
                       R"({}{{"id":{},"file_name":{},"width":{},"height":{}{}}})"
                       "\n",
                       id > 1 ? "," : "", id, json_string(frames_.image(input, row.input, frame)), row.width,
                       row.height,
                       input.is_video ? fmt::format(R"(,"video":{},"frame":{})", json_string(input.path), frame) : "");
    }

    ClassTexts classes_;
    FrameNames frames_;
    int class_count_;
    std::int64_t annotations_ = 0, images_ = 0;
    std::map<int, InputInfo> inputs_;  // that have frames in it
    std::vector<Row> rows_;
};

}  // namespace

std::unique_ptr<RecordFormat> coco_format(const FormatNames& names) { return std::make_unique<CocoFormat>(names); }

}  // namespace convoy::tools
