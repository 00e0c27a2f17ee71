// SPDX-License-Identifier: MIT
#include "tools/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tools/json_text.h"

namespace convoy::tools {
namespace {

std::int64_t total_frames(const RunSummary& summary) {
    std::int64_t frames = 0;
    for (const InputSummary& input : summary.inputs) frames += input.end.frames;
    return frames;
}

double frames_per_second(const RunSummary& summary) {
    return summary.seconds > 0 ? double(total_frames(summary)) / summary.seconds : 0;
}

/// A stage of a device or of the host, and on how many threads it runs.
struct Stage {
    std::string where;
    StageStats stats;
    int threads = 1;
    bool counts = true;  ///< waiting holds nothing back, and parts of another stage are counted there
};

// The stages of a device that its decoder threads go through.
bool is_decoder_stage(const std::string& name) {
    return name == "decode" || name == "preprocess" || name == "wait for a slot";
}

std::vector<Stage> stages_of(const RunSummary& summary) {
    std::vector<Stage> stages;
    for (const DeviceReport& device : summary.run.devices)
        for (const StageStats& stats : device.stages)
            stages.push_back({device.name, stats, is_decoder_stage(stats.name) ? std::max(1, device.decoders) : 1,
                              stats.name != "wait for a slot"});
    for (const StageStats& stats : summary.run.stages) {
        const bool work = stats.name == "draw and encode";
        stages.push_back({"host", stats, work ? std::max(1, summary.run.work_threads) : 1});
        if (!work) continue;
        stages.push_back({"host", summary.draw, summary.run.work_threads, false});
        stages.push_back({"host", summary.encode, summary.run.work_threads, false});
    }
    std::erase_if(stages, [](const Stage& stage) { return stage.stats.count == 0; });
    return stages;
}

double busy(const RunSummary& summary, const Stage& stage) {
    return summary.run.seconds > 0 ? stage.stats.total_s / (summary.run.seconds * stage.threads) : 0;
}

bool has_gpu(const RunSummary& summary) {
    return std::any_of(summary.run.devices.begin(), summary.run.devices.end(),
                       [](const DeviceReport& device) { return device.name.starts_with("cuda"); });
}

std::string advice(const std::string& stage, bool on_gpu) {
    const std::string gpu = on_gpu ? "another GPU" : "";
    if (stage == "network")
        return (on_gpu ? gpu + ", a" : "a") + " smaller --size or a smaller model would make it faster";
    if (stage == "decode") return (on_gpu ? gpu + " or more" : "more") + " --decoders would make it faster";
    if (stage == "demux") return "a faster disk, or a video with more keyframes, would make it faster";
    if (stage == "draw and encode")
        return std::string("more CPU cores, or --overlay, which encodes nothing, in place of --video") +
               (on_gpu ? ", or --encoder jpeg, which the GPU does and which takes many times the bytes," : "") +
               " would make it faster";
    if (stage == "output") return "a faster disk or reader of the records would make it faster";
    return "it is the CPU's work: more cores would make it faster";
}

double mean_batch(const DeviceReport& device) {
    std::int64_t batches = 0, pictures = 0;
    for (std::size_t n = 0; n < device.batch_counts.size(); ++n) {
        batches += device.batch_counts[n];
        pictures += device.batch_counts[n] * std::int64_t(n);
    }
    return batches ? double(pictures) / double(batches) : 0;
}

std::string row(const std::string& name, const StageStats& stats, const std::string& share) {
    return fmt::format("  {:<18}{:>9}{:>11.3f}{:>10.3f}{:>10.3f}{:>11.3f}{:>10.2f}{:>7}\n", name, stats.count,
                       stats.median_ms, stats.p95_ms, stats.p99_ms, stats.max_ms, stats.total_s, share);
}

std::string table(const RunSummary& summary, const std::string& where) {
    std::string text;
    for (const Stage& stage : stages_of(summary))
        if (stage.where == where)
            text += row(stage.stats.name, stage.stats, fmt::format("{:.0f} %", 100 * busy(summary, stage)));
    return text;
}

std::string device_line(const DeviceReport& device) {
    std::string text = fmt::format("{}: {} frames, {} segments, {:.1f} pictures a batch", device.description,
                                   device.frames, device.segments, mean_batch(device));
    if (device.pictures > device.frames) text += fmt::format(", {} pictures in all", device.pictures);
    if (!device.kernels.empty()) text += ", kernels " + device.kernels;
    if (!device.failure.empty()) text += "; it has FAILED: " + device.failure;
    return text + "\n";
}

// How the inputs' segments were decoded, where a GPU was to do it.
std::string decoder_line(const RunSummary& summary) {
    std::int64_t on_gpu = 0, fallbacks = 0, segments = 0;
    std::string why;
    for (const InputSummary& input : summary.inputs) {
        on_gpu += input.end.on_gpu;
        segments += input.end.segments;
        if (fallbacks == 0) why = input.end.first_fallback;
        fallbacks += input.end.fallbacks;
    }
    if (!has_gpu(summary) || segments == 0) return "";
    std::string text = fmt::format("{} segments were decoded by the GPUs' decoders", on_gpu);
    if (const std::int64_t helped = segments - on_gpu - fallbacks; helped > 0)
        text += fmt::format(", {} by CPU threads beside them", helped);
    if (fallbacks > 0) text += fmt::format(", {} by the CPU instead ({})", fallbacks, why);
    return text + "\n";
}

std::int64_t dropped_frames(const RunSummary& summary) {
    std::int64_t frames = 0;
    for (const InputSummary& input : summary.inputs) frames += input.end.dropped;
    return frames;
}

std::string dropped_line(const RunSummary& summary) {
    const std::int64_t frames = dropped_frames(summary);
    return frames > 0 ? fmt::format("{} frames of live inputs were dropped as too old\n", frames) : "";
}

std::string not_finite_line(const RunSummary& summary) {
    std::int64_t boxes = 0;
    std::string layer;
    for (const InputSummary& input : summary.inputs) {
        boxes += input.end.not_finite;
        if (layer.empty()) layer = input.end.first_not_finite;
    }
    if (boxes == 0) return "";
    return fmt::format("{} boxes with numbers that are NaN or infinite were left out{}\n", boxes,
                       layer.empty() ? "" : "; the first layer that has such numbers is " + layer);
}

nlohmann::ordered_json percentiles(const StageStats& stats) {
    return {
        {"median_ms", stats.median_ms}, {"p95_ms", stats.p95_ms}, {"p99_ms", stats.p99_ms}, {"max_ms", stats.max_ms}};
}

nlohmann::ordered_json device_json(const DeviceReport& device) {
    nlohmann::ordered_json batches = nlohmann::ordered_json::object();
    for (std::size_t n = 1; n < device.batch_counts.size(); ++n)
        if (device.batch_counts[n] > 0) batches[std::to_string(n)] = device.batch_counts[n];
    return {{"name", device.name},         {"description", device.description}, {"frames", device.frames},
            {"pictures", device.pictures}, {"segments", device.segments},       {"decoders", device.decoders},
            {"batches", batches},          {"kernels", device.kernels},         {"failure", device.failure}};
}

nlohmann::ordered_json input_json(const InputSummary& input) {
    const InputEnd& end = input.end;
    return {{"input", input.path},
            {"frames", end.frames},
            {"dropped", end.dropped},
            {"detections", input.detections},
            {"seconds", input.seconds},
            {"segments", end.segments},
            {"decoded_on_gpu", end.on_gpu},
            {"fallbacks", end.fallbacks},
            {"first_fallback", end.first_fallback},
            {"damaged", end.damaged},
            {"undecodable", end.undecodable},
            {"not_finite", end.not_finite},
            {"first_not_finite", end.first_not_finite},
            {"remark", end.remark},
            {"error", end.error}};
}

}  // namespace

Bottleneck bottleneck(const RunSummary& summary) {
    Bottleneck found;
    std::string where;
    for (const Stage& stage : stages_of(summary)) {
        if (!stage.counts || busy(summary, stage) <= found.busy) continue;
        found.stage = stage.stats.name;
        found.busy = busy(summary, stage);
        where = stage.where == "host" || summary.run.devices.size() < 2 ? "" : " (of " + stage.where + ")";
    }
    found.sentence = found.stage.empty() ? "nothing was done"
                                         : fmt::format("{}{} holds it back, busy {:.0f} % of the time: {}", found.stage,
                                                       where, 100 * found.busy, advice(found.stage, has_gpu(summary)));
    return found;
}

std::string report_text(const RunSummary& summary, const std::string& engine) {
    const RunReport& run = summary.run;
    std::string text = fmt::format("{:<20}{:>9}{:>11}{:>10}{:>10}{:>11}{:>10}{:>7}\n", "stage", "count", "median ms",
                                   "p95 ms", "p99 ms", "max ms", "total s", "busy");
    for (const DeviceReport& device : run.devices) text += device_line(device) + table(summary, device.name);
    text += fmt::format(
        "host{}\n", run.work_threads ? fmt::format(", {} threads draw and encode", run.work_threads) : std::string());
    text += table(summary, "host");
    text += "every frame\n" + row("latency", run.latency, "") + row(run.reorder.name, run.reorder, "");
    if (run.age.count > 0) text += row(run.age.name, run.age, "");
    if (run.packet_age.count > 0) text += row(run.packet_age.name, run.packet_age, "");
    text += dropped_line(summary);
    text += decoder_line(summary) + not_finite_line(summary);
    if (summary.jpegs) text += "encoded: " + media::describe(*summary.jpegs) + "\n";
    for (const BrokerTally& broker : summary.brokers) text += describe(broker) + "\n";
    if (summary.webhook) text += describe(*summary.webhook) + "\n";
    if (run.repeated_segments > 0)
        text += fmt::format("{} segments were begun again on another device after theirs had failed\n",
                            run.repeated_segments);
    return text + fmt::format("{} frames in {:.2f} s, {:.1f} frames/s on {}; {}", total_frames(summary),
                              summary.seconds, frames_per_second(summary), engine, bottleneck(summary).sentence);
}

std::string report_json(const RunSummary& summary, const std::string& engine) {
    const Bottleneck limit = bottleneck(summary);
    nlohmann::ordered_json report = {{"engine", engine},
                                     {"frames", total_frames(summary)},
                                     {"dropped", dropped_frames(summary)},
                                     {"seconds", summary.seconds},
                                     {"frames_per_second", frames_per_second(summary)},
                                     {"limiting_stage", limit.stage},
                                     {"bottleneck", limit.sentence},
                                     {"interrupted", summary.interrupted},
                                     {"repeated_segments", summary.run.repeated_segments},
                                     {"latency", percentiles(summary.run.latency)},
                                     {"wait_for_its_turn", percentiles(summary.run.reorder)}};
    if (summary.run.age.count > 0) report["age_of_live_frames"] = percentiles(summary.run.age);
    if (summary.run.packet_age.count > 0) report["packet_to_result"] = percentiles(summary.run.packet_age);
    if (summary.jpegs)
        report["jpegs"] = {
            {"on_gpu", summary.jpegs->on_gpu}, {"on_cpu", summary.jpegs->on_cpu}, {"why_cpu", summary.jpegs->why_cpu}};
    for (const BrokerTally& broker : summary.brokers)
        report[broker.kind] = {{"address", broker.address},
                               {"published", broker.published},
                               {"dropped", broker.dropped},
                               {"reconnects", broker.reconnects},
                               {"last_error", broker.last_error}};
    if (summary.webhook)
        report["webhook"] = {{"address", summary.webhook->address},
                             {"posted", summary.webhook->posted},
                             {"dropped", summary.webhook->dropped},
                             {"retries", summary.webhook->retries},
                             {"last_error", summary.webhook->last_error}};
    report["devices"] = nlohmann::ordered_json::array();
    for (const DeviceReport& device : summary.run.devices) report["devices"].push_back(device_json(device));
    report["stages"] = nlohmann::ordered_json::array();
    for (const Stage& stage : stages_of(summary)) {
        nlohmann::ordered_json entry = {{"device", stage.where},          {"name", stage.stats.name},
                                        {"count", stage.stats.count},     {"threads", stage.threads},
                                        {"total_s", stage.stats.total_s}, {"busy", busy(summary, stage)}};
        entry.update(percentiles(stage.stats));
        report["stages"].push_back(entry);
    }
    report["inputs"] = nlohmann::ordered_json::array();
    for (const InputSummary& input : summary.inputs) report["inputs"].push_back(input_json(input));
    return json_text(report) + "\n";
}

}  // namespace convoy::tools
