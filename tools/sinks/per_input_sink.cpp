// SPDX-License-Identifier: MIT
#include "tools/sinks/per_input_sink.h"

#include <optional>

namespace convoy::tools {

/// What has gone wrong with an input's files, if anything has.
class PerInputSink::Failure {
public:
    Failure(int input, media::GiveUp give_up) : input_index(input), give_up_(std::move(give_up)) {}

    /// Does `work` unless it has failed before. An Error becomes the failure.
    template <typename Work>
    void guard(Work work) {
        if (failed()) return;
        try {
            work();
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::usage || (give_up_ && give_up_())) throw;
            const std::lock_guard lock(mutex_);
            if (!sentence_) sentence_ = error.what();
        }
    }
    bool failed() const { return sentence().has_value(); }
    std::optional<std::string> sentence() const {
        const std::lock_guard lock(mutex_);
        return sentence_;
    }

    const int input_index;

private:
    media::GiveUp give_up_;
    mutable std::mutex mutex_;
    std::optional<std::string> sentence_;
};

class PerInputSink::GuardedPart : public Part {
public:
    explicit GuardedPart(std::shared_ptr<Failure> of_input) : failure(std::move(of_input)) {}

    void write(const AnnotatedFrame& frame) override {
        failure->guard([&] { part->write(frame); });
    }
    void end() override {
        failure->guard([&] { part->end(); });
    }

    std::shared_ptr<Failure> failure;
    std::unique_ptr<Part> part;  // null where its input had failed when it began
};

PerInputSink::PerInputSink(std::unique_ptr<PictureSink> sink, media::GiveUp give_up)
    : sink_(std::move(sink)), give_up_(std::move(give_up)) {}

std::shared_ptr<PerInputSink::Failure> PerInputSink::failure_of(int input_index) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Failure>& failure = failures_[input_index];
    if (!failure) failure = std::make_shared<Failure>(input_index, give_up_);
    return failure;
}

std::unique_ptr<Part> PerInputSink::begin_part(int input_index, const InputInfo& input, int threads) {
    auto guarded = std::make_unique<GuardedPart>(failure_of(input_index));
    guarded->failure->guard([&] { guarded->part = sink_->begin_part(input_index, input, threads); });
    if (!guarded->part && !guarded->failure->failed()) return nullptr;
    return guarded;
}

void PerInputSink::append(Part& part, std::span<const FramePlace> places) {
    auto& guarded = dynamic_cast<GuardedPart&>(part);
    guarded.failure->guard([&] { sink_->append(*guarded.part, places); });
    if (guarded.failure->failed()) sink_->abandon_input(guarded.failure->input_index);
}

void PerInputSink::end_input(int input_index, bool whole) {
    const std::shared_ptr<Failure> failure = failure_of(input_index);
    failure->guard([&] { sink_->end_input(input_index, whole); });
    if (const auto sentence = failure->sentence()) {
        sink_->abandon_input(input_index);
        errors_.push_back(*sentence);
    }
    const std::lock_guard lock(mutex_);
    failures_.erase(input_index);
}

}  // namespace convoy::tools
