// SPDX-License-Identifier: MIT
#include "engine/run/input_feed.h"

#include <utility>

#include <convoy/error.h>
#include "engine/run/scheduler.h"

namespace convoy {

InputFeed::InputFeed() : impl_(std::make_shared<Impl>()) {}
InputFeed::~InputFeed() = default;

std::optional<int> InputFeed::add(RunInput input) {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->closed) return std::nullopt;
    const int number = impl_->count++;
    if (impl_->run)
        impl_->run->add_input(number, std::move(input));
    else
        impl_->waiting.push_back(std::move(input));
    return number;
}

void InputFeed::end(int input) {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->run)
        impl_->run->end_input_early(input);
    else if (!impl_->used)
        impl_->ended.push_back(input);
}

void InputFeed::close() {
    const std::lock_guard lock(impl_->mutex);
    impl_->closed = true;
    if (impl_->run) impl_->run->no_more_inputs();
}

std::shared_ptr<InputFeed::Impl> InputFeed::Impl::of(std::vector<RunInput> inputs) {
    auto feed = std::make_shared<Impl>();
    feed->count = int(inputs.size());
    feed->waiting = std::move(inputs);
    feed->closed = true;
    return feed;
}

void InputFeed::Impl::attach(Scheduler& scheduler) {
    const std::lock_guard lock(mutex);
    if (std::exchange(used, true)) throw Error(ErrorKind::usage, "an InputFeed is for one run; make another one");
    run = &scheduler;
    int number = 0;
    for (RunInput& input : waiting) scheduler.add_input(number++, std::move(input));
    for (const int early : ended) scheduler.end_input_early(early);
    waiting.clear();
    if (closed) scheduler.no_more_inputs();
}

void InputFeed::Impl::detach(const Scheduler& scheduler) {
    const std::lock_guard lock(mutex);
    if (run != &scheduler) return;
    run = nullptr;
    closed = true;
}

}  // namespace convoy
