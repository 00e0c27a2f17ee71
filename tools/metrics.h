// SPDX-License-Identifier: MIT
//
// What a run has done so far, in the text format of Prometheus: --metrics. docs/outputs.md has the names.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <convoy/detection.h>
#include <convoy/run.h>
#include "tools/serve/detect_queue.h"
#include "tools/serve/gpu_sensors.h"
#include "tools/sinks/broker_publisher.h"
#include "tools/sinks/webhook.h"

namespace convoy::tools {

/// Counts a run's frames in memory that does not grow with them. From any thread.
class Metrics {
public:
    static constexpr std::size_t kMostInputs = 100;  ///< that have counts of their own: the first ones
    /// Seconds; 0.033 is a frame of 30 a second.
    static constexpr std::array<double, 15> kBuckets = {.001, .0025, .005, .01, .025, .033, .05, .1,
                                                        .25,  .5,    1,    2.5, 5,    10,   30};

    /// Asked for each text.
    struct Sources {
        std::string engine;  ///< Engine::description()
        std::vector<std::string> class_names;
        std::function<std::vector<StageStats>()> stages = {};  ///< Engine::stats()
        std::function<std::vector<BrokerTally>()> brokers = {};
        std::function<std::optional<Webhook::Tally>()> webhook = {};
        std::function<std::optional<DetectQueue::Tally>()> detect = {};
        std::function<std::vector<GpuReading>()> gpus = {};  ///< GpuSensors::read()
    };
    explicit Metrics(Sources sources) : sources_(std::move(sources)) {}

    void begin_input(int input, const std::string& name);
    /// `dropped`: frames of the input before this one (RunInput::newest).
    void result(int input, const Result& result, std::int64_t dropped = 0);
    void end_input(int input, const InputEnd& end);
    /// `seconds` since the run began.
    std::string text(double seconds, bool running);
    /// The same, now.
    std::string text(bool running);
    std::vector<GpuReading> gpus() const { return sources_.gpus ? sources_.gpus() : std::vector<GpuReading>(); }

private:
    struct OfInput {
        std::int64_t frames = 0, detections = 0, dropped = 0;
    };
    struct Open {
        OfInput* counts = nullptr;  // null for those that have none
        std::int64_t dropped = 0;
    };
    struct Histogram {
        void add(double seconds);
        std::string text(const char* name, const char* help) const;

        std::array<std::int64_t, kBuckets.size() + 1> counts = {};  // the last is of those that are longer
        double sum_s = 0;
    };
    struct Busy {
        double seconds = 0, total_s = 0, share = 0;
    };

    std::string stages_text(double seconds);
    void drop(Open& input, std::int64_t dropped);

    const Sources sources_;
    const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    std::mutex mutex_;
    std::int64_t frames_ = 0, undecodable_ = 0, not_finite_ = 0, dropped_ = 0, damaged_ = 0, ended_ = 0, failed_ = 0;
    std::vector<std::int64_t> by_class_;
    Histogram latencies_, from_packets_;
    std::map<std::string, OfInput> inputs_;  // by name: an input may be named twice
    std::map<int, Open> open_;
    std::map<std::string, Busy> busy_;  // by device
};

/// Writes a Metrics into a file, which is replaced every two seconds and at the end.
class MetricsFile {
public:
    /// Throws Error(output) if it cannot be written the first time. `metrics` must outlive it.
    MetricsFile(std::string path, Metrics& metrics);
    /// As close().
    ~MetricsFile();
    MetricsFile(const MetricsFile&) = delete;
    MetricsFile& operator=(const MetricsFile&) = delete;

    /// Writes the last time. What went wrong with that: a sentence, or "".
    std::string close();

private:
    /// The same.
    std::string write(bool running);
    void run();

    const std::string path_;
    Metrics& metrics_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool closed_ = false;  // guarded by mutex_
    std::thread thread_;
};

/// Throws Error(usage) unless the path is one of a file that can be replaced.
void check_metrics_path(const std::string& path);

}  // namespace convoy::tools
