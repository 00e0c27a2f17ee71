// SPDX-License-Identifier: MIT
#include "tools/media/in/live_input.h"

#include <limits>
#include <optional>
#include <utility>

#include "tools/media/in/frame_window.h"
#include "tools/media/in/live_reader.h"

namespace convoy::media {
namespace {

class LiveSegment : public Segment {
public:
    SegmentKind kind() const override { return SegmentKind::endless; }
    std::size_t bytes() const override { return 0; }
};

/// A reader of which only some frames are wanted, and that has had enough at some time.
class SomeFrames : public SegmentReader {
public:
    SomeFrames(std::unique_ptr<SegmentReader> reader, const InputOptions& options)
        : reader_(std::move(reader)), options_(options) {}
    void open(std::shared_ptr<const Segment> segment) override { reader_->open(std::move(segment)); }
    std::optional<Frame> next() override {
        while (options_.frames == 0 || given_ < options_.frames) {
            std::optional<Frame> frame = reader_->next();
            if (!frame) break;
            if (!window_) window_.emplace(options_, frame->time_s);
            if (window_->is_past(frame->time_s)) break;
            if (!window_->holds(frame->time_s) || !window_->wants(held_++)) continue;
            ++given_;
            return frame;
        }
        return std::nullopt;
    }
    SegmentNotes notes() const override { return reader_->notes(); }

private:
    const std::unique_ptr<SegmentReader> reader_;
    const InputOptions options_;
    std::optional<FrameWindow> window_;  // from the first frame on
    std::int64_t held_ = 0, given_ = 0;
};

}  // namespace

LiveInput::LiveInput(const std::string& path, const InputOptions& options, std::stop_token cancel)
    : path_(path), options_(options), cancel_(std::move(cancel)) {
    info_.path = without_passwords(path);
    info_.is_video = true;
    info_.frame_step = options.every;
    info_.longest_gap_s = std::numeric_limits<double>::infinity();  // its reader has looked at the clock
}

std::shared_ptr<const Segment> LiveInput::next_segment() {
    return cancel_.stop_requested() || std::exchange(given_, true) ? nullptr : std::make_shared<LiveSegment>();
}

std::unique_ptr<SegmentReader> LiveInput::make_reader(const DecodeTarget& target) {
    auto reader = std::make_unique<LiveReader>(path_, options_, cancel_, target);
    const InputOptions& o = options_;
    if (o.frames == 0 && o.every == 1 && o.start_s == 0 && o.stop_s == 0) return reader;
    return std::make_unique<SomeFrames>(std::move(reader), o);
}

}  // namespace convoy::media
