// SPDX-License-Identifier: MIT
#include "tools/run_pipeline.h"

#include <fmt/core.h>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "tools/model_options.h"
#include "tools/sinks/annotate_work.h"
#include "tools/sinks/zone_counts.h"

namespace convoy::tools {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::int64_t kInexact = 2;       // frames, where they are reckoned from a duration
constexpr std::size_t kPlacesAtOnce = 64;  // frames of a long work that are handed on together

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::string count(std::int64_t n, const char* noun, const char* plural = "s") {
    return fmt::format("{} {}{}", n, noun, n == 1 ? "" : plural);
}

std::string detections_text(const InputSummary& input, const std::vector<std::string>& names) {
    const std::string counts = class_counts(input.by_class, names);
    return count(input.detections, "detection") + (counts.empty() ? "" : " (" + counts + ")") +
           (input.end.not_finite > 0
                ? fmt::format(", {} that {} not finite left out", count(input.end.not_finite, "box", "es"),
                              input.end.not_finite == 1 ? "is" : "are")
                : "");
}

std::string video_text(const InputSummary& sum, const std::vector<std::string>& names) {
    const std::string dropped = sum.end.dropped > 0 ? fmt::format(", {} dropped as too old", sum.end.dropped) : "";
    return fmt::format("{}{}, {}, {:.1f} frames/s", count(sum.end.frames, "frame"), dropped,
                       detections_text(sum, names), double(sum.end.frames) / std::max(sum.seconds, 1e-9));
}

void add(InputSummary& sum, const InputSummary& input) {
    sum.end.frames += input.end.frames;
    sum.end.dropped += input.end.dropped;
    sum.end.not_finite += input.end.not_finite;
    sum.detections += input.detections;
    sum.by_class.resize(std::max(sum.by_class.size(), input.by_class.size()));
    for (std::size_t i = 0; i < input.by_class.size(); ++i) sum.by_class[i] += input.by_class[i];
}

/// Passes what a run tells on to the sinks and to the person at the terminal.
class Observer : public RunObserver {
public:
    Observer(const PipelineOptions& options, const RunningInputs& running, Sinks& sinks, Progress& progress,
             const std::atomic<bool>& stop)
        : options_(options), running_(running), sinks_(sinks), progress_(progress), stop_(stop) {}

    bool wants_pixels() const override { return !sinks_.pictures.empty(); }

    bool wants_order() const override { return options_.follower; }

    void in_order(int input, const InputInfo& info, Result& result) override {
        if (options_.restores) options_.restores(input, info.frame_step, result);
        options_.follower->see(input, info, result);
    }

    std::unique_ptr<SegmentWork> work(int input, const InputInfo& info, int threads) override {
        auto work = AnnotateWork::begin(sinks_.pictures, input, info, threads, options_.class_names, options_.drawing,
                                        &clocks_);
        const std::lock_guard lock(mutex_);
        if (work) works_[input].push_back({work.get(), {}});
        return work;
    }

    void begin_input(int input, const InputInfo& info) override {
        if (running_.name(input).empty()) return;
        begun_[input].info = info;
        if (options_.metrics) options_.metrics->begin_input(input, running_.name(input));
    }

    void result(int input, Result& result) override {
        Begun& begun = begun_.at(input);
        if (options_.restores && !options_.follower) options_.restores(input, begun.info.frame_step, result);
        if (begun.frames++ == 0) {
            begun.info.width = result.frame.pixels.width;
            warn_of_zones(begun.info, result.frame.pixels);
        }
        begun.detections += std::int64_t(result.detections.size());
        for (const Detection& d : result.detections) {
            if (std::size_t(d.class_id) >= begun.by_class.size()) begun.by_class.resize(std::size_t(d.class_id) + 1);
            ++begun.by_class[std::size_t(d.class_id)];
        }
        ++total_frames_;
        if (options_.metrics)
            options_.metrics->result(
                input, result,
                result.frame.index / std::max<std::int64_t>(begun.info.frame_step, 1) + 1 - begun.frames);
        if (options_.charts) add_to_charts(begun, result);
        if (options_.drawing.zones && zone_counts_of(result)) begun.counts = *zone_counts_of(result);
        if (!result.first_not_finite.empty() && !std::exchange(told_not_finite_, true))
            progress_.error("yolo-run: warning: " + begun.info.path + ": " + not_finite_text(result.first_not_finite));
        for (const auto& sink : sinks_.records) deliver([&] { sink->write({begun.info, input, result}); });
        tell_of_messages();
        if (progress_.due()) progress_.update(progress_state(input, begun));
        if (wants_pixels() && !result.frame.undecodable)
            place(input, {result.frame.index, result.frame.time_s, result.frame.pts_s});
    }

