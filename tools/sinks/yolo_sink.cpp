// SPDX-License-Identifier: MIT
#include "tools/sinks/yolo_sink.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <utility>

#include <convoy/error.h>
#include "tools/media/unfinished.h"
#include "tools/sinks/frame_names.h"

namespace convoy::tools {
namespace {

/// Centre and size are shares of the picture's.
std::string labels(const Result& result) {
    const double width = result.frame.pixels.width, height = result.frame.pixels.height;
    fmt::memory_buffer text;
    for (const Detection& d : result.detections)
        fmt::format_to(fmt::appender(text), "{} {} {} {} {}\n", d.class_id, (d.box.x + d.box.w / 2.) / width,
                       (d.box.y + d.box.h / 2.) / height, d.box.w / width, d.box.h / height);
    return fmt::to_string(text);
}

/// Those of one input.
class LabelFiles : public Sink {
public:
    LabelFiles(std::shared_ptr<const FrameNames> names, media::GiveUp give_up)
        : names_(std::move(names)), give_up_(std::move(give_up)) {}

    void write(const FrameOutput& frame) override {
        if (frame.result.frame.undecodable) return;
        const std::string path = names_->of(frame.input_index, frame.input.is_video, frame.result.frame.index) + ".txt";
        const std::string folder = std::filesystem::path(path).parent_path().string() + "/";
        if (folder_.empty()) media::remove_all_unfinished(folder);
        media::write_file(path, labels(frame.result), give_up_);
        folder_ = folder;
    }
    std::vector<std::string> outputs() const override {
        if (folder_.empty()) return {};
        return {folder_};
    }

private:
    std::shared_ptr<const FrameNames> names_;
    media::GiveUp give_up_;
    std::string folder_;  // once a file is in it
};

FolderSink::Make make_label_files(const InputNames& stems, media::GiveUp give_up) {
    return [names = std::make_shared<const FrameNames>(stems), give_up = std::move(give_up)](const std::string&) {
        return std::make_unique<LabelFiles>(names, give_up);
    };
}

}  // namespace

YoloSink::YoloSink(InputNames stems, std::string classes_file, std::vector<std::string> class_names,
                   media::GiveUp give_up)
    : FolderSink(stems, make_label_files(stems, give_up), give_up),
      classes_file_(std::move(classes_file)),
      class_names_(std::move(class_names)),
      give_up_(std::move(give_up)) {}

void YoloSink::write(const FrameOutput& frame) {
    if (const auto names = std::exchange(class_names_, {}); !names.empty())
        media::write_file(classes_file_, fmt::format("{}\n", fmt::join(names, "\n")), give_up_);
    FolderSink::write(frame);
}

}  // namespace convoy::tools
