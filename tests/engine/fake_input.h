// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/run/scheduler.h"
#include "tests/engine/fake_backend.h"

namespace convoy::test {

/// Frames whose pixels are somewhere, and those that were read at all.
struct FrameCount {
    std::atomic<int> living{0}, most{0}, read{0};
    /// An owner that is counted.
    static std::shared_ptr<const void> one_more(const std::shared_ptr<FrameCount>& count) {
        ++count->read;
        const int now = ++count->living;
        for (int most = count->most; now > most && !count->most.compare_exchange_weak(most, now);) {
        }
        return {count.get(), [count](const void*) { --count->living; }};
    }
};

/// Readers that nobody has destroyed.
class LivingReaders {
public:
    void add(SegmentReader* reader) {
        const std::lock_guard lock(mutex_);
        readers_.insert(reader);
    }
    void remove(SegmentReader* reader) {
        const std::lock_guard lock(mutex_);
        readers_.erase(reader);
    }
    int count() const {
        const std::lock_guard lock(mutex_);
        return int(readers_.size());
    }
    /// For those that were left on purpose.
    void destroy() {
        for (SegmentReader* reader : std::set(readers_)) delete reader;
    }

private:
    mutable std::mutex mutex_;
    std::set<SegmentReader*> readers_;
};

/// An input of numbered frames.
struct Script {
    std::vector<int> segments;  ///< frames in each
    SegmentKind kind = SegmentKind::closed;
    int first_number = 0;  ///< of its first frame
    int width = 1, height = 1;
    std::int64_t frames_estimate = 0;
    std::chrono::microseconds frame_time{0};  ///< decoding a frame takes
    bool on_device = false;                   ///< its frames' pixels
    bool adopts = false;                      ///< readers of others
    ErrorKind open_error_kind = ErrorKind::input;
    std::string open_error, cut_error;  ///< thrown when it is opened; after the last segment
    int unreadable_segment = -1;        ///< whose reader throws at its second frame
    std::shared_ptr<std::atomic<int>> readers = std::make_shared<std::atomic<int>>(0);  ///< made so far
    std::shared_ptr<std::atomic<int>> warmed_up = std::make_shared<std::atomic<int>>(0);
    std::shared_ptr<std::atomic<int>> warmed_up_late = std::make_shared<std::atomic<int>>(0);
    std::shared_ptr<LivingReaders> living_readers = std::make_shared<LivingReaders>();
    std::shared_ptr<FrameCount> frames = std::make_shared<FrameCount>();
};

inline const NumberedPictures& pictures() {
    static const NumberedPictures all(20000);
    return all;
}

class FakeInput : public Input {
public:
    FakeInput(Script script, std::stop_token cancel) : script_(std::move(script)), cancel_(std::move(cancel)) {
        info_.path = "fake";
        info_.is_video = true;
        info_.fps_num = 10;
        info_.frames_estimate = script_.frames_estimate;
    }
    const InputInfo& info() const override { return info_; }
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget&) override {
        ++*script_.readers;
        return std::make_unique<Reader>(script_, cancel_);
    }
    bool adopt_reader(SegmentReader& reader) override {
        if (script_.adopts) static_cast<Reader&>(reader).move_to(script_);
        return script_.adopts;
    }
    std::shared_ptr<const Segment> next_segment() override {
        if (cut_ == script_.segments.size()) {
            if (!script_.cut_error.empty()) throw Error(ErrorKind::input, script_.cut_error);
            return nullptr;
        }
        auto segment = std::make_shared<FakeSegment>();
        segment->number = int(cut_);
        segment->first = first_;
        segment->count = script_.segments[cut_];
        segment->segment_kind = script_.kind;
        if (script_.kind == SegmentKind::first_part && cut_ > 0) segment->segment_kind = SegmentKind::next_part;
        first_ += segment->count;
        ++cut_;
        return segment;
    }

private:
    struct FakeSegment : Segment {
        SegmentKind kind() const override { return segment_kind; }
        std::size_t bytes() const override { return std::size_t(count) * 100; }
        std::int64_t frames() const override { return count; }
        int number = 0, first = 0, count = 0;
        SegmentKind segment_kind = SegmentKind::closed;
    };
    class Reader : public SegmentReader {
    public:
        Reader(Script script, std::stop_token cancel) : script_(std::move(script)), cancel_(std::move(cancel)) {
            script_.living_readers->add(this);
        }
        ~Reader() override { script_.living_readers->remove(this); }
        void move_to(const Script& script) {
            script_.living_readers->remove(this);
            script_ = script;
            script_.living_readers->add(this);
        }
        void warm_up(std::shared_ptr<const Segment> sample) override {
            ++*script_.warmed_up;
            *script_.warmed_up_late += segment_ || sample->kind() != SegmentKind::closed;
        }
        void open(std::shared_ptr<const Segment> segment) override {
            segment_ = std::dynamic_pointer_cast<const FakeSegment>(std::move(segment));
            at_ = 0;
        }
        std::optional<Frame> next() override {
            const bool endless = segment_->segment_kind == SegmentKind::endless;
            if (at_ == segment_->count || (endless && cancel_.stop_requested())) return std::nullopt;
            if (segment_->number == script_.unreadable_segment && at_ == 1) throw Error(ErrorKind::input, "unreadable");
            if (script_.frame_time.count()) std::this_thread::sleep_for(script_.frame_time);
            const int number = script_.first_number + segment_->first + at_++;
            const auto packet_at = std::chrono::steady_clock::now();
            Frame frame = pictures().frame(number, script_.width, script_.height);
            if (script_.kind == SegmentKind::endless) frame.packet_at = packet_at;
            frame.owner = FrameCount::one_more(script_.frames);
            frame.index = -7;  // nobody is to look at it
            frame.pixels.on_device = script_.on_device;
            frame.time_s = 100 + .1 * number;
            return frame;
        }
        SegmentNotes notes() const override {
            SegmentNotes notes;
            notes.damaged = segment_->number == 1;
            if (notes.damaged) notes.first_damage = "segment 1 is damaged";
            if (segment_->number == 2) notes.fallback = "two";
            return notes;
        }

