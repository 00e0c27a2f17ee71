// SPDX-License-Identifier: MIT
#include "tools/media/in/picture_input.h"

#include <utility>

#include <convoy/error.h>
#include "tools/media/files.h"

namespace convoy::media {
namespace {

class PictureSegment : public Segment {
public:
    explicit PictureSegment(std::string file) : path(std::move(file)), memory_(read_image_memory(path)) {}
    std::size_t bytes() const override { return memory_; }  // its reader's, which reads and decodes it

    const std::string path;

private:
    const std::size_t memory_;
};

class PictureReader : public SegmentReader {
public:
    explicit PictureReader(std::stop_token cancel) : cancel_(std::move(cancel)) {}

    void open(std::shared_ptr<const Segment> segment) override {
        segment_ = std::dynamic_pointer_cast<const PictureSegment>(segment);
        notes_ = {};
        if (!segment_) throw Error(ErrorKind::usage, "a segment of another input was given to a picture's reader");
    }

    std::optional<Frame> next() override {
        if (!segment_) return std::nullopt;
        std::shared_ptr<const Image> image = read(std::exchange(segment_, nullptr)->path);
        return image ? std::optional(frame_of(std::move(image))) : std::nullopt;
    }

    SegmentNotes notes() const override { return notes_; }

private:
    /// Null when it is cancelled meanwhile, whatever has gone wrong then.
    std::shared_ptr<const Image> read(const std::string& path) {
        try {
            std::string warning;
            auto image = std::make_shared<const Image>(read_image(
                path, [this] { return cancel_.stop_requested(); }, &warning));
            notes_.damaged = !warning.empty();
            notes_.first_damage = warning;
            return image;
        } catch (const Error&) {
            if (!cancel_.stop_requested()) throw;
            return nullptr;
        }
    }

    std::stop_token cancel_;
    std::shared_ptr<const PictureSegment> segment_;
    SegmentNotes notes_;  // of the picture read last
};

}  // namespace

Frame frame_of(std::shared_ptr<const Image> image) {
    Frame frame;
    frame.pixels.plane[0] = image->rgb.data();
    frame.pixels.pitch[0] = image->width * 3;
    frame.pixels.width = image->width;
    frame.pixels.height = image->height;
    frame.owner = std::move(image);
    return frame;
}

PictureInput::PictureInput(const std::string& path, std::stop_token cancel) : cancel_(std::move(cancel)) {
    require_readable(path);
    info_.path = path;
    info_.frames_estimate = 1;
    segment_ = std::make_shared<PictureSegment>(path);
}

std::shared_ptr<const Segment> PictureInput::next_segment() { return std::exchange(segment_, nullptr); }

std::unique_ptr<SegmentReader> PictureInput::make_reader(const DecodeTarget& /*target*/) {
    return std::make_unique<PictureReader>(cancel_);
}

}  // namespace convoy::media
