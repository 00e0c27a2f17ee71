// SPDX-License-Identifier: MIT
#include "tools/media/picture_input.h"

#include <utility>

#include "darknet_loader/error.h"
#include "tools/media/files.h"
#include "tools/media/image.h"

namespace convoy::media {
namespace {

class PictureSegment : public Segment {
public:
    explicit PictureSegment(std::string file) : path(std::move(file)) {}
    std::size_t bytes() const override { return sizeof *this; }  // the file is read by the reader

    const std::string path;
};

class PictureReader : public SegmentReader {
public:
    void open(std::shared_ptr<const Segment> segment) override {
        segment_ = std::dynamic_pointer_cast<const PictureSegment>(segment);
        if (!segment_) throw Error(ErrorKind::usage, "a segment of another input was given to a picture's reader");
    }

    std::optional<Frame> next() override {
        if (!segment_) return std::nullopt;
        const auto image = std::make_shared<const Image>(read_image(std::exchange(segment_, nullptr)->path));
        Frame frame;
        frame.pixels.plane[0] = image->rgb.data();
        frame.pixels.pitch[0] = image->width * 3;
        frame.pixels.width = image->width;
        frame.pixels.height = image->height;
        frame.owner = image;
        return frame;
    }

    SegmentNotes notes() const override { return {}; }

private:
    std::shared_ptr<const PictureSegment> segment_;
};

}  // namespace

PictureInput::PictureInput(const std::string& path) {
    require_readable(path);
    info_.path = path;
    info_.frames_estimate = 1;
    segment_ = std::make_shared<PictureSegment>(path);
}

std::shared_ptr<const Segment> PictureInput::next_segment() { return std::exchange(segment_, nullptr); }

std::unique_ptr<SegmentReader> PictureInput::make_reader(const DecodeTarget& /*target*/) {
    return std::make_unique<PictureReader>();
}

}  // namespace convoy::media
