// SPDX-License-Identifier: MIT
//
// Inputs of which all is drawn at random.
#pragma once

#include <cstdlib>
#include <random>
#include <sstream>

#include "tests/engine/fake_input.h"
#include "tests/support/in_time.h"

namespace convoy::test {

constexpr int kPlenty = 1 << 28;  // more than a run has of anything
using Micro = std::chrono::microseconds;

/// Draws, and tells what.
class Dice {
public:
    explicit Dice(unsigned seed) : random_(seed) { said_ << "seed " << seed; }
    int below(int n) { return int(random_() % unsigned(n)); }
    bool one_in(int n) { return below(n) == 0; }
    int pick(const char* name, std::initializer_list<int> of) { return say(name, of.begin()[below(int(of.size()))]); }
    int say(const char* name, int value) {
        if (value != kPlenty && value != 0) said_ << " " << name << "=" << value;
        return value;
    }
    void say(const std::string& text) { said_ << text; }
    std::string said() const { return said_.str(); }

private:
    std::mt19937 random_;
    std::ostringstream said_;
};

/// Calls `run` with one seed after the other, each of which is to come to its end. The environment may name others:
/// CONVOY_TEST_SEED the first, CONVOY_TEST_SEEDS how many.
template <typename F>
void with_each_seed(F run) {
    const char *const first = std::getenv("CONVOY_TEST_SEED"), *const count = std::getenv("CONVOY_TEST_SEEDS");
    const unsigned begin = first ? unsigned(std::atol(first)) : 0;
    for (unsigned seed = begin; seed < begin + unsigned(count ? std::atol(count) : 150); ++seed)
        in_time("seed " + std::to_string(seed), [&] { run(seed); });
}

/// What is alive of a run.
struct Living {
    std::atomic<int> inputs{0};
    LivingReaders readers;
    std::shared_ptr<FrameCount> frames = std::make_shared<FrameCount>();
};

/// An input, and what is to come of it.
struct DrawnInput {
    DrawnInput(Dice& dice, int index, int picture_side, bool may_wait, bool may_stick, Living& its_living)
        : first(1000 * index), side(picture_side), living(its_living) {
        dice.say("\n  input " + std::to_string(index) + ":");
        kind = SegmentKind(dice.pick("kind", {0, 0, 0, 1, 3}));
        const int many = is_camera() ? 1 : dice.pick("segments", {0, 1, 3, 10, 25});
        for (int i = 0; i < many; ++i)
            segments.push_back(is_camera() ? dice.pick("frames", {0, 1, 30, 150}) : dice.below(12));
        lane = dice.say("lane", dice.below(3));
        newest = dice.pick("newest", {0, 1}) && is_camera();
        on_device = dice.pick("on_device", {0, 1});
        adopts = dice.pick("adopts", {0, 1});
        no_work = dice.pick("no_work", {0, 0, 0, 1});
        if (dice.one_in(6)) undecodable = dice.pick("undecodable", {2, 7, 30});
        frame_time = Micro(dice.pick("frame_time", {0, 0, 0, 20, 100}));
        cut_time = Micro(dice.pick("cut_time", {0, 0, 0, 100}));
        estimate = dice.pick("estimate", {0, many * 6});
        if (many && dice.one_in(10)) unreadable = dice.say("unreadable", dice.below(many));
        if (many && may_stick && dice.one_in(4)) stuck = dice.say("stuck", dice.below(many));
        no_open = dice.one_in(15) && dice.say("no_open", 1);
        bad_cut = dice.one_in(10) && dice.say("bad_cut", 1);
        if (!may_wait || !dice.one_in(8)) return;
        lane = dice.say("waits_in_lane", 100 + index);  // of its own
        (dice.pick("where", {0, 1, 1}) ? waits_at_end : waits_to_open) = true;
    }
    bool is_camera() const { return kind == SegmentKind::endless; }
    bool waits() const { return waits_to_open || waits_at_end; }
    bool is_undecodable(int number) const { return undecodable && number % undecodable < undecodable / 2; }
    bool breaks() const { return unreadable >= 0 && segments[std::size_t(unreadable)] > 1; }
    /// Its frames' numbers, without those that cannot be read.
    std::vector<int> expected() const {
        std::vector<int> out;
        int at = first;
        for (int i = 0; i < int(segments.size()); at += segments[std::size_t(i++)])
            for (int n = 0; n < segments[std::size_t(i)] && !(i == unreadable && n == 1); ++n) out.push_back(at + n);
        return out;
    }
    RunInput run_input();