    void work_done(int input, SegmentWork& work) override {
        OpenWork open;
        {
            const std::lock_guard lock(mutex_);
            std::deque<OpenWork>& works = works_.at(input);
            open = std::move(works.front());
            works.pop_front();
        }
        deliver([&] { static_cast<AnnotateWork&>(work).append(open.places); });
    }

    void end_input(int input, const InputEnd& how) override {
        InputSummary summary;
        summary.path = running_.name(input);
        if (summary.path.empty()) return;
        InputEnd& end = summary.end = how;
        if (options_.ends_input) options_.ends_input(input, end);
        const auto begun = begun_.find(input);
        const bool is_video = begun != begun_.end() && begun->second.info.is_video;
        if (begun != begun_.end()) {
            summary.detections = begun->second.detections;
            summary.by_class = begun->second.by_class;
            if (begun->second.charts && begun->second.counts)
                begun->second.charts->counts = counts_text(*options_.drawing.zones, *begun->second.counts);
            summary.charts = begun->second.charts;
        }
        if (options_.metrics) options_.metrics->end_input(input, end);
        summary.seconds = running_.seconds(input);
        done_bytes_ += running_.bytes(input);
        const std::int64_t all =
            begun != begun_.end() && options_.inputs.options().frames == 0 && !stop_ ? expected(begun->second) : 0;
        tell(summary, is_video, all);
        if (begun != begun_.end() && begun->second.counts)
            progress_.message(summary.path + ": " + counts_text(*options_.drawing.zones, *begun->second.counts));
        if (options_.follower) options_.follower->end_input(input);
        const bool whole = end.error.empty() && options_.inputs.options().frames == 0 &&
                           options_.inputs.options().stop_s == 0 && !end.early && !stop_;
        for (const auto& sink : sinks_.records) deliver([&] { sink->end_input(input, whole); });
        for (const auto& sink : sinks_.pictures) {
            if (end.error.empty() && !stop_ && end.last_frame_s > 0) sink->last_frame(input, end.last_frame_s);
            deliver([&] { sink->end_input(input, whole); });
        }
        take_errors(sinks_.records, summary.end);
        take_errors(sinks_.pictures, summary.end);
        take_remarks(sinks_.records);
        take_remarks(sinks_.pictures);
        inputs.push_back(std::move(summary));
        begun_.erase(input);
    }

    /// After the run, when it has not failed.
    void close() {
        InputSummary sum;
        for (const InputSummary& input : inputs) add(sum, input);
        sum.seconds = seconds_since(start_);
        if (inputs.size() > 1)
            progress_.message(fmt::format("{} inputs: {}", inputs.size(), video_text(sum, options_.class_names)));
        for (const auto& sink : sinks_.records) deliver([&] { sink->close(); });
        for (const auto& sink : sinks_.pictures) deliver([&] { sink->close(); });
        tell_of_messages();
    }

    std::vector<InputSummary> inputs;
    std::vector<std::string> given_up;
    LatencyBins latencies;
    StageStats draw() const { return clocks_.draw.stats(); }
    StageStats encode() const { return clocks_.encode.stats(); }

private:
    struct Begun {
        InputInfo info;
        std::int64_t frames = 0, detections = 0;
        std::vector<std::int64_t> by_class;
        std::optional<analysis::ZoneState> counts;
        std::shared_ptr<InputCharts> charts;
    };
    struct OpenWork {
        AnnotateWork* work = nullptr;
        std::vector<FramePlace> places;  // of frames that it has drawn and not yet handed on
    };

