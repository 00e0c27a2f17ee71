// SPDX-License-Identifier: MIT
#include "tools/media/in/early_input.h"

#include <chrono>
#include <utility>

#include <convoy/error.h>
#include "tools/media/in/begun_input.h"

namespace convoy::media {
namespace {

constexpr std::chrono::milliseconds kPatience{500};  // from its beginning, with an input that would be worth knowing

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
