// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <convoy/segment.h>

namespace convoy::media {

/// An input whose first segment was taken already, and is kept here.
class BegunInput : public Input {
public:
    BegunInput(std::shared_ptr<Input> input, std::shared_ptr<const Segment> first)
        : input_(std::move(input)), first_(std::move(first)) {}
    const InputInfo& info() const override { return input_->info(); }
    std::shared_ptr<const Segment> next_segment() override {
        return first_ ? std::exchange(first_, nullptr) : input_->next_segment();
    }
    SegmentNotes notes() const override { return input_->notes(); }
    std::string remark() const override { return input_->remark(); }
    double last_frame_s() const override { return input_->last_frame_s(); }
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget& target) override {
        return input_->make_reader(target);
    }
    bool adopt_reader(SegmentReader& reader) override { return input_->adopt_reader(reader); }

private:
    std::shared_ptr<Input> input_;
    std::shared_ptr<const Segment> first_;
};

}  // namespace convoy::media
