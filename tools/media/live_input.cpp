// SPDX-License-Identifier: MIT
#include "tools/media/live_input.h"

#include <utility>

#include "tools/media/live_reader.h"

namespace convoy::media {
namespace {

class LiveSegment : public Segment {
public:
    SegmentKind kind() const override { return SegmentKind::endless; }
    std::size_t bytes() const override { return 0; }
};

}  // namespace

LiveInput::LiveInput(const std::string& path, double give_up_s, CancelFlag cancelled)
    : give_up_s_(give_up_s), cancelled_(std::move(cancelled)) {
    info_.path = path;
    info_.is_video = true;
}

std::shared_ptr<const Segment> LiveInput::next_segment() {
    return *cancelled_ || std::exchange(given_, true) ? nullptr : std::make_shared<LiveSegment>();
}

std::unique_ptr<SegmentReader> LiveInput::make_reader(const DecodeTarget& target) {
    return std::make_unique<LiveReader>(info_.path, give_up_s_, cancelled_, target);
}

}  // namespace convoy::media