    template <typename Write>
    void deliver(Write write) {
        try {
            write();
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::output || !options_.give_up || !options_.give_up()) throw;
            if (std::find(given_up.begin(), given_up.end(), error.what()) == given_up.end())
                given_up.emplace_back(error.what());
        }
    }

    template <typename Sinks>
    void take_errors(Sinks& sinks, InputEnd& end) {
        for (const auto& sink : sinks)
            for (const std::string& error : sink->take_errors()) {
                progress_.error("yolo-run: error: " + error);
                if (end.error.empty()) end.error = error;
            }
    }

    template <typename Sinks>
    void take_remarks(Sinks& sinks) {
        for (const auto& sink : sinks)
            for (const std::string& remark : sink->take_remarks()) progress_.message("yolo-run: " + remark);
    }

    void add_to_charts(Begun& begun, const Result& result) {
        latencies.add(result.latency_ms);
        if (!begun.charts && charts_ == kMostCharts) return;
        if (!begun.charts) {
            begun.charts = std::make_shared<InputCharts>();
            ++charts_;
        }
        begun.charts->add(begun.info, result);
    }

    void tell_of_messages() {
        const auto tell = [&](const std::vector<std::string>& sentences) {
            for (const std::string& sentence : sentences) progress_.error("yolo-run: warning: " + sentence);
        };
        for (const auto& broker : sinks_.brokers) tell(broker->take_warnings());
        if (sinks_.webhook) tell(sinks_.webhook->take_warnings());
    }

    void warn_of_zones(const InputInfo& info, const PixelView& frame) {
        if (!options_.drawing.zones || !info.is_video) return;
        for (const std::string& sentence : outside_frame(*options_.drawing.zones, frame.width, frame.height))
            progress_.error("yolo-run: warning: " + info.path + ": " + sentence);
    }

    // A work that goes on for long hands its frames on as they come.
    void place(int input, FramePlace place) {
        OpenWork* open = nullptr;
        {
            const std::lock_guard lock(mutex_);
            const auto works = works_.find(input);
            if (works == works_.end() || works->second.empty()) return;
            open = &works->second.front();
        }
        open->places.push_back(place);
        if (open->places.size() < kPlacesAtOnce) return;
        deliver([&] { open->work->append(open->places); });
        open->places.clear();
    }

    void tell(const InputSummary& summary, bool is_video, std::int64_t all) {
        const InputEnd& end = summary.end;
        if (!end.error.empty()) progress_.error("yolo-run: error: " + end.error);
        if (end.damaged > 0 && !is_video)
            progress_.error(fmt::format("yolo-run: warning: {}: {}", summary.path, end.first_damage));
        else if (end.damaged > 0)
            progress_.error(fmt::format(
                "yolo-run: warning: {}: {} damaged, the first: {}{}", summary.path, end.damaged, end.first_damage,
                all > end.frames + kInexact ? fmt::format("; about {} of {} frames are missing", all - end.frames, all)
                                            : ""));
        if (end.undecodable > 0)
            progress_.error(fmt::format(
                "yolo-run: warning: {}: it begins between two keyframes; {} cannot be decoded "
                "and {} neither detected on nor drawn",
                summary.path,
                end.undecodable == 1 ? "the first frame" : fmt::format("the first {} frames", end.undecodable),
                end.undecodable == 1 ? "is" : "are"));
        if (!end.remark.empty()) progress_.message(fmt::format("yolo-run: {}: {}", summary.path, end.remark));
        if (end.frames > 0)
            progress_.message(summary.path + ": " +
                              (is_video ? video_text(summary, options_.class_names)
                                        : detections_text(summary, options_.class_names)));
    }

