// SPDX-License-Identifier: MIT
#include "tools/sinks/picture_files_sink.h"

#include <fmt/core.h>

#include <filesystem>
#include <mutex>
#include <utility>

#include <convoy/error.h>
#include "tools/media/files.h"
#include "tools/sinks/hidden_folder.h"

namespace fs = std::filesystem;

namespace convoy::tools {
class PictureFilesSink::FilesPart : public Part {
public:
    FilesPart(int input, bool is_video, const std::string& stem, std::shared_ptr<media::JpegEncoders> jpegs,
              int quality)
        : input_index(input),
          in_video(is_video),
          stem_(stem),
          folder_(stem + (is_video ? "-000000.jpg" : ".jpg")),
          jpegs_(std::move(jpegs)),
          quality_(quality) {}

    void write(const AnnotatedFrame& frame) override {
        const std::string path = folder_.file(written_);
        folder_.write(path, stem_ + (in_video ? "-….jpg" : ".jpg"), [&] { write_jpeg(path, frame.picture); });
        const std::lock_guard lock(mutex_);
        ++written_;
    }
    void end() override {}

    /// The next file to be placed.
    std::string take() {
        const std::lock_guard lock(mutex_);
        if (placed_ == written_)
            throw Error(ErrorKind::usage, fmt::format("{}: a place for a picture that was not written", stem_));
        return folder_.file(placed_++);
    }

    const int input_index;
    const bool in_video;

private:
    void write_jpeg(const std::string& path, DrawnPicture& picture) {
        if (!jpegs_) return media::write_image(path, picture.shown());
        const bool is_nv12 = picture.nv12() && picture.has_pixels_of(1, 1);
        const PixelView pixels = is_nv12 ? picture.nv12()->view() : media::view_of(picture.shown());
        const std::vector<std::uint8_t> file = jpegs_->encode(path, pixels, quality_);
        media::write_file(path, {reinterpret_cast<const char*>(file.data()), file.size()});
    }

    std::string stem_;
    HiddenFolder folder_;
    std::shared_ptr<media::JpegEncoders> jpegs_;
    const int quality_;
    std::mutex mutex_;
    std::int64_t written_ = 0, placed_ = 0;
};

PictureFilesSink::PictureFilesSink(InputNames stems, bool skip_videos, media::GiveUp give_up,
                                   std::shared_ptr<media::JpegEncoders> jpegs, int quality)
    : stems_(std::move(stems)),
      names_(stems_),
      skip_videos_(skip_videos),
      give_up_(std::move(give_up)),
      jpegs_(std::move(jpegs)),
      quality_(quality) {}

std::unique_ptr<Part> PictureFilesSink::begin_part(int input_index, const InputInfo& input, int /*threads*/) {
    if (input.is_video && skip_videos_) return nullptr;
    return std::make_unique<FilesPart>(input_index, input.is_video, stems_.at(std::size_t(input_index)), jpegs_,
                                       quality_);
}

void PictureFilesSink::append(Part& part, std::span<const FramePlace> places) {
    auto& files = dynamic_cast<FilesPart&>(part);
    // One picture that cannot be placed costs no other.
    for_all(places, [&](const FramePlace& where) { place(files, where); });
}

void PictureFilesSink::place(FilesPart& part, const FramePlace& where) {
    const std::string path = names_.of(part.input_index, part.in_video, where.index) + ".jpg";
    place_file(part.take(), path, give_up_);
    outputs_.insert(skip_videos_ ? path : fs::path(path).parent_path().string() + "/");
}

}  // namespace convoy::tools
