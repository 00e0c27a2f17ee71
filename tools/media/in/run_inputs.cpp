// SPDX-License-Identifier: MIT
#include <convoy/media/run_inputs.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <utility>

#include <convoy/error.h>
#include <convoy/media/image.h>
#include "tools/media/in/early_input.h"

namespace convoy::media {
namespace {

// Seconds that the driver takes to make a decoder, one after the other, and the frames that one reads in a second.
constexpr double kMakingTakes = .08, kFramesPerSecond = 600;
constexpr double kMostWorth = 8;  // a GPU uses no more, whatever they cost

}  // namespace

struct RunInputs::Shared {
    ExpandedInputs inputs;
    InputOptions options;
    int at_once;
    std::shared_ptr<EarlyInput> first;

    std::int64_t expected_frames() const {
        if (options.frames > 0) return 0;
        if (std::all_of(inputs.paths.begin(), inputs.paths.end(), is_picture)) return std::int64_t(inputs.paths.size());
        return first && inputs.paths.size() == 1 ? first->frames() : 0;
    }

    // Decoders that each GPU should make, or 0: as many as it can use. n decoders are made in n turns, each at work
    // while the next is made: the last frame comes after frames / (n * rate) + making * (n + 1) / 2 seconds, which is
    // least for this n.
    int decoders() const {
        const std::int64_t frames = first && inputs.paths.size() == 1 ? first->frames() : 0;
        const double worth = std::round(std::sqrt(2 * double(frames) / (kFramesPerSecond * kMakingTakes)));
        return frames <= 0 || worth > kMostWorth ? 0 : std::max(1, int(worth));
    }

    std::unique_ptr<Input> open(std::size_t number, std::stop_token cancel) const {
        if (const auto why = inputs.refused.find(number); why != inputs.refused.end())
            throw Error(ErrorKind::input, why->second);
        std::unique_ptr<Input> input = number == 0 && first ? first->take(cancel) : nullptr;
        return input ? std::move(input) : open_input(inputs.paths[number], options, std::move(cancel));
    }
};

RunInputs::RunInputs(ExpandedInputs inputs, const InputOptions& options, int at_once)
    : shared_(std::make_shared<Shared>(Shared{std::move(inputs), options, at_once, {}})) {
    if (shared_->inputs.paths.empty()) throw Error(ErrorKind::usage, "there are no inputs");
    if (at_once < 1) throw Error(ErrorKind::usage, "at_once: 1 input or more");
}

RunInputs::RunInputs(const RunInputs&) = default;
RunInputs::RunInputs(RunInputs&&) noexcept = default;
RunInputs& RunInputs::operator=(const RunInputs&) = default;
RunInputs& RunInputs::operator=(RunInputs&&) noexcept = default;
RunInputs::~RunInputs() = default;

void RunInputs::open_first(EngineOptions& engine, const RunThreads& threads) {
    const std::string& path = shared_->inputs.paths.front();
    if (is_live(path) || shared_->inputs.refused.count(0)) return;
    if (!shared_->first) shared_->first = std::make_shared<EarlyInput>(path, shared_->options);
    engine.expected_frames = [shared = shared_] { return shared->expected_frames(); };
    engine.early_reader = [shared = shared_, asked = threads.decoders](const DecodeTarget& target) {
        const int worth = asked ? asked : shared->decoders();
        return shared->first->reader(target, worth ? worth : INT_MAX);
    };
}

std::int64_t RunInputs::expected_frames() const { return shared_->expected_frames(); }

std::vector<RunInput> RunInputs::list(std::function<void(std::size_t)> opens) const {
    std::vector<RunInput> inputs;
    int recordings = 0, lane = shared_->at_once;
    for (const std::string& path : paths())
        inputs.push_back({[shared = shared_, opens, number = inputs.size()](std::stop_token cancel) {
                              if (opens) opens(number);
                              return shared->open(number, std::move(cancel));
                          },
                          is_live(path) || is_address(path) ? lane++ : recordings++ % shared_->at_once});
    return inputs;
}

RunThreads RunInputs::threads(const Engine& engine, RunThreads asked) const {
    if (asked.decoders == 0 && !engine.gpus().empty()) asked.decoders = shared_->decoders();
    return asked;
}

const std::vector<std::string>& RunInputs::paths() const { return shared_->inputs.paths; }
const InputOptions& RunInputs::options() const { return shared_->options; }

}  // namespace convoy::media
