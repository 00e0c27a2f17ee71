// SPDX-License-Identifier: MIT
#include "tools/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "darknet_loader/error.h"

namespace convoy::tools {
namespace {

std::int64_t total_frames(const RunSummary& summary) {
    std::int64_t frames = 0;
    for (const InputSummary& input : summary.inputs) frames += input.frames;
    return frames;
}

double frames_per_second(const RunSummary& summary) {
    return summary.seconds > 0 ? double(total_frames(summary)) / summary.seconds : 0;
}

double busy_share(const RunSummary& summary, const StageStats& stage) {
    return summary.seconds > 0 ? stage.total_s / summary.seconds : 0;
}

const StageStats& limiting_stage(const RunSummary& summary) {
    return *std::max_element(summary.stages.begin(), summary.stages.end(),
                             [](const StageStats& a, const StageStats& b) { return a.total_s < b.total_s; });
}

nlohmann::ordered_json percentiles(const StageStats& stats) {
    return {{"median_ms", stats.median_ms}, {"p95_ms", stats.p95_ms}, {"p99_ms", stats.p99_ms}};
}

}  // namespace

std::string report_text(const RunSummary& summary, const std::string& engine) {
    std::string text = fmt::format("{:<14}{:>8}{:>12}{:>10}{:>10}{:>10}{:>7}\n", "stage", "count", "median ms",
                                   "p95 ms", "p99 ms", "total s", "busy");
    for (const StageStats& stage : summary.stages)
        if (stage.count > 0)
            text += fmt::format("{:<14}{:>8}{:>12.2f}{:>10.2f}{:>10.2f}{:>10.2f}{:>5.0f} %\n", stage.name, stage.count,
                                stage.median_ms, stage.p95_ms, stage.p99_ms, stage.total_s,
                                100 * busy_share(summary, stage));
    const StageStats& latency = summary.latency;
    text += fmt::format("{:<14}{:>8}{:>12.2f}{:>10.2f}{:>10.2f}\n", "frame latency", latency.count, latency.median_ms,
                        latency.p95_ms, latency.p99_ms);
    const StageStats& limit = limiting_stage(summary);
    return text +
           fmt::format("{} frames in {:.2f} s, {:.1f} frames/s on {}; {} holds it back (busy {:.0f} % of the time)",
                       total_frames(summary), summary.seconds, frames_per_second(summary), engine, limit.name,
                       100 * busy_share(summary, limit));
}

std::string report_json(const RunSummary& summary, const std::string& engine) {
    nlohmann::ordered_json report = {{"engine", engine},
                                     {"frames", total_frames(summary)},
                                     {"seconds", summary.seconds},
                                     {"frames_per_second", frames_per_second(summary)},
                                     {"limiting_stage", limiting_stage(summary).name},
                                     {"interrupted", summary.interrupted},
                                     {"latency", percentiles(summary.latency)}};
    for (const StageStats& stage : summary.stages) {
        nlohmann::ordered_json entry = {{"name", stage.name},
                                        {"count", stage.count},
                                        {"total_s", stage.total_s},
                                        {"busy", busy_share(summary, stage)}};
        entry.update(percentiles(stage));
        report["stages"].push_back(entry);
    }
    report["inputs"] = nlohmann::ordered_json::array();
    for (const InputSummary& input : summary.inputs)
        report["inputs"].push_back({{"input", input.path},
                                    {"frames", input.frames},
                                    {"detections", input.detections},
                                    {"seconds", input.seconds},
                                    {"damaged", input.damaged},
                                    {"error", input.error}});
    return report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void write_text_file(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    if (!file) throw Error(ErrorKind::output, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
}

}  // namespace convoy::tools
