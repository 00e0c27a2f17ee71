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

/// Hands out a segment of whose frames none comes until the run ends.
class StuckInput : public Input {
public:
    explicit StuckInput(std::stop_token cancel) : cancel_(std::move(cancel)) { info_.path = "stuck"; }
    const InputInfo& info() const override { return info_; }
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget&) override {
        return std::make_unique<Reader>(cancel_);
    }
    std::shared_ptr<const Segment> next_segment() override {
        return std::exchange(cut_, true) ? nullptr : std::make_shared<WholeSegment>();
    }

private:
    struct WholeSegment : Segment {
        SegmentKind kind() const override { return SegmentKind::closed; }
        std::size_t bytes() const override { return 1; }
        std::int64_t frames() const override { return 1; }
    };
    struct Reader : SegmentReader {
        explicit Reader(std::stop_token token) : cancel(std::move(token)) {}
        void open(std::shared_ptr<const Segment>) override {}
        std::optional<Frame> next() override {
            while (!cancel.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
            return std::nullopt;
        }
        SegmentNotes notes() const override { return {}; }
        const std::stop_token cancel;
    };

    InputInfo info_;
    const std::stop_token cancel_;
    bool cut_ = false;
};

template <typename T>
RunInput made(int lane) {
    return {[](std::stop_token cancel) { return std::make_unique<T>(std::move(cancel)); }, lane};
}

/// Runs a script of `frames` frames beside these inputs, in segments of `segment`, and stops when all have come, or all
/// but `left`.
void run_beside(std::vector<RunInput> inputs, int frames, int segment, bool draws, const SchedulerOptions& options,
                int left = 0) {
    FakeDevices fake(1, 16);
    Recorder recorder(inputs.size() + 1);
    recorder.draws = draws;
    std::atomic<bool> stop = false;
    recorder.on_result = [&, seen = 0](int, Result&) mutable { stop = ++seen >= frames - left; };
    Script script;
    script.segments = std::vector<int>(std::size_t(frames / segment), segment);
    inputs.push_back(run_input(script, int(inputs.size())));
    in_time("a run beside silent inputs",
            [&] { return Scheduler(fake.workers, std::move(inputs), recorder, stop, options).run(); });
    const std::vector<int>& came = recorder.inputs.back().numbers;
    CHECK(int(came.size()) >= frames - left);
    CHECK(came == numbers_from(0, int(came.size())));
    CHECK(recorder.sound());
}

std::vector<RunInput> silent(int count) {
    std::vector<RunInput> inputs;
    for (int lane = 0; lane < count; ++lane) inputs.push_back(made<SilentInput>(lane));
    return inputs;
}

}  // namespace

TEST_CASE("frames do not wait for an input that says nothing", "[scheduler]") {
    run_beside(silent(1), 21, 21, false, few_threads(2));
    run_beside(silent(1), 40, 4, true, few_threads(2));
}

TEST_CASE("kept pixels do not wait for an input that says nothing", "[scheduler]") {
    SchedulerOptions options = few_threads(2);
    options.pixel_bytes = 30;  // of ten frames, fewer than a batch has
    run_beside(silent(1), 64, 64, true, options);
    run_beside(silent(1), 64, 8, true, options);
}

TEST_CASE("kept pixels do not wait for a decoder that takes long over a frame", "[scheduler]") {
    SchedulerOptions options = few_threads(2);
    options.pixel_bytes = 30;
    run_beside({made<StuckInput>(0)}, 64, 64, true, options, 10);  // that decoder holds no more than these up
}

TEST_CASE("an input that says nothing holds up nobody who decodes on the GPU, whoever waits for it", "[scheduler]") {
    for (int helpers : {1, 2}) {
        SchedulerOptions options = few_threads(1);
        options.cpu_decoders = helpers;
        options.first_decoder = std::chrono::milliseconds(20);
        run_beside(silent(2), 24, 8, false, options);
    }
}

TEST_CASE("when a device dies, silent inputs leave a thread on the others for what it had", "[scheduler][failure]") {
    for (int repeat = 0; repeat < 20; ++repeat) {
        INFO("device " << repeat % 2 << " dies at its batch " << repeat % 5);
        FakeDevices fake(2, 2);
        fake.backends[std::size_t(repeat) % 2]->die_at_run = repeat % 5;
        std::vector<RunInput> inputs = silent(1);
        Recorder recorder(inputs.size() + 1);
        std::atomic<bool> stop = false;
        recorder.on_result = [&, seen = 0](int, Result&) mutable { stop = ++seen == 80; };
        Script script;
        script.segments = std::vector<int>(10, 8);
        script.frame_time = std::chrono::microseconds(50);
        inputs.push_back(run_input(script, int(inputs.size())));
        in_time("a run beside silent inputs with a device that dies",
                [&] { return Scheduler(fake.workers, std::move(inputs), recorder, stop, few_threads(1)).run(); });
        CHECK(recorder.inputs.back().numbers == numbers_from(0, 80));
    }
}

TEST_CASE("silent inputs leave a thread for those that are not, however many", "[scheduler]") {
    for (int silent_inputs : {1, 2, 5})
        for (int decoders : {1, 2}) {
            INFO(silent_inputs << " silent inputs, " << decoders << " decoders");
            run_beside(silent(silent_inputs), 24, 8, false, few_threads(decoders));
        }
}
