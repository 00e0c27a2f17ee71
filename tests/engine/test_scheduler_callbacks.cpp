// SPDX-License-Identifier: MIT
//
// Whatever a program's own code throws into a run ends that run alone, and nothing of it is alive afterwards.
#include <array>

#include "engine/run/scheduler.h"
#include "tests/engine/fake_input.h"
#include "tests/support/catch.h"
#include "tests/support/in_time.h"

using namespace convoy;
using namespace convoy::test;

namespace {

struct Bang : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws at the n-th call of one kind.
class Bomb {
public:
    Bomb(std::string where, int at) : where_(std::move(where)), left_(at) {}
    void call(const std::string& where) {
        if (where == where_ && left_-- == 0) throw Bang(where);
    }

private:
    const std::string where_;
    std::atomic<int> left_;
};
using BombPtr = std::shared_ptr<Bomb>;

class MinedSegment : public Segment {
public:
    MinedSegment(std::shared_ptr<const Segment> inner, BombPtr bomb) : inside(std::move(inner)), bomb_(bomb) {}
    SegmentKind kind() const override { return bomb_->call("Segment::kind"), inside->kind(); }
    std::size_t bytes() const override { return bomb_->call("Segment::bytes"), inside->bytes(); }
    const std::shared_ptr<const Segment> inside;

private:
    BombPtr bomb_;
};

class MinedReader : public SegmentReader {
public:
    MinedReader(std::unique_ptr<SegmentReader> inner, BombPtr bomb) : inner_(std::move(inner)), bomb_(bomb) {}
    void open(std::shared_ptr<const Segment> segment) override {
        bomb_->call("SegmentReader::open");
        inner_->open(dynamic_cast<const MinedSegment&>(*segment).inside);
    }
    std::optional<Frame> next() override { return bomb_->call("SegmentReader::next"), inner_->next(); }
    SegmentNotes notes() const override { return bomb_->call("SegmentReader::notes"), inner_->notes(); }

private:
    std::unique_ptr<SegmentReader> inner_;
    BombPtr bomb_;
};

/// Counts those that are alive.
struct Counted {
    explicit Counted(std::atomic<int>& count) : living(count) { ++living; }
    ~Counted() { --living; }
    Counted(const Counted&) = delete;
    std::atomic<int>& living;
};

class MinedInput : public Input {
public:
    MinedInput(const Script& script, std::stop_token cancel, BombPtr bomb, std::atomic<int>& living)
        : inner_(script, std::move(cancel)), bomb_(bomb), counted_(living) {}
    ~MinedInput() override { std::this_thread::sleep_for(std::chrono::milliseconds(5)); }
    const InputInfo& info() const override { return bomb_->call("Input::info"), inner_.info(); }
    std::shared_ptr<const Segment> next_segment() override {
        bomb_->call("Input::next_segment");
        auto segment = inner_.next_segment();
        return segment ? std::make_shared<MinedSegment>(std::move(segment), bomb_) : nullptr;
    }
    SegmentNotes notes() const override { return bomb_->call("Input::notes"), inner_.notes(); }
    std::string remark() const override { return bomb_->call("Input::remark"), inner_.remark(); }
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget& target) override {
        bomb_->call("Input::make_reader");
        return std::make_unique<MinedReader>(inner_.make_reader(target), bomb_);
    }

private:
    FakeInput inner_;
    BombPtr bomb_;
    Counted counted_;
};

class MinedObserver : public Recorder {
public:
    MinedObserver(BombPtr bomb, std::atomic<int>& living) : Recorder(2), bomb_(bomb), living_(living) {}
    struct MinedWork : SegmentWork {
        MinedWork(MinedObserver& o) : observer(o), counted(o.living_) {}
        ~MinedWork() override { std::this_thread::sleep_for(std::chrono::milliseconds(2)); }
        void frame(Result&) override { observer.bomb_->call("SegmentWork::frame"); }
        void end() override { observer.bomb_->call("SegmentWork::end"); }
        MinedObserver& observer;
        Counted counted;
    };
    std::unique_ptr<SegmentWork> work(int, const InputInfo&, int) override {
        bomb_->call("RunObserver::work");
        return std::make_unique<MinedWork>(*this);
    }
    void in_order(int, const InputInfo&, Result&) override { bomb_->call("RunObserver::in_order"); }
    void begin_input(int, const InputInfo&) override { bomb_->call("RunObserver::begin_input"); }
    void result(int, Result&) override {
        bomb_->call("RunObserver::result");
        ++results;
    }
    void work_done(int, SegmentWork&) override { bomb_->call("RunObserver::work_done"); }
    void end_input(int, const InputEnd&) override { bomb_->call("RunObserver::end_input"); }
    int results = 0;

private:
    BombPtr bomb_;
    std::atomic<int>& living_;
};

constexpr std::array kCallbacks = {"RunInput::open",       "RunObserver::work",      "RunObserver::begin_input",
                                   "RunObserver::result",  "RunObserver::work_done", "RunObserver::end_input",
                                   "Input::info",          "Input::next_segment",    "Input::notes",
                                   "Input::remark",        "Input::make_reader",     "Segment::kind",
                                   "Segment::bytes",       "SegmentReader::open",    "SegmentReader::next",
                                   "SegmentReader::notes", "SegmentWork::frame",     "SegmentWork::end",
                                   "RunObserver::in_order"};

