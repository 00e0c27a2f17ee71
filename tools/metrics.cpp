// SPDX-License-Identifier: MIT
#include "tools/metrics.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include <convoy/error.h>
#include <convoy/version.h>
#include "tools/analysis/text.h"
#include "tools/media/files.h"
#include "tools/message.h"
#include "tools/serve/stage_name.h"

namespace convoy::tools {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kInterval = std::chrono::seconds(2);
constexpr double kShortestShare = .5;  // seconds, of which a share of busy time says something

// The value of a label, quotes included.
std::string label(const std::string& name) {
    std::string text = "\"";
    for (const char c : analysis::as_utf8(name))
        text += c == '\\' ? "\\\\" : c == '"' ? "\\\"" : c == '\n' ? "\\n" : std::string(1, c);
    return text + '"';
}

std::string head(const char* name, const char* type, const char* help) {
    return fmt::format("# HELP convoy_{0} {2}\n# TYPE convoy_{0} {1}\n", name, type, help);
}

template <typename Value>
std::string single(const char* name, const char* type, const char* help, Value value) {
    return head(name, type, help) + fmt::format("convoy_{} {}\n", name, value);
}

std::string broker_text(const BrokerTally& tally) {
    const auto one = [&](const char* name, const char* type, const char* help, auto value) {
        return single((tally.kind + name).c_str(), type, help, value);
    };
    return one("_published_total", "counter", "Messages that the broker has confirmed.", tally.published) +
           one("_dropped_total", "counter", "Messages that were dropped.", tally.dropped) +
           one("_reconnects_total", "counter", "Connections to the broker after the first.", tally.reconnects) +
           one("_connected", "gauge", "Whether there is a connection to the broker.", int(tally.connected)) +
           one("_queue_messages", "gauge", "Messages that wait for the broker.", tally.waiting) +
           one("_queue_bytes", "gauge", "Bytes of messages that wait for the broker.", tally.waiting_bytes);
}

std::string webhook_text(const Webhook::Tally& tally) {
    return single("webhook_posted_total", "counter", "Events that the server has taken.", tally.posted) +
           single("webhook_dropped_total", "counter", "Events that were dropped.", tally.dropped) +
           single("webhook_retries_total", "counter", "Times that an event was posted again.", tally.retries) +
           single("webhook_queue_events", "gauge", "Events that wait for the server.", tally.waiting);
}

std::string detect_text(const DetectQueue::Tally& tally) {
    return single("detect_answered_total", "counter", "Pictures that were posted and have a record.", tally.answered) +
           single("detect_refused_total", "counter", "Pictures that were refused, since too many were under way.",
                  tally.refused) +
           single("detect_damaged_total", "counter", "Pictures that cannot be read.", tally.damaged) +
           single("detect_waiting", "gauge", "Pictures that have no answer yet.", tally.waiting);
}

std::string gpus_text(const std::vector<GpuReading>& gpus) {
    std::string text;
    const auto all = [&](const char* name, const char* help, std::optional<double> GpuReading::*value) {
        std::string lines;
        for (const GpuReading& gpu : gpus)
            if (gpu.*value)
                lines += fmt::format("convoy_gpu_{}{{device={}}} {}\n", name, label(gpu.device), *(gpu.*value));
        if (!lines.empty()) text += head(fmt::format("gpu_{}", name).c_str(), "gauge", help) + lines;
    };
    all("temperature_celsius", "Of the chip.", &GpuReading::temperature_c);
    all("power_watts", "What the GPU takes.", &GpuReading::power_w);
    all("busy_ratio", "Share of the time in which the GPU computed, whoever had it do so.", &GpuReading::busy);
    all("decoder_busy_ratio", "The same of its decoders.", &GpuReading::decoder_busy);
    all("memory_used_bytes", "Of all programs.", &GpuReading::memory_used_bytes);
    return text;
}

}  // namespace

