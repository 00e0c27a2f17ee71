// SPDX-License-Identifier: MIT
#include "tools/fleet/unit_input.h"

#include <algorithm>
#include <utility>

#include <convoy/error.h>
#include "tools/fleet/patience.h"
#include "tools/media/in/begun_input.h"

namespace convoy::fleet {
namespace {

constexpr std::size_t kReplayedAtOnce = 512;  // frames

/// One of a UnitInput: kept frames from `first` on, or a segment of the rest.
struct UnitSegment : Segment {
    SegmentKind kind() const override { return inner ? inner->kind() : SegmentKind::closed; }
    std::size_t bytes() const override { return inner ? inner->bytes() : 0; }
    std::int64_t frames() const override { return inner ? inner->frames() : std::int64_t(count); }

    std::shared_ptr<const Segment> inner;
    std::size_t number = 0, first = 0, count = 0;
    bool begins_with_kept = false;  // its first frame is the last that was kept
};

Frame frame_of(const KeptRecord& record) {
    static constexpr std::uint8_t kNoPixel = 0;
    Frame frame;
    frame.pixels.format = PixelFormat::rgb8;
    frame.pixels.width = record.width, frame.pixels.height = record.height;
    frame.pixels.plane[0] = &kNoPixel, frame.pixels.pitch[0] = 3 * record.width;
    frame.time_s = record.pts_s;
    frame.undecodable = true;
    return frame;
}

class UnitReader : public SegmentReader {
public:
    UnitReader(std::shared_ptr<Input> rest, std::shared_ptr<const std::vector<KeptRecord>> kept,
               std::shared_ptr<ReadFrames> read, const DecodeTarget& target)
        : rest_(std::move(rest)), kept_(std::move(kept)), read_(std::move(read)), target_(target) {}

    void warm_up(std::shared_ptr<const Segment> sample) override {
        if (const auto& inner = static_cast<const UnitSegment&>(*sample).inner) reader().warm_up(inner);
    }
    void open(std::shared_ptr<const Segment> segment) override {
        segment_ = std::static_pointer_cast<const UnitSegment>(std::move(segment));
        frames_ = 0;
        if (!segment_->inner) return;
        reader().open(segment_->inner);
        if (segment_->begins_with_kept) reader().next();
    }
    std::optional<Frame> next() override {
        std::optional<Frame> frame;
        if (segment_->inner)
            frame = reader().next();
        else if (std::size_t(frames_) < segment_->count)
            frame = frame_of((*kept_)[segment_->first + std::size_t(frames_)]);
        if (frame)
            ++frames_;
        else
            read_->of_segment(segment_->number, frames_);
        return frame;
    }
    SegmentNotes notes() const override { return segment_->inner ? inner_->notes() : SegmentNotes(); }

    bool move_to(const std::shared_ptr<Input>& rest, std::shared_ptr<const std::vector<KeptRecord>> kept,
                 std::shared_ptr<ReadFrames> read) {
        if (inner_ && !rest->adopt_reader(*inner_)) return false;
        rest_ = rest, kept_ = std::move(kept), read_ = std::move(read);
        segment_.reset();
        return true;
    }

private:
    SegmentReader& reader() {
        if (!inner_) inner_ = rest_->make_reader(target_);
        return *inner_;
    }

    std::shared_ptr<Input> rest_;
    std::shared_ptr<const std::vector<KeptRecord>> kept_;
    std::shared_ptr<ReadFrames> read_;
    const DecodeTarget target_;
    std::unique_ptr<SegmentReader> inner_;
    std::shared_ptr<const UnitSegment> segment_;
    std::int64_t frames_ = 0;  // of the segment
};

struct NoInput : Input {
    InputInfo nothing;
    const InputInfo& info() const override { return nothing; }
    std::shared_ptr<const Segment> next_segment() override { return nullptr; }
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget&) override { return nullptr; }
};

}  // namespace

bool ReadFrames::are_all(std::int64_t frames) const {
    const std::lock_guard lock(mutex_);
    if (!ended_ || frames_.size() != segments_) return false;
    std::int64_t sum = 0;
    for (const auto& [segment, count] : frames_) sum += count;
    return sum == frames;
}

UnitInput::UnitInput(std::unique_ptr<Input> rest, InputInfo info, std::shared_ptr<const std::vector<KeptRecord>> kept,
                     std::shared_ptr<ReadFrames> read)
    : rest_(std::move(rest)), info_(std::move(info)), kept_(std::move(kept)), read_(std::move(read)) {}

std::shared_ptr<const Segment> UnitInput::next_segment() {
    auto segment = std::make_shared<UnitSegment>();
    segment->number = segments_;
    if (replayed_ < kept_->size()) {
        segment->first = replayed_;
        segment->count = std::min(kReplayedAtOnce, kept_->size() - replayed_);
        replayed_ += segment->count;
    } else if ((segment->inner = rest_->next_segment())) {
        segment->begins_with_kept = !std::exchange(rest_begun_, true) && !kept_->empty();
    } else {
        read_->cut(segments_);
        return nullptr;
    }
    ++segments_;
    return segment;
}

std::unique_ptr<SegmentReader> UnitInput::make_reader(const DecodeTarget& target) {
    return std::make_unique<UnitReader>(rest_, kept_, read_, target);
}

bool UnitInput::adopt_reader(SegmentReader& reader) {
    auto* of_unit = dynamic_cast<UnitReader*>(&reader);
    return of_unit && of_unit->move_to(rest_, kept_, read_);
}

std::unique_ptr<Input> open_behind(const std::string& location, const media::InputOptions& options,
                                   const std::vector<KeptRecord>& kept, std::stop_token cancel) {
    const double last_s = kept.back().pts_s;
    double begin_s = kept.front().pts_s - options.start_s;  // where the container begins to count: by and large
    media::InputOptions behind = options;
    if (options.frames > 0) behind.frames = options.frames - std::int64_t(kept.size()) + 1;
    for (int tries = 0; tries < 3; ++tries) {
        behind.start_s = std::max(last_s - begin_s, 0.);
        if (options.stop_s > 0 && behind.start_s >= options.stop_s) return nullptr;
        std::unique_ptr<Input> rest;
        try {
            rest = open_patiently(location, behind, cancel);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::input || media::is_address(location) || cancel.stop_requested()) throw;
            return nullptr;  // it ends before that time
        }
        const std::shared_ptr<const Segment> first = rest->next_segment();
        if (!first || first->kind() == SegmentKind::endless) return nullptr;
        const std::unique_ptr<SegmentReader> reader = rest->make_reader({});
        reader->open(first);
        const std::optional<Frame> frame = reader->next();
        if (!frame) return nullptr;
        if (frame->time_s == last_s) return std::make_unique<media::BegunInput>(std::move(rest), first);
        begin_s = behind.start_s > 0 ? rest->info().origin_s : begin_s - 1;
    }
    return nullptr;
}

std::unique_ptr<Input> no_input() { return std::make_unique<NoInput>(); }

}  // namespace convoy::fleet