    private:
        Script script_;
        const std::stop_token cancel_;
        std::shared_ptr<const FakeSegment> segment_;
        int at_ = 0;
    };

    const Script script_;
    InputInfo info_;
    const std::stop_token cancel_;
    std::size_t cut_ = 0;
    int first_ = 0;
};

inline RunInput run_input(const Script& script, int lane = 0) {
    return {[script](std::stop_token cancel) -> std::unique_ptr<Input> {
                if (!script.open_error.empty()) throw Error(script.open_error_kind, script.open_error);
                return std::make_unique<FakeInput>(script, std::move(cancel));
            },
            lane};
}

/// Writes down what it is told.
class Recorder : public RunObserver {
public:
    using Note = std::pair<std::int64_t, double>;  // index and time of a frame
    struct Work : SegmentWork {
        explicit Work(Recorder& r, int work_threads) : recorder(r), threads(work_threads) {}
        void frame(Result& result) override {
            if (inside.exchange(true)) recorder.overlapped = true;
            if (!result.frame.pixels.plane[0]) recorder.pixels_missing = true;
            if (result.frame.index != std::int64_t(numbers.size())) recorder.misnumbered = true;
            if (bool(result.note) != recorder.orders) recorder.unordered = true;
            numbers.push_back(result.detections.at(0).class_id);
            if (recorder.work_time.count()) std::this_thread::sleep_for(recorder.work_time);
            inside = false;
        }
        void end() override { ended = true; }
        Recorder& recorder;
        int threads;
        std::atomic<bool> inside{false};
        std::vector<int> numbers;
        bool ended = false;
    };

    bool wants_pixels() const override { return draws; }
    bool wants_order() const override { return orders; }
    void in_order(int input, const InputInfo&, Result& result) override {
        if (ordering.exchange(true)) overlapped = true;
        if (on_order) on_order(input, result);
        Seen& seen = inputs.at(std::size_t(input));
        if (result.frame.index != seen.shown++ || result.frame.stream != input) misnumbered = true;
        if (bool(result.frame.pixels.plane[0]) != draws) pixels_missing = true;
        result.note = std::make_shared<Note>(result.frame.index, result.frame.time_s);
        ordering = false;
    }
    std::unique_ptr<SegmentWork> work(int, const InputInfo&, int threads) override {
        ++works;
        return std::make_unique<Work>(*this, threads);
    }
    void begin_input(int input, const InputInfo&) override { events.push_back("begin " + std::to_string(input)); }
    void result(int input, Result& result) override {
        if (on_result) on_result(input, result);
        Seen& seen = inputs.at(std::size_t(input));
        if (result.frame.index != std::int64_t(seen.numbers.size())) misnumbered = true;
        if (result.frame.pixels.plane[0]) pixels_kept = true;
        if (result.frame.stream != input) misnumbered = true;
        const auto* const note = static_cast<const Note*>(result.note.get());
        if (orders && (!note || *note != Note(result.frame.index, result.frame.time_s))) unordered = true;
        seen.numbers.push_back(result.detections.at(0).class_id);
        seen.times.push_back(result.frame.time_s);
    }
    void work_done(int input, SegmentWork& work) override {
        auto& done = static_cast<Work&>(work);
        if (!done.ended) unended = true;
        Seen& seen = inputs.at(std::size_t(input));
        seen.worked.insert(seen.worked.end(), done.numbers.begin(), done.numbers.end());
        // Its results have all come, and nothing beyond them.
        if (seen.worked != seen.numbers) out_of_step = true;
        work_threads.push_back(done.threads);
    }
    void end_input(int input, const InputEnd& end) override {
        events.push_back("end " + std::to_string(input));
        inputs.at(std::size_t(input)).end = end;
        if (on_end) on_end(input);
    }

    struct Seen {
        std::vector<int> numbers, worked;
        std::vector<double> times;
        std::int64_t shown = 0;  // by in_order()
        std::optional<InputEnd> end;
    };
    explicit Recorder(std::size_t count) : inputs(count) {}
    std::vector<Seen> inputs;
    std::vector<std::string> events;
    std::vector<int> work_threads;
    std::function<void(int, Result&)> on_result, on_order;
    std::function<void(int)> on_end;
    bool draws = false, orders = false;
    std::chrono::microseconds work_time{0};
    std::atomic<int> works{0};
    std::atomic<bool> overlapped{false}, pixels_missing{false}, misnumbered{false};
    std::atomic<bool> ordering{false}, unordered{false};
    bool pixels_kept = false, unended = false, out_of_step = false;

    bool sound() const {
        return !overlapped && !pixels_missing && !misnumbered && !unordered && !pixels_kept && !unended && !out_of_step;
    }
};

/// first, first + 1, …
inline std::vector<int> numbers_from(int first, int count) {
    std::vector<int> out(std::size_t(std::max(0, count)));
    for (int i = 0; i < count; ++i) out[std::size_t(i)] = first + i;
    return out;
}

inline SchedulerOptions few_threads(int decoders = 3, int work_threads = 3) {
    SchedulerOptions options;
    options.decoders = decoders;
    options.work_threads = work_threads;
    return options;
}

}  // namespace convoy::test