void Metrics::Histogram::add(double seconds) {
    const auto bucket = std::lower_bound(kBuckets.begin(), kBuckets.end(), seconds);
    ++counts[std::size_t(bucket - kBuckets.begin())];
    sum_s += seconds;
}

std::string Metrics::Histogram::text(const char* name, const char* help) const {
    std::string text = head(name, "histogram", help);
    std::int64_t below = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        below += counts[i];
        text += fmt::format("convoy_{}_bucket{{le=\"{}\"}} {}\n", name,
                            i < kBuckets.size() ? fmt::format("{}", kBuckets[i]) : "+Inf", below);
    }
    return text + fmt::format("convoy_{0}_sum {1}\nconvoy_{0}_count {2}\n", name, sum_s, below);
}

void Metrics::begin_input(int input, const std::string& name) {
    const std::lock_guard lock(mutex_);
    const std::string key = analysis::as_utf8(name);
    const bool counted = inputs_.size() < kMostInputs || inputs_.count(key) > 0;
    open_[input] = {counted ? &inputs_[key] : nullptr, 0};
}

void Metrics::drop(Open& input, std::int64_t dropped) {
    const std::int64_t more = dropped - std::exchange(input.dropped, dropped);
    dropped_ += more;
    if (input.counts) input.counts->dropped += more;
}

void Metrics::result(int input, const Result& result, std::int64_t dropped) {
    const std::lock_guard lock(mutex_);
    ++frames_;
    undecodable_ += result.frame.undecodable;
    not_finite_ += result.not_finite;
    for (const Detection& d : result.detections) {
        if (std::size_t(d.class_id) >= by_class_.size()) by_class_.resize(std::size_t(d.class_id) + 1);
        ++by_class_[std::size_t(d.class_id)];
    }
    latencies_.add(result.latency_ms / 1000);
    if (result.frame.packet_at != Clock::time_point())
        from_packets_.add(std::chrono::duration<double>(Clock::now() - result.frame.packet_at).count());
    const auto open = open_.find(input);
    if (open == open_.end()) return;
    drop(open->second, dropped);
    OfInput* const counts = open->second.counts;
    if (!counts) return;
    ++counts->frames;
    counts->detections += std::int64_t(result.detections.size());
}

void Metrics::end_input(int input, const InputEnd& end) {
    const std::lock_guard lock(mutex_);
    if (const auto open = open_.find(input); open != open_.end()) drop(open->second, end.dropped);
    damaged_ += end.damaged;
    ++ended_;
    failed_ += !end.error.empty();
    open_.erase(input);
}

std::string Metrics::stages_text(double seconds) {
    if (!sources_.stages) return "";
    std::string totals = head("stage_seconds_total", "counter", "Time that a stage of a device has worked.");
    std::string shares =
        head("device_busy_ratio", "gauge", "Share of the time since the last text in which the network was busy.");
    for (const StageStats& stage : sources_.stages()) {
        const auto& [device, name] = StageName(sources_.engine, stage.name);
        totals += fmt::format("convoy_stage_seconds_total{{device={},stage={}}} {}\n", label(device), label(name),
                              stage.total_s);
        if (name != "network") continue;
        Busy& busy = busy_[device];
        if (seconds - busy.seconds >= kShortestShare || busy.seconds == 0)
            busy = {seconds, stage.total_s,
                    std::clamp((stage.total_s - busy.total_s) / std::max(seconds - busy.seconds, 1e-9), 0., 1.)};
        shares += fmt::format("convoy_device_busy_ratio{{device={}}} {}\n", label(device), busy.share);
    }
    return totals + shares;
}

