// SPDX-License-Identifier: MIT
#include "tools/fleet/merge_report.h"

#include <fmt/format.h>

#include <algorithm>

#include <convoy/media/input.h>

namespace convoy::fleet {
namespace {

std::int64_t inputs_of(const Manifest& manifest) {
    return std::count_if(manifest.units.begin(), manifest.units.end(), [](const Unit& unit) { return unit.part == 1; });
}

std::string hours(double seconds) {
    return seconds < 3600 ? fmt::format("{:.1f} s", seconds) : fmt::format("{:.2f} h", seconds / 3600);
}

nlohmann::ordered_json numbers(const DoneBy& by) {
    return {{"units", by.units}, {"frames", by.frames}, {"seconds", by.seconds}};
}

nlohmann::ordered_json json_of(const Manifest& manifest, std::size_t index) {
    const Unit& unit = manifest.units[index];
    return {{"unit", unit_name(index)},
            {"input", media::without_passwords(unit.input)},
            {"part", fmt::format("{}/{}", unit.part, unit.parts)}};
}

}  // namespace

std::string report_text(const Manifest& manifest, const Survey& survey) {
    std::string text = fmt::format("{} frames of {} inputs in {} units, {} of work, {:.1f} frames/s a machine\n",
                                   survey.frames, inputs_of(manifest), manifest.units.size(), hours(survey.seconds),
                                   double(survey.frames) / std::max(survey.seconds, 1e-9));
    for (const auto& [device, by] : survey.by_device)
        text += fmt::format("  {}{}: {} frames, {}\n", device.first,
                            device.second.empty() ? "" : fmt::format(" (kernels {})", device.second), by.frames,
                            hours(by.seconds));
    if (survey.by_device.size() > 1) text += "  what different devices or kernels round otherwise may show in boxes\n";
    if (survey.slowest_s > 0)
        text += fmt::format("  slowest unit: {}, {}\n", called(manifest, survey.slowest), hours(survey.slowest_s));
    if (survey.damaged > 0) text += fmt::format("  damaged packets and frames: {}\n", survey.damaged);
    if (!survey.failed.empty()) text += fmt::format("  failed units: {}\n", survey.failed.size());
    return text;
}

nlohmann::ordered_json report_json(const Manifest& manifest, const Survey& survey) {
    nlohmann::ordered_json report = {{"version", 1},
                                     {"inputs", inputs_of(manifest)},
                                     {"units", manifest.units.size()},
                                     {"frames", survey.frames},
                                     {"seconds", survey.seconds},
                                     {"hours", survey.seconds / 3600},
                                     {"damaged", survey.damaged}};
    nlohmann::ordered_json devices = nlohmann::ordered_json::array(), hosts = devices, failed = devices;
    for (const auto& [device, by] : survey.by_device) {
        devices.push_back({{"device", device.first}, {"kernels", device.second}});
        devices.back().update(numbers(by));
    }
    for (const auto& [host, by] : survey.by_host) {
        hosts.push_back({{"host", host}});
        hosts.back().update(numbers(by));
    }
    for (const Survey::Failure& failure : survey.failed) {
        failed.push_back(json_of(manifest, failure.unit));
        failed.back()["error"] = failure.error;
    }
    report["devices"] = devices;
    report["hosts"] = hosts;
    report["slowest"] = nullptr;
    if (survey.slowest_s > 0) {
        report["slowest"] = json_of(manifest, survey.slowest);
        report["slowest"]["seconds"] = survey.slowest_s;
    }
    report["failed"] = failed;
    return report;
}

}  // namespace convoy::fleet
