// SPDX-License-Identifier: MIT
//
// Label Studio's tasks with predictions: one for each picture and each frame of a video.
#include <fmt/format.h>

#include "tools/sinks/formats/record_format.h"
#include "tools/sinks/formats/text.h"

namespace convoy::tools {
namespace {

class LabelStudioFormat : public RecordFormat {
public:
    explicit LabelStudioFormat(const FormatNames& names)
        : classes_(names.classes, json_string), frames_(names.frames) {}

    std::string begin() override { return "[\n"; }

    std::string frame(const FrameOutput& frame) override {
        const Frame& picture = frame.result.frame;
        if (picture.undecodable) return {};
        fmt::memory_buffer task;
        fmt::format_to(fmt::appender(task),
                       R"({}{{"data":{{"image":{},"input":{},"frame":{}}},"predictions":[)"
                       R"({{"model_version":"yolo-run","result":[)",
                       first_ ? "" : ",", json_string(frames_.image(frame.input, frame.input_index, picture.index)),
                       json_string(frame.input.path), picture.index);
        first_ = false;
        int number = 0;
        for (const Detection& d : frame.result.detections) {
            if (number++ > 0) task.push_back(',');
            put_region(task, d, number, picture.pixels.width, picture.pixels.height);
        }
        fmt::format_to(fmt::appender(task), "]}}]}}\n");
        return fmt::to_string(task);
    }

    void end(const Write& write) override { write("]\n"); }

private:
    /// Its place and size are per cent of the picture's.
    void put_region(fmt::memory_buffer& task, const Detection& d, int number, int width, int height) const {
        const double x = 100. / width, y = 100. / height;
        fmt::format_to(fmt::appender(task),
                       R"({{"id":"{}","type":"rectanglelabels","from_name":"label","to_name":"image",)"
                       R"("original_width":{},"original_height":{},"image_rotation":0,"score":{},)"
                       R"("value":{{"x":{},"y":{},"width":{},"height":{},"rotation":0,"rectanglelabels":[{}]}}{}}})",
                       number, width, height, d.confidence, d.box.x * x, d.box.y * y, d.box.w * x, d.box.h * y,
                       classes_.of(d.class_id), d.track > 0 ? fmt::format(R"(,"meta":{{"track":{}}})", d.track) : "");
    }

    ClassTexts classes_;
    FrameNames frames_;
    bool first_ = true;
};

}  // namespace

std::unique_ptr<RecordFormat> label_studio_format(const FormatNames& names) {
    return std::make_unique<LabelStudioFormat>(names);
}

}  // namespace convoy::tools