Script script_of(SegmentKind kind) {
    Script script;
    script.segments = kind == SegmentKind::endless ? std::vector<int>{30} : std::vector<int>(8, 7);
    script.kind = kind;
    return script;
}

/// What escapes from a run with this bomb in it; empty when nothing did. Counts what is alive when it has returned.
std::string run_with(FakeDevices& fake, SegmentKind kind, const BombPtr& bomb, int& frames, int& left_over,
                     bool orders = true) {
    std::atomic<int> living = 0;
    MinedObserver observer(bomb, living);
    observer.draws = true;
    observer.orders = orders;
    std::vector<RunInput> inputs;
    for (int lane : {0, 1})
        inputs.push_back({[=, &living](std::stop_token cancel) -> std::unique_ptr<Input> {
                              bomb->call("RunInput::open");
                              return std::make_unique<MinedInput>(script_of(kind), std::move(cancel), bomb, living);
                          },
                          lane});
    const std::atomic<bool> stop = false;
    std::string escaped;
    try {
        Scheduler(fake.workers, std::move(inputs), observer, stop, few_threads()).run();
    } catch (const Bang& bang) {
        escaped = bang.what();
    }
    left_over = living;
    frames = observer.results;
    return escaped;
}

}  // namespace

TEST_CASE("what a callback throws ends its run alone: the next one on the same devices is whole",
          "[scheduler][failure]") {
    const BombPtr no_bomb = std::make_shared<Bomb>("", 0);
    for (SegmentKind kind : {SegmentKind::closed, SegmentKind::first_part, SegmentKind::endless}) {
        FakeDevices fake(2);
        const int expected = 2 * (kind == SegmentKind::endless ? 30 : 56);
        for (const std::string callback : kCallbacks)
            for (int at : {0, 1, 5}) {
                const bool orders = at != 1 || callback == "RunObserver::in_order";
                INFO(callback << ", call " << at << ", kind " << int(kind) << ", orders " << orders);
                const std::string what = callback + ", call " + std::to_string(at);
                int frames = 0, left_over = -1;
                const auto bomb = std::make_shared<Bomb>(callback, at);
                const std::string escaped =
                    in_time(what, [&] { return run_with(fake, kind, bomb, frames, left_over, orders); });
                CHECK(left_over == 0);
                if (at == 0) CHECK(escaped == callback);
                if (escaped.empty()) CHECK(frames == expected);
                in_time("the run after " + what, [&] { return run_with(fake, kind, no_bomb, frames, left_over); });
                CHECK(frames == expected);
                CHECK(left_over == 0);
            }
    }
}

TEST_CASE("a seat that throws while its thread waits costs the run, not the process", "[scheduler][failure]") {
    FakeDevices fake(1, 2, 1);
    fake.backends[0]->work = std::chrono::milliseconds(2);
    fake.backends[0]->fail_release = 3;
    const std::atomic<bool> stop = false;
    Script script;
    script.segments = std::vector<int>(20, 9);
    Recorder first(1), second(1);
    const auto run = [&](Recorder& recorder) {
        Scheduler(fake.workers, {run_input(script)}, recorder, stop, few_threads()).run();
    };
    CHECK_THROWS_AS(in_time("a seat that throws", [&] { run(first); }), Error);
    fake.backends[0]->fail_release = -1;
    in_time("the run after it", [&] { run(second); });
    CHECK(second.inputs[0].numbers == numbers_from(0, 180));
}

TEST_CASE("a seat that throws while its thread waits for pixels leaves the next run its full batches",
          "[scheduler][failure]") {
    FakeDevices fake(1);
    FakeBackend& backend = *fake.backends[0];
    backend.fail_release = 1;  // the first is before the first segment
    const std::atomic<bool> stop = false;
    Script script;
    script.segments = {40};
    SchedulerOptions options = few_threads(1);
    options.pixel_bytes = 3;  // of a frame
    Recorder first(1), second(1);
    first.draws = true;
    first.work_time = std::chrono::milliseconds(2);
    const auto run = [&](Recorder& recorder) {
        Scheduler(fake.workers, {run_input(script)}, recorder, stop, options).run();
    };
    CHECK_THROWS_AS(in_time("a seat that throws", [&] { run(first); }), Error);
    const std::size_t before = backend.batches().size();
    in_time("the run after it", [&] { run(second); });
    CHECK(second.inputs[0].numbers == numbers_from(0, 40));
    CHECK(backend.batches().size() == before + 10);
}

TEST_CASE("nothing of a run is alive when it has returned", "[scheduler]") {
    const BombPtr no_bomb = std::make_shared<Bomb>("", 0);
    FakeDevices fake(2);
    for (int repeat = 0; repeat < 100; ++repeat) {
        int frames = 0, left_over = -1;
        run_with(fake, SegmentKind::closed, no_bomb, frames, left_over);
        REQUIRE(left_over == 0);
        REQUIRE(frames == 112);
    }
}
