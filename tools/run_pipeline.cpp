// SPDX-License-Identifier: MIT
#include "tools/run_pipeline.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "engine/bounded_queue.h"
#include "tools/media/draw.h"
#include "tools/media/source.h"

namespace convoy::tools {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kQueueFrames = 4;  // enough to ride out a stage's jitter, small enough for 4K frames

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

media::Image copy_image(const PixelView& pixels) {
    media::Image image{pixels.width, pixels.height, {}};
    const std::size_t row = std::size_t(pixels.width) * 3;
    image.rgb.resize(row * std::size_t(pixels.height));
    for (int y = 0; y < pixels.height; ++y)
        std::memcpy(image.row(y), pixels.plane[0] + std::size_t(y) * std::size_t(pixels.pitch[0]), row);
    return image;
}

std::string count(std::int64_t n, const char* noun) { return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s"); }

std::string summary_line(const InputSummary& input, bool is_video) {
    if (!is_video) return fmt::format("{}: {}", input.path, count(input.detections, "detection"));
    return fmt::format("{}: {}, {}, {:.1f} frames/s", input.path, count(input.frames, "frame"),
                       count(input.detections, "detection"), double(input.frames) / std::max(input.seconds, 1e-9));
}

class Pipeline {
public:
    Pipeline(Engine& engine, const PipelineOptions& options, Sinks& sinks, Progress& progress,
             const std::atomic<bool>& stop)
        : engine_(engine),
          options_(options),
          sinks_(sinks),
          progress_(progress),
          stop_(stop),
          inputs_(options.inputs.size()) {
        std::error_code ignored;
        for (const std::string& path : options.inputs) {
            const auto bytes = std::filesystem::file_size(path, ignored);
            bytes_.push_back(ignored ? 1. : double(bytes));
            total_bytes_ += bytes_.back();
        }
    }

    RunSummary run() {
        {
            std::jthread decoder([this] {
                guard([this] { decode(); });
                finish_decoding();
            });
            std::jthread drawer([this] { guard([this] { draw(); }); });
            std::jthread encoder([this] { guard([this] { encode(); }); });
            guard([this] { collect(); });
            while (failed_ && !decoded_ && drain()) {
            }
            drawing_.close();
        }
        if (error_) std::rethrow_exception(error_);
        return summary();
    }

private:
    // What one thread learns about an input and another reports; handed over through the engine's queue.
    struct Input {
        media::SourceInfo info;
        std::int64_t damaged = 0;
        std::string first_damage, error;
    };
    // A frame between the stages, or the end of its input.
    struct Job {
        std::size_t input = 0;
        std::optional<Result> result;
        media::Image image;
    };

    template <typename F>
    void guard(F&& stage) {
        try {
            stage();
        } catch (...) {
            {
                std::lock_guard lock(error_mutex_);
                if (!error_) error_ = std::current_exception();
            }
            failed_ = true;
            drawing_.cancel();
            encoding_.cancel();
        }
    }

    bool stopping() const { return failed_ || stop_; }

    void decode() {
        for (std::size_t i = 0; i < inputs_.size() && !stopping(); ++i) {
            begun_ = i + 1;
            try {
                decode_input(i);
            } catch (const Error& error) {
                if (error.kind() != ErrorKind::input) throw;
                inputs_[i].error = error.what();
            }
        }
        interrupted_ = stop_.load();  // a signal that comes later finds everything read, and takes nothing away
    }

    void decode_input(std::size_t i) {
        Input& input = inputs_[i];
        const std::unique_ptr<media::Source> source = media::open_source(options_.inputs[i]);
        input.info = source->info();
        const auto next = [&] {
            StageClock::Scope scope(decode_clock_);
            return source->next();
        };
        for (std::int64_t n = 0; (options_.frames == 0 || n < options_.frames) && !stopping(); ++n) {
            std::optional<Frame> frame = next();
            if (!frame) break;
            frame->stream = int(i);
            engine_.submit(std::move(*frame));
        }
        input.damaged = source->damaged();
        input.first_damage = source->first_damage();
    }

    void finish_decoding() {
        guard([this] { engine_.finish(); });
        decoded_ = true;
    }

    // After a failure: makes room until the decoder has noticed.
    bool drain() {
        try {
            return engine_.next().has_value();
        } catch (...) {
            return true;  // the first error is the one that is reported
        }
    }

    void collect() {
        while (std::optional<Result> result = engine_.next()) {
            if (failed_) return;
            const auto index = std::size_t(result->frame.stream);
            while (summaries_.size() <= index) begin_input();
            InputSummary& input = summaries_.back();
            ++input.frames;
            ++total_frames_;
            input.detections += std::int64_t(result->detections.size());
            latency_clock_.add(std::chrono::duration_cast<Clock::duration>(
                std::chrono::duration<double, std::milli>(result->latency_ms)));
            write_records(index, *result);
            if (progress_.due()) progress_.update(progress_state());
            if (!sinks_.pictures.empty()) drawing_.push({index, std::move(*result), {}});
        }
        while (summaries_.size() < begun_) begin_input();
        end_input();
        for (const auto& sink : sinks_.records) sink->close();
    }

    void write_records(std::size_t index, const Result& result) {
        if (sinks_.records.empty()) return;
        StageClock::Scope scope(write_clock_);
        for (const auto& sink : sinks_.records) sink->write({inputs_[index].info, index, result, {}});
    }

    void begin_input() {
        end_input();
        summaries_.push_back({});
        summaries_.back().path = options_.inputs[summaries_.size() - 1];
    }

    void end_input() {
        if (summaries_.empty()) return;
        const std::size_t index = summaries_.size() - 1;
        InputSummary& summary = summaries_.back();
        summary.damaged = inputs_[index].damaged;
        summary.first_damage = inputs_[index].first_damage;
        summary.error = inputs_[index].error;
        summary.seconds = seconds_since(input_start_);
        input_start_ = Clock::now();
        done_bytes_ += bytes_[index];
        if (!summary.error.empty()) progress_.error("yolo-run: error: " + summary.error);
        if (summary.damaged > 0)
            progress_.error(fmt::format("yolo-run: warning: {}: {} damaged, the first: {}", summary.path,
                                        summary.damaged, summary.first_damage));
        if (summary.frames > 0) progress_.message(summary_line(summary, inputs_[index].info.is_video));
        if (!sinks_.pictures.empty()) drawing_.push({index, std::nullopt, {}});
    }

    ProgressState progress_state() const {
        const std::size_t index = summaries_.size() - 1;
        const InputSummary& input = summaries_.back();
        std::int64_t expected = inputs_[index].info.frames_estimate;
        if (options_.frames > 0) expected = expected > 0 ? std::min(expected, options_.frames) : options_.frames;
        const double share = expected > 0 ? std::min(double(input.frames) / double(expected), 1.) : 0;
        return {input.path,
                index + 1,
                inputs_.size(),
                input.frames,
                expected,
                total_frames_,
                (done_bytes_ + share * bytes_[index]) / std::max(total_bytes_, 1.),
                seconds_since(start_)};
    }

    void draw() {
        media::Annotator annotator(options_.class_names);
        while (std::optional<Job> job = drawing_.pop()) {
            if (job->result) {
                StageClock::Scope scope(draw_clock_);
                Result& result = *job->result;
                job->image = copy_image(result.frame.pixels);
                result.frame.owner.reset();
                annotator.annotate(job->image, result.detections, fmt::format("{:.1f} ms", result.latency_ms));
            }
            encoding_.push(std::move(*job));
        }
        encoding_.close();
    }

    // Finishing a file is part of encoding: x264 still owes dozens of frames then.
    void encode() {
        while (const std::optional<Job> job = encoding_.pop()) {
            const StageClock::Scope scope(encode_clock_);
            for (const auto& sink : sinks_.pictures) {
                if (job->result)
                    sink->write({inputs_[job->input].info, job->input, *job->result, job->image});
                else
                    sink->end_input(job->input);
            }
        }
        if (failed_ || sinks_.pictures.empty()) return;
        const StageClock::Scope scope(encode_clock_);
        for (const auto& sink : sinks_.pictures) sink->close();
    }

    RunSummary summary() {
        RunSummary summary;
        summary.inputs = std::move(summaries_);
        summary.latency = latency_clock_.stats();
        summary.seconds = seconds_since(start_);
        summary.interrupted = interrupted_;
        summary.stages.push_back(decode_clock_.stats());
        for (StageStats& stage : engine_.stats()) summary.stages.push_back(std::move(stage));
        for (const StageClock* clock : {&draw_clock_, &encode_clock_, &write_clock_})
            summary.stages.push_back(clock->stats());
        return summary;
    }

    Engine& engine_;
    const PipelineOptions& options_;
    Sinks& sinks_;
    Progress& progress_;
    const std::atomic<bool>& stop_;
    std::vector<Input> inputs_;
    std::vector<InputSummary> summaries_;  // the last is the input whose results are coming
    std::atomic<std::size_t> begun_ = 0;

    StageClock decode_clock_{"decode"}, draw_clock_{"draw"}, encode_clock_{"encode"}, write_clock_{"write"};
    StageClock latency_clock_{"latency"};
    const Clock::time_point start_ = Clock::now();
    Clock::time_point input_start_ = start_;
    std::vector<double> bytes_;
    double total_bytes_ = 0, done_bytes_ = 0;
    std::int64_t total_frames_ = 0;

    BoundedQueue<Job> drawing_{kQueueFrames}, encoding_{kQueueFrames};
    std::atomic<bool> failed_ = false, decoded_ = false, interrupted_ = false;
    std::mutex error_mutex_;
    std::exception_ptr error_;
};

}  // namespace

RunSummary run_pipeline(Engine& engine, const PipelineOptions& options, Sinks& sinks, Progress& progress,
                        const std::atomic<bool>& stop) {
    return Pipeline(engine, options, sinks, progress, stop).run();
}

}  // namespace convoy::tools