    const int first, side;  // number of the first frame; pictures are side x side
    Living& living;
    SegmentKind kind = SegmentKind::closed;
    std::vector<int> segments;  // frames in each
    int lane = 0, estimate = 0, undecodable = 0, unreadable = -1, stuck = -1;
    bool newest = false, on_device = false, adopts = false, no_work = false, no_open = false, bad_cut = false;
    bool waits_to_open = false, waits_at_end = false;  // until it is ended
    Micro frame_time{0}, cut_time{0};
    std::atomic<int> read{0};        // frames
    std::atomic<bool> ended{false};  // early
};

/// Cameras go on with the next frame where another reader takes over.
class RandomInput : public Input {
public:
    RandomInput(DrawnInput& drawn, std::stop_token cancel) : drawn_(drawn), cancel_(std::move(cancel)) {
        info_.fps_num = 10;
        info_.frames_estimate = drawn.estimate;
        ++drawn_.living.inputs;
    }
    ~RandomInput() override { --drawn_.living.inputs; }
    const InputInfo& info() const override { return info_; }
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget& target) override {
        return std::make_unique<Reader>(drawn_, cancel_, target.gpu);
    }
    bool adopt_reader(SegmentReader& reader) override {
        return drawn_.adopts && (static_cast<Reader&>(reader).move_to(drawn_, cancel_), true);
    }
    std::shared_ptr<const Segment> next_segment() override {
        if (drawn_.cut_time.count()) std::this_thread::sleep_for(drawn_.cut_time);
        if (cut_ == drawn_.segments.size()) {
            while (drawn_.waits_at_end && !cancel_.stop_requested()) std::this_thread::sleep_for(Micro(200));
            if (drawn_.bad_cut) throw Error(ErrorKind::input, "cut");
            return nullptr;
        }
        auto piece = std::make_shared<Piece>();
        piece->number = int(cut_), piece->first = first_, piece->count = drawn_.segments[cut_];
        piece->its_kind = drawn_.kind == SegmentKind::first_part && cut_ > 0 ? SegmentKind::next_part : drawn_.kind;
        first_ += drawn_.segments[cut_++];
        return piece;
    }

private:
    struct Piece : Segment {
        SegmentKind kind() const override { return its_kind; }
        std::size_t bytes() const override { return std::size_t(count) * 100; }
        std::int64_t frames() const override { return count; }
        int number = 0, first = 0, count = 0;
        SegmentKind its_kind = SegmentKind::closed;
        mutable std::atomic<int> gone{0};  // of a camera's frames
    };
    class Reader : public SegmentReader {
    public:
        Reader(DrawnInput& drawn, std::stop_token cancel, int gpu)
            : drawn_(&drawn),
              cancel_(std::move(cancel)),
              gpu_(gpu),
              readers_(drawn.living.readers),
              outlives_(drawn.adopts) {
            readers_.add(this);
        }
        ~Reader() override { readers_.remove(this); }
        void move_to(DrawnInput& drawn, std::stop_token cancel) {
            drawn_ = &drawn, cancel_ = std::move(cancel), outlives_ = drawn.adopts;
        }
        void open(std::shared_ptr<const Segment> segment) override {
            piece_ = std::dynamic_pointer_cast<const Piece>(std::move(segment));
            at_ = 0;
        }
        std::optional<Frame> next() override {
            while (piece_->number == drawn_->stuck && !cancel_.stop_requested()) std::this_thread::sleep_for(Micro(99));
            if (drawn_->is_camera() && cancel_.stop_requested()) return std::nullopt;
            if (drawn_->frame_time.count()) std::this_thread::sleep_for(drawn_->frame_time);
            const int at = drawn_->is_camera() ? piece_->gone++ : at_++;
            if (at >= piece_->count) return std::nullopt;
            if (piece_->number == drawn_->unreadable && at == 1) throw Error(ErrorKind::input, "unreadable");
            const int number = drawn_->first + piece_->first + at;
            const bool on_device = drawn_->on_device && gpu_ >= 0;
            Frame frame = pictures_on(on_device ? gpu_ : -1).frame(number, drawn_->side, drawn_->side);
            frame.owner = FrameCount::one_more(drawn_->living.frames);
            ++drawn_->read;
            frame.pixels.on_device = on_device;
            frame.undecodable = drawn_->is_undecodable(number);
            frame.time_s = 100 + .1 * number;
            return frame;
        }
        SegmentNotes notes() const override { return {}; }
        bool outlives_run() const override { return outlives_; }  // its input may be gone

    private:
        static const NumberedPictures& pictures_on(int gpu) {
            static const std::vector<NumberedPictures> all = [] {
                std::vector<NumberedPictures> made;
                for (int g = -1; g < 8; ++g) made.emplace_back(20000, g);
                return made;
            }();
            return all[std::size_t(gpu + 1)];
        }

        DrawnInput* drawn_;
        std::stop_token cancel_;
        const int gpu_;
        LivingReaders& readers_;
        bool outlives_;
        std::shared_ptr<const Piece> piece_;
        int at_ = 0;
    };

    DrawnInput& drawn_;
    InputInfo info_;
    const std::stop_token cancel_;
    std::size_t cut_ = 0;
    int first_ = 0;
};

inline RunInput DrawnInput::run_input() {
    const auto open = [this](std::stop_token cancel) -> std::unique_ptr<Input> {
        while (waits_to_open && !cancel.stop_requested()) std::this_thread::sleep_for(Micro(200));
        if (no_open) throw Error(ErrorKind::input, "open");
        return std::make_unique<RandomInput>(*this, std::move(cancel));
    };
    return {open, lane, newest};
}

}  // namespace convoy::test
