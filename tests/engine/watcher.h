// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <map>

#include "tests/engine/random_input.h"

namespace convoy::test {

/// What it throws, sometimes.
struct Crash {};

/// Sees to it that it is told all in order.
class Watcher : public RunObserver {
public:
    struct Seen {
        std::vector<int> numbers, worked;
        int begins = 0;
        std::atomic<int> told{0}, shown{0};
        std::atomic<bool> has_ended{false};
        InputEnd end;
    };
    struct Work : SegmentWork {
        Work(Watcher& w, int i) : watcher(w), input(i) { ++watcher.works; }
        ~Work() override { --watcher.works; }
        void frame(Result& result) override {
            watcher.demand(!inside.exchange(true), "a work is called by one thread");
            watcher.demand(result.frame.pixels.plane[0] && !result.frame.pixels.on_device, "a work has its pixels");
            watcher.demand(result.frame.index == std::int64_t(numbers.size()), "a work counts its frames");
            watcher.demand(bool(result.note) == watcher.orders, "in_order comes before a work");
            numbers.push_back(watcher.number_of(input, result, result.frame.time_s));
            watcher.call(3);
            std::this_thread::sleep_for(watcher.work_time);
            inside = false;
        }
        void end() override { watcher.demand(!std::exchange(ended, true), "a work ends once"), watcher.call(4); }
        Watcher& watcher;
        const int input;
        std::atomic<bool> inside{false};
        std::vector<int> numbers;
        bool ended = false;
    };

    Watcher(Dice& dice, std::deque<DrawnInput>& its_inputs, int things_of_a_frame)
        : inputs(its_inputs), seen(its_inputs.size()), things(things_of_a_frame) {
        draws = dice.pick("\n  draws", {0, 1}), orders = dice.pick("orders", {0, 1});
        pictures = dice.pick("pictures", {0, 0, 0, 3});
        work_time = Micro(dice.pick("work_time", {0, 0, 100})),
        tell_time = Micro(dice.pick("tell_time", {0, 0, 0, 50}));
        if (dice.one_in(8)) stop_at = dice.say("stop_at", 1 + dice.below(100));
        if (dice.one_in(8)) crash = dice.say("crash", dice.below(8)), calls_left = dice.say("at", dice.below(20));
    }
    bool wants_pixels() const override { return draws; }
    bool wants_order() const override { return orders; }
    bool wants_picture(int) override { return pictures && asked++ % pictures == 0; }
    void in_order(int input, const InputInfo&, Result& result) override {
        demand(!ordering.exchange(true), "in_order is called by one thread");
        result.note = std::make_shared<int>(number_of(input, result, result.frame.pts_s));
        ++seen[std::size_t(input)].shown;
        call(1);
        ordering = false;
    }
    std::unique_ptr<SegmentWork> work(int input, const InputInfo&, int) override {
        call(2);
        return inputs[std::size_t(input)].no_work ? nullptr : std::make_unique<Work>(*this, input);
    }
    void begin_input(int input, const InputInfo&) override {
        demand(seen[std::size_t(input)].begins++ == 0 && !seen[std::size_t(input)].has_ended, "an input begins once");
        demand(in_lane.emplace(inputs[std::size_t(input)].lane, input).second, "a lane's inputs follow each other");
        call(5);
    }
    void result(int input, Result& result) override {
        Seen& s = seen[std::size_t(input)];
        demand(s.begins == 1 && !s.has_ended, "results come between begin and end");
        const int number = number_of(input, result, result.frame.pts_s);
        demand(inputs[std::size_t(input)].newest || result.frame.index == s.told, "results are numbered");
        demand(s.numbers.empty() || number > s.numbers.back(), "results come in order, once each");
        demand(result.frame.stream == input, "results have their stream");
        demand(pictures || (!result.frame.pixels.plane[0] && !result.frame.owner), "results hold no pixels");
        const auto* const note = static_cast<const int*>(result.note.get());
        demand(orders ? note && *note == number : !note, "results have their notes");
        s.numbers.push_back(number);
        ++s.told;
        std::this_thread::sleep_for(tell_time);
        if (++results == stop_at) stop = true;
        call(0);
    }
    void work_done(int input, SegmentWork& work) override {
        auto& done = static_cast<Work&>(work);
        Seen& s = seen[std::size_t(input)];
        demand(done.ended, "a work is told of when it has ended");
        s.worked.insert(s.worked.end(), done.numbers.begin(), done.numbers.end());
        demand(s.worked == s.numbers, "a work's results have been told");
        call(6);
    }
    void end_input(int input, const InputEnd& end) override {
        demand(!seen[std::size_t(input)].has_ended, "an input ends once");
        in_lane.erase(inputs[std::size_t(input)].lane);
        seen[std::size_t(input)].end = end;
        seen[std::size_t(input)].has_ended = true;
        call(7);
    }

    std::deque<DrawnInput>& inputs;
    std::deque<Seen> seen;
    bool draws = false, orders = false;
    std::atomic<int> works{0};
    std::atomic<bool> stop{false}, crashed{false};
    std::string wrong;  // the first thing

private:
    int number_of(int input, const Result& result, double stamp_s) {
        const int number = int(std::lround((stamp_s - 100) * 10));
        const std::vector<Detection>& found = result.detections;
        const bool undecodable = inputs[std::size_t(input)].is_undecodable(number);
        demand(result.frame.undecodable == undecodable, "undecodable frames are marked");
        demand(int(found.size()) == (undecodable ? 0 : things), "what is there is found once");
        int least = number;
        if (!found.empty())
            least = std::min_element(found.begin(), found.end(), [](const Detection& a, const Detection& b) {
                        return a.class_id < b.class_id;
                    })->class_id;
        demand(least == number, "results are those of their frames");
        return number;
    }
    void demand(bool holds, const char* what) {
        const std::lock_guard lock(mutex_);
        if (!holds && wrong.empty()) wrong = what;
    }
    void call(int where) {
        if (where != crash || calls_left-- != 0) return;
        crashed = true;
        throw Crash();
    }

    const int things;
    int pictures = 0, stop_at = kPlenty, results = 0, crash = -1;
    std::atomic<int> calls_left{0}, asked{0};
    std::atomic<bool> ordering{false};
    Micro work_time{0}, tell_time{0};
    std::map<int, int> in_lane;  // inputs that have begun
    std::mutex mutex_;
};

}  // namespace convoy::test
