// SPDX-License-Identifier: MIT
//
// Inputs that keep whoever reads them waiting: a pipe without a writer, a server that says nothing.
#include "engine/run/scheduler.h"
#include "tests/engine/fake_input.h"
#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;
using namespace convoy::test;

namespace {

/// Has nothing to say until the run ends.
class SilentInput : public Input {
public:
    explicit SilentInput(std::stop_token cancel) : cancel_(std::move(cancel)) { info_.path = "silent"; }
    const InputInfo& info() const override { return info_; }
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget&) override { return nullptr; }
    std::shared_ptr<const Segment> next_segment() override {
        while (!cancel_.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return nullptr;
    }

private:
    InputInfo info_;
    const std::stop_token cancel_;
};

RunInput silent(int lane) {
    return {[](std::stop_token cancel) { return std::make_unique<SilentInput>(std::move(cancel)); }, lane};
}

/// Runs a script of `frames` frames beside silent inputs, in segments of `segment`, and stops when all have come.
void run_beside(int silent_inputs, int frames, int segment, bool draws, const SchedulerOptions& options) {
    FakeDevices fake(1, 16);
    Recorder recorder(std::size_t(silent_inputs) + 1);
    recorder.draws = draws;
    std::atomic<bool> stop = false;
    recorder.on_result = [&, seen = 0](int, Result&) mutable { stop = ++seen == frames; };
    Script script;
    script.segments = std::vector<int>(std::size_t(frames / segment), segment);
    std::vector<RunInput> inputs;
    for (int lane = 0; lane < silent_inputs; ++lane) inputs.push_back(silent(lane));
    inputs.push_back(run_input(script, silent_inputs));
    in_time("a run beside silent inputs",
            [&] { return Scheduler(fake.workers, std::move(inputs), recorder, stop, options).run(); });
    CHECK(recorder.inputs.back().numbers == numbers_from(0, frames));
    CHECK(recorder.sound());
}

}  // namespace

TEST_CASE("frames do not wait for an input that says nothing", "[scheduler]") {
    run_beside(1, 21, 21, false, few_threads(2));
    run_beside(1, 40, 4, true, few_threads(2));
}

TEST_CASE("kept pixels do not wait for an input that says nothing", "[scheduler]") {
    SchedulerOptions options = few_threads(2);
    options.pixel_bytes = 30;  // of ten frames, fewer than a batch has
    run_beside(1, 64, 64, true, options);
    run_beside(1, 64, 8, true, options);
}

TEST_CASE("silent inputs leave a thread for those that are not, however many", "[scheduler]") {
    for (int silent_inputs : {1, 2, 5})
        for (int decoders : {1, 2}) {
            INFO(silent_inputs << " silent inputs, " << decoders << " decoders");
            run_beside(silent_inputs, 24, 8, false, few_threads(decoders));
        }
}