std::string Metrics::text(double seconds, bool running) {
    std::string brokers;
    for (const BrokerTally& tally : sources_.brokers ? sources_.brokers() : std::vector<BrokerTally>())
        brokers += broker_text(tally);
    const std::optional<Webhook::Tally> webhook = sources_.webhook ? sources_.webhook() : std::nullopt;
    const std::optional<DetectQueue::Tally> detect = sources_.detect ? sources_.detect() : std::nullopt;
    const std::string on_gpus = gpus_text(gpus());
    const std::lock_guard lock(mutex_);
    std::string text =
        head("info", "gauge", "The program and what it runs on.") +
        fmt::format("convoy_info{{version={},engine={}}} 1\n", label(CONVOY_VERSION), label(sources_.engine));
    text += single("running", "gauge", "1 while the run goes on, 0 once it has ended.", int(running));
    text += single("run_seconds", "gauge", "How long the run has lasted.", seconds);
    text += single("frames_total", "counter", "Frames whose results came out.", frames_);
    text += single("dropped_frames_total", "counter", "Frames of live inputs that were dropped as too old.", dropped_);
    text += single("undecodable_frames_total", "counter", "Frames before a recording's first keyframe.", undecodable_);
    text += single("damaged_total", "counter",
                   "Packets and frames that could not be decoded, of inputs that have ended.", damaged_);
    text += single("not_finite_boxes_total", "counter", "Boxes that were left out since a number was not finite.",
                   not_finite_);
    text += single("inputs_open", "gauge", "Inputs that are being read.", open_.size());
    text += single("inputs_ended_total", "counter", "Inputs that have ended, those with an error included.", ended_);
    text += single("inputs_failed_total", "counter", "Inputs that have ended with an error.", failed_);

    text += head("detections_total", "counter", "Boxes by class.");
    for (std::size_t id = 0; id < by_class_.size(); ++id)
        if (by_class_[id] > 0)
            text += fmt::format("convoy_detections_total{{class_id=\"{}\",class={}}} {}\n", id,
                                label(id < sources_.class_names.size() ? sources_.class_names[id] : std::to_string(id)),
                                by_class_[id]);
    text += latencies_.text("frame_latency_seconds", "From a frame's decoding to its detections.");
    text += from_packets_.text("packet_latency_seconds", "From when a live frame's packet was read to its result.");
    const auto by_input = [&](const char* name, const char* help, std::int64_t OfInput::*count) {
        text += head(name, "counter", help);
        for (const auto& [input, counts] : inputs_)
            text += fmt::format("convoy_{}{{input={}}} {}\n", name, label(input), counts.*count);
    };
    by_input("input_frames_total", "Frames of each of the first inputs.", &OfInput::frames);
    by_input("input_dropped_frames_total", "Frames of each of the first inputs that were dropped as too old.",
             &OfInput::dropped);
    by_input("input_detections_total", "Boxes of each of the first inputs.", &OfInput::detections);
    return text + stages_text(seconds) + on_gpus + brokers + (webhook ? webhook_text(*webhook) : "") +
           (detect ? detect_text(*detect) : "");
}

std::string Metrics::text(bool running) {
    return text(std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(), running);
}

MetricsFile::MetricsFile(std::string path, Metrics& metrics) : path_(std::move(path)), metrics_(metrics) {
    if (const std::string error = write(true); !error.empty()) throw Error(ErrorKind::output, error);
    thread_ = std::thread([this] { run(); });
}

MetricsFile::~MetricsFile() { close(); }

std::string MetricsFile::close() {
    {
        const std::lock_guard lock(mutex_);
        if (std::exchange(closed_, true)) return "";
    }
    changed_.notify_all();
    thread_.join();
    return write(false);
}

std::string MetricsFile::write(bool running) {
    try {
        media::write_file(path_, metrics_.text(running));
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}

void MetricsFile::run() {
    bool told = false;
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kInterval, [&] { return closed_; })) {
        lock.unlock();
        const std::string error = write(true);
        if (!error.empty() && !std::exchange(told, true)) message("yolo-run: warning: --metrics: {}", error);
        lock.lock();
    }
}

void check_metrics_path(const std::string& path) {
    if (!media::replaceable_file(path))
        throw Error(ErrorKind::usage, fmt::format("--metrics {}: it is no file that can be replaced every two seconds; "
                                                  "name a file in the collector's folder",
                                                  path));
}

}  // namespace convoy::tools
