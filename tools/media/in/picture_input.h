// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include <convoy/frame.h>
#include <convoy/media/image.h>
#include <convoy/segment.h>

namespace convoy::media {

/// A picture as a frame that owns it.
Frame frame_of(std::shared_ptr<const Image> image);

/// One picture, decoded by whoever reads its segment: a folder of them is decoded on as many threads as there are
/// readers. Opening it looks whether the file is there and at its header, for the memory that decoding it will take;
/// its size is not known before it is read.
class PictureInput : public Input {
public:
    /// Throws Error(input) when the file is missing, empty or unreadable. When `cancel` is asked to stop, a picture
    /// that is still on its way through a pipe, or being decoded, does not come.
    explicit PictureInput(const std::string& path, std::stop_token cancel = {});
    const InputInfo& info() const override { return info_; }
    std::shared_ptr<const Segment> next_segment() override;
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget& target) override;

private:
    std::stop_token cancel_;
    InputInfo info_;
    std::shared_ptr<const Segment> segment_;
};

}  // namespace convoy::media
