// SPDX-License-Identifier: MIT
#include "tools/media/in/live_input.h"

#include <limits>
#include <utility>

#include "tools/media/in/live_reader.h"

namespace convoy::media {
namespace {

class LiveSegment : public Segment {
public:
    SegmentKind kind() const override { return SegmentKind::endless; }
    std::size_t bytes() const override { return 0; }
};

/// A reader that has had enough after so many frames.
class FirstFrames : public SegmentReader {
public:
    FirstFrames(std::unique_ptr<SegmentReader> reader, std::int64_t frames)
        : reader_(std::move(reader)), left_(frames) {}
    void open(std::shared_ptr<const Segment> segment) override { reader_->open(std::move(segment)); }
    std::optional<Frame> next() override { return left_-- > 0 ? reader_->next() : std::nullopt; }
    SegmentNotes notes() const override { return reader_->notes(); }

private:
    std::unique_ptr<SegmentReader> reader_;
    std::int64_t left_;
};

}  // namespace

LiveInput::LiveInput(const std::string& path, const InputOptions& options, std::stop_token cancel)
    : path_(path), options_(options), cancel_(std::move(cancel)) {
    info_.path = without_passwords(path);
    info_.is_video = true;
    info_.longest_gap_s = std::numeric_limits<double>::infinity();  // its reader has looked at the clock
}

std::shared_ptr<const Segment> LiveInput::next_segment() {
    return cancel_.stop_requested() || std::exchange(given_, true) ? nullptr : std::make_shared<LiveSegment>();
}

std::unique_ptr<SegmentReader> LiveInput::make_reader(const DecodeTarget& target) {
    auto reader = std::make_unique<LiveReader>(path_, options_, cancel_, target);
    if (options_.frames == 0) return reader;
    return std::make_unique<FirstFrames>(std::move(reader), options_.frames);
}

}  // namespace convoy::media