    ProgressState progress_state(int input, const Begun& begun) const {
        if (options_.progress) {
            ProgressState state = options_.progress(input);
            state.input = running_.name(input), state.frame = begun.frames, state.frames_of_input = expected(begun);
            return state;
        }
        double done_bytes = done_bytes_;
        for (const auto& [other, state] : begun_) {
            const std::int64_t frames = expected(state);
            const double share = frames > 0 ? std::min(double(state.frames) / double(frames), 1.) : 0;
            done_bytes += share * running_.bytes(other);
        }
        return {running_.name(input),
                running_.place(input),
                running_.count(),
                begun.frames,
                expected(begun),
                total_frames_,
                done_bytes / std::max(running_.all_bytes(), 1.),
                seconds_since(start_)};
    }

    std::int64_t expected(const Begun& begun) const {
        const std::int64_t limit = options_.inputs.options().frames, frames = begun.info.frames_estimate;
        if (limit <= 0) return frames;
        return frames > 0 ? std::min(frames, limit) : limit;
    }

    const PipelineOptions& options_;
    const RunningInputs& running_;
    Sinks& sinks_;
    Progress& progress_;
    const std::atomic<bool>& stop_;
    WorkClocks clocks_;
    std::mutex mutex_;
    std::map<int, std::deque<OpenWork>> works_;  // by input, in order; guarded by mutex_, the places are the consumer's
    std::map<int, Begun> begun_;
    const Clock::time_point start_ = Clock::now();
    double done_bytes_ = 0;
    std::int64_t total_frames_ = 0;
    std::size_t charts_ = 0;        // inputs that have some
    bool told_not_finite_ = false;  // once a run
};

}  // namespace

std::string class_counts(const std::vector<std::int64_t>& by_class, const std::vector<std::string>& names) {
    constexpr std::size_t kNamed = 6;
    std::vector<std::size_t> found;
    for (std::size_t id = 0; id < by_class.size(); ++id)
        if (by_class[id] > 0) found.push_back(id);
    std::stable_sort(found.begin(), found.end(), [&](auto a, auto b) { return by_class[a] > by_class[b]; });
    std::string text;
    for (std::size_t i = 0; i < std::min(found.size(), kNamed); ++i) {
        const std::string name = found[i] < names.size() ? names[found[i]] : fmt::format("class {}", found[i]);
        text += fmt::format("{}{} {}", i ? ", " : "", name, by_class[found[i]]);
    }
    return found.size() > kNamed ? fmt::format("{}, {} more classes", text, found.size() - kNamed) : text;
}

RunSummary run_pipeline(Engine& engine, const PipelineOptions& options, Sinks& sinks, Progress& progress,
                        const std::atomic<bool>& stop) {
    const Clock::time_point start = Clock::now();
    std::optional<RunningInputs> all;
    if (options.ends_input)
        all.emplace();
    else
        all.emplace(options.inputs, options.newest, options.name_outputs);
    RunningInputs& running = *all;
    Observer observer(options, running, sinks, progress, stop);
    RunSummary summary;
    RunObserver* told = &observer;
    if (options.serving && options.serving->takes_pictures()) {
        const int inputs = options.goes_on ? 0 : int(running.count());
        options.serving->begin_run(running);
        told = &options.serving->beside(observer, running.add_unnamed(options.serving->input()), inputs);
    }
    {
        struct End {
            const PipelineOptions& options;
            ~End() {
                if (options.ends) options.ends();
                if (options.serving) options.serving->end_run();
            }
        } const end{options};
        if (options.feeds) options.feeds(running);
        if (!options.goes_on) running.close();
        summary.run = engine.run(running.feed(), *told, stop, options.threads);
    }
    observer.close();
    summary.inputs = std::move(observer.inputs);
    summary.latencies = observer.latencies;
    summary.draw = observer.draw();
    summary.encode = observer.encode();
    if (sinks.jpegs) summary.jpegs = sinks.jpegs->tally();
    for (const auto& broker : sinks.brokers) summary.brokers.push_back(broker->tally());
    if (sinks.webhook) summary.webhook = sinks.webhook->tally();
    if (summary.jpegs && !summary.jpegs->why_cpu.empty())
        progress.message("yolo-run: a GPU did not encode: " + media::describe(*summary.jpegs));
    summary.seconds = seconds_since(start);
    summary.interrupted = summary.run.stopped;
    summary.given_up = std::move(observer.given_up);
    return summary;
}

}  // namespace convoy::tools
