// SPDX-License-Identifier: MIT
#include "tools/media/in/early_input.h"

#include <chrono>
#include <utility>

#include <convoy/error.h>

namespace convoy::media {
namespace {

constexpr std::chrono::milliseconds kPatience{500};  // from its beginning, with an input that would be worth knowing

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

}  // namespace

EarlyInput::EarlyInput(std::string path, const InputOptions& options)
    : opened_(std::async(std::launch::async | std::launch::deferred,  // when it is taken, without a thread for it
                         [this, path = std::move(path), options] { open(path, options); })) {}

EarlyInput::~EarlyInput() { stop_.request_stop(); }

void EarlyInput::open(const std::string& path, const InputOptions& options) {
    std::shared_ptr<Input> input = open_input(path, options, stop_.get_token());
    if (input->info().is_video && options.frames == 0) first_ = input->next_segment();
    input_ = input;
    untaken_ = std::move(input);
}

// Nothing, too, where it takes long, or has failed: that is reported when it is taken.
EarlyInput::Opened EarlyInput::opened() {
    try {
        if (opened_.wait_until(begun_ + kPatience) != std::future_status::ready) return {};
        opened_.get();
    } catch (const Error&) {
        return {};
    }
    return {input_.lock(), first_};
}

std::int64_t EarlyInput::frames() {
    const Opened now = opened();
    return now.input && now.input->info().is_video ? now.input->info().frames_estimate : 0;
}

std::unique_ptr<SegmentReader> EarlyInput::reader(const DecodeTarget& target, int most) {
    const Opened now = opened();
    if (!now.input || !now.first || now.first->kind() != SegmentKind::closed) return nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (readers_[target.gpu]++ >= most) return nullptr;
    }
    std::unique_ptr<SegmentReader> reader = now.input->make_reader(target);
    reader->warm_up(now.first);
    return reader;
}

std::unique_ptr<Input> EarlyInput::take(std::stop_token cancel) {
    if (taken_.exchange(true)) return nullptr;
    link_.emplace(std::move(cancel), [this] { stop_.request_stop(); });
    opened_.get();
    return std::make_unique<BegunInput>(std::exchange(untaken_, nullptr), first_);
}

}  // namespace convoy::media
