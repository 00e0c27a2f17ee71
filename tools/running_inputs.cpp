// SPDX-License-Identifier: MIT
#include "tools/running_inputs.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include <convoy/media/input.h>

namespace convoy::tools {
namespace {

int free_lane(const std::vector<RunInput>& inputs) {
    int lane = 0;
    for (const RunInput& input : inputs) lane = std::max(lane, input.lane + 1);
    return lane;
}

}  // namespace

RunningInputs::RunningInputs(const media::RunInputs& inputs, bool newest, NameOutputs name_outputs)
    : options_(inputs.options()),
      newest_(newest),
      first_lane_(free_lane(inputs.list())),
      name_outputs_(std::move(name_outputs)) {
    for (const std::string& path : inputs.paths()) enter(path);
    for (RunInput& input : inputs.list([this](std::size_t number) { opens(number); })) {
        input.newest = newest_;
        feed_.add(std::move(input));
    }
}

void RunningInputs::tell_of_each(Entered entered) {
    const std::lock_guard alone(adding_);
    entered_ = std::move(entered);
    for (int input = 0; input < int(count()); ++input) entered_(input, name(input));
}

void RunningInputs::enter(const std::string& path) {
    std::error_code ignored;
    const auto bytes = std::filesystem::file_size(path, ignored);
    const std::lock_guard lock(mutex_);
    inputs_.push_back({media::without_passwords(path), ignored ? 1. : double(bytes), Clock::now()});
    all_bytes_ += inputs_.back().bytes;
}

int RunningInputs::add(const std::string& path) {
    const std::lock_guard alone(adding_);
    std::vector<std::string> names;
    {
        const std::lock_guard lock(mutex_);
        for (const Input& input : inputs_) names.push_back(input.name);
    }
    const std::size_t number = names.size();
    names.push_back(media::without_passwords(path));
    if (name_outputs_) name_outputs_(names);
    enter(path);
    if (entered_) entered_(int(number), names.back());  // before the feed has it: it may fail at once
    RunInput input;
    input.open = [this, path, number](std::stop_token cancel) {
        opens(number);
        return media::open_input(path, options_, std::move(cancel));
    };
    input.lane = first_lane_ + int(number);
    input.newest = newest_;
    return feed_.add(std::move(input)).value_or(-1);
}

int RunningInputs::add(Open open, int lane) {
    const std::lock_guard alone(adding_);
    int number = 0;
    {
        const std::lock_guard lock(mutex_);
        number = int(inputs_.size());
        inputs_.push_back({"", 0., Clock::now()});
    }
    RunInput input;
    input.open = [open = std::move(open), number](std::stop_token cancel) { return open(number, std::move(cancel)); };
    input.lane = lane;
    return feed_.add(std::move(input)).value_or(-1);
}

void RunningInputs::name(int input, const std::string& path) {
    std::error_code ignored;
    const auto bytes = std::filesystem::file_size(path, ignored);
    const std::lock_guard lock(mutex_);
    Input& named = inputs_.at(std::size_t(input));
    named = {media::without_passwords(path), ignored ? 1. : double(bytes), Clock::now()};
    all_bytes_ += named.bytes;
}

int RunningInputs::add_unnamed(RunInput input) {
    const std::lock_guard alone(adding_);
    if (name_outputs_) name_outputs_({""});
    {
        const std::lock_guard lock(mutex_);
        input.lane = first_lane_ + int(inputs_.size());
        unnamed_ = inputs_.size();
        inputs_.push_back({"", 0., Clock::now()});
    }
    return feed_.add(std::move(input)).value_or(-1);
}

void RunningInputs::end(int input) {
    const std::lock_guard alone(adding_);  // or who was told of it could end what the feed does not have yet
    feed_.end(input);
}

void RunningInputs::opens(std::size_t input) {
    const std::lock_guard lock(mutex_);
    inputs_.at(input).opened = Clock::now();
}

std::size_t RunningInputs::count() const {
    const std::lock_guard lock(mutex_);
    return inputs_.size() - (unnamed_ ? 1 : 0);
}

std::size_t RunningInputs::place(int input) const {
    const std::lock_guard lock(mutex_);
    return std::size_t(input) + (unnamed_ && *unnamed_ < std::size_t(input) ? 0 : 1);
}

std::string RunningInputs::name(int input) const {
    const std::lock_guard lock(mutex_);
    return of(input).name;
}

double RunningInputs::bytes(int input) const {
    const std::lock_guard lock(mutex_);
    return of(input).bytes;
}

double RunningInputs::all_bytes() const {
    const std::lock_guard lock(mutex_);
    return all_bytes_;
}

double RunningInputs::seconds(int input) const {
    const std::lock_guard lock(mutex_);
    return std::chrono::duration<double>(Clock::now() - of(input).opened).count();
}

}  // namespace convoy::tools
