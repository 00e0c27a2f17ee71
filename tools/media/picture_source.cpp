// SPDX-License-Identifier: MIT
#include <utility>

#include "tools/media/image.h"
#include "tools/media/open_sources.h"

namespace convoy::media {
namespace {

class PictureSource : public Source {
public:
    explicit PictureSource(const std::string& path) : image_(std::make_shared<const Image>(read_image(path))) {
        info_.path = path;
        info_.width = image_->width;
        info_.height = image_->height;
        info_.frames_estimate = 1;
    }

    const SourceInfo& info() const override { return info_; }
    std::int64_t damaged() const override { return 0; }
    const std::string& first_damage() const override { return no_damage_; }

    std::optional<Frame> next() override {
        if (!image_) return std::nullopt;
        Frame frame;
        frame.pixels.plane[0] = image_->rgb.data();
        frame.pixels.pitch[0] = image_->width * 3;
        frame.pixels.width = image_->width;
        frame.pixels.height = image_->height;
        frame.owner = std::move(image_);
        return frame;
    }

private:
    SourceInfo info_;
    std::string no_damage_;
    std::shared_ptr<const Image> image_;
};

}  // namespace

std::unique_ptr<Source> open_picture(const std::string& path) { return std::make_unique<PictureSource>(path); }

std::unique_ptr<Source> open_source(const std::string& path, const SourceOptions& options) {
    return is_image_path(path) && !is_url(path) ? open_picture(path) : open_video(path, options);
}

}  // namespace convoy::media
