// SPDX-License-Identifier: MIT
#include "tools/report_html.h"

#include <fmt/format.h>

extern "C" {
#include <libavutil/base64.h>
}

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tools/media/draw/look.h"
#include "tools/report.h"
#include "tools/sinks/formats/text.h"

namespace convoy::tools {
namespace {

using json = nlohmann::json;

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>yolo-run</title><style>
body{font:15px/1.45 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:960px;margin:2em auto;padding:0 1em}
h1{font-size:1.5em}h2{font-size:1.2em;margin-top:2em;border-bottom:1px solid #ddd}h3{font-size:1em;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}th,td{text-align:right;padding:.2em .5em;border-bottom:1px solid #eee}
th:first-child,td:first-child{text-align:left}svg{width:100%;height:auto;display:block}svg text{font:12px system-ui,sans-serif;fill:#333}
.key span{display:inline-block;margin-right:1em}.key i{display:inline-block;width:.8em;height:.8em;margin-right:.3em}
img{max-width:100%}.heat{filter:blur(.4px)}
@media(max-width:600px){table{display:block;overflow-x:auto}svg text{font-size:20px}}
</style></head><body>
)";

std::string html(const std::string& text) { return xml_text(text); }

std::string heading(const char* text) { return fmt::format("<h2>{}</h2>\n", text); }

std::string stage_tables(const json& report) {
    std::string text = heading("Where the time went"), where;
    text += "<p>" + html(report["bottleneck"]) +
            "</p>\n<table><tr><th>stage</th><th>count</th><th>median ms</th>"
            "<th>p95 ms</th><th>p99 ms</th><th>total s</th><th>busy</th></tr>\n";
    for (const json& stage : report["stages"]) {
        if (stage["device"] != where) {
            where = stage["device"];
            text += "<tr><th colspan=7>" + html(where) + "</th></tr>\n";
        }
        text += fmt::format(
            "<tr><td>{}</td><td>{}</td><td>{:.3f}</td><td>{:.3f}</td><td>{:.3f}</td><td>{:.2f}</td><td>"
            "{:.0f} %</td></tr>\n",
            html(stage["name"]), stage["count"].get<std::int64_t>(), stage["median_ms"].get<double>(),
            stage["p95_ms"].get<double>(), stage["p99_ms"].get<double>(), stage["total_s"].get<double>(),
            100 * stage["busy"].get<double>());
    }
    return text + "</table>\n";
}

constexpr int kWidth = 900, kHeight = 220, kLeft = 60, kBottom = 30;  // of a chart, and of the space for its scales

double x_of(std::size_t bin, std::size_t bins) { return kLeft + double(bin) * (kWidth - kLeft) / double(bins); }

std::string bar(double x, double width, double from, double to, const std::string& color) {
    const double scale = kHeight - kBottom - 16;
    return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>", x,
                       16 + (1 - to) * scale, std::max(width - 1, .5), (to - from) * scale, color);
}

std::string chart_begin(std::int64_t most) {
    return fmt::format(
        "<svg viewBox=\"0 0 {} {}\"><path d=\"M{} 16V{}H{}\" fill=\"none\" stroke=\"#999\"/><text "
        "x=\"{}\" y=\"20\" text-anchor=\"end\">{}</text><text x=\"{}\" y=\"{}\" "
        "text-anchor=\"end\">0</text>",
        kWidth, kHeight, kLeft, kHeight - kBottom, kWidth, kLeft - 6, most, kLeft - 6, kHeight - kBottom);
}

std::string mark(double x, const std::string& text, const char* anchor = "middle") {
    return fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">{}</text>", x, kHeight - 10, anchor, text);
}

std::string latency_chart(const RunSummary& summary) {
    const auto& counts = summary.latencies.counts;
    const auto seen = [](std::int64_t n) { return n > 0; };
    const auto first = std::find_if(counts.begin(), counts.end(), seen);
    if (first == counts.end()) return "";
    const auto last = std::find_if(counts.rbegin(), counts.rend(), seen).base();
    const std::int64_t most = *std::max_element(first, last);
    const std::size_t bins = std::size_t(last - first);
    std::string text = heading("Latency of a frame") +
                       fmt::format(
                           "<p>Frames by milliseconds from decoded to found; "
                           "median {:.1f}, 95 % within {:.1f}, 99 % within {:.1f} ms.</p>\n",
                           summary.run.latency.median_ms, summary.run.latency.p95_ms, summary.run.latency.p99_ms);
    if (const StageStats& packets = summary.run.packet_age; packets.count > 0)
        text += fmt::format(
            "<p>Of live inputs, from a frame's packet until its result was told: "
            "median {:.1f}, 99 % within {:.1f}, the longest {:.1f} ms.</p>\n",
            packets.median_ms, packets.p99_ms, packets.max_ms);
    text += chart_begin(most);
    const std::size_t every = std::max<std::size_t>(1, bins / 12);
    for (std::size_t i = 0; i < bins; ++i) {
        text +=
            bar(x_of(i, bins), x_of(1, bins) - kLeft, 0, double(first[std::ptrdiff_t(i)]) / double(most), "#3973ac");
        const double end = LatencyBins::end_ms(int(first - counts.begin()) + int(i));
        if (i % every == every - 1 && i + 1 < bins)
            text +=
                mark(x_of(i + 1, bins), fmt::format(end < 10 ? fmt::runtime("{:.2g}") : fmt::runtime("{:.0f}"), end));
    }
    return text + "</svg>\n";
}

std::string name_of(std::size_t id, const std::vector<std::string>& names) {
    if (id == TimeBins::kClasses) return "others";
    return id < names.size() ? names[id] : fmt::format("class {}", id);
}

std::string color_of(std::size_t id) {
    const media::Color c = media::class_color(int(id));
    return fmt::format("#{:02x}{:02x}{:02x}", c.r, c.g, c.b);
}

std::string clock(double seconds) {
    const auto s = std::int64_t(seconds);
    return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string time_chart(const TimeBins& boxes, const std::vector<std::string>& names) {
    std::array<std::int64_t, TimeBins::kBins> sums = {};
    std::size_t bins = 1;
    for (const auto& counts : boxes.counts())
        for (std::size_t i = 0; i < counts.size(); ++i)
            if ((sums[i] += counts[i]) > 0) bins = std::max(bins, i + 1);
    const std::int64_t most = std::max<std::int64_t>(1, *std::max_element(sums.begin(), sums.end()));
    std::string text = chart_begin(most), key;
    std::array<std::int64_t, TimeBins::kBins> below = {};
    for (std::size_t id = 0; id < boxes.counts().size(); ++id) {
        const auto& counts = boxes.counts()[id];
        if (counts.empty()) continue;
        for (std::size_t i = 0; i < bins; ++i) {
            if (counts[i] > 0)
                text += bar(x_of(i, bins), x_of(1, bins) - kLeft, double(below[i]) / double(most),
                            double(below[i] + counts[i]) / double(most), color_of(id));
            below[i] += counts[i];
        }
        key += fmt::format("<span><i style=\"background:{}\"></i>{} {}</span>", color_of(id), html(name_of(id, names)),
                           std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
    }
    text += mark(kLeft, clock(0), "start") + mark(kWidth, clock(double(bins) * boxes.bin_s()), "end");
    return fmt::format("<p>Boxes in each {:.0f} s, by class</p>\n{}</svg>\n<p class=key>{}</p>\n", boxes.bin_s(), text,
                       key);
}

std::string base64(const std::string& bytes) {
    std::string out(AV_BASE64_SIZE(bytes.size()), '\0');
    av_base64_encode(out.data(), int(out.size()), reinterpret_cast<const std::uint8_t*>(bytes.data()),
                     int(bytes.size()));
    out.pop_back();  // its closing zero
    return out;
}

// From violet over orange to a light yellow, ever less transparent.
std::string heat_fill(double share) {
    const auto mix = [&](double low, double middle, double high) {
        return int(share < .5 ? low + (middle - low) * 2 * share : middle + (high - middle) * (2 * share - 1));
    };
    return fmt::format("fill=\"#{:02x}{:02x}{:02x}\" fill-opacity=\"{:.2f}\"", mix(130, 240, 255), mix(30, 95, 245),
                       mix(150, 35, 150), .2 + .7 * share);
}

// Over a frame that is darkened, or without one over black.
std::string heat_map(const InputSummary& input) {
    const InputCharts& charts = *input.charts;
    const std::int64_t most = *std::max_element(charts.heat.begin(), charts.heat.end());
    if (most == 0) return "";
    std::string text = fmt::format(
        "<p>Where in the picture: the brightest place was in {} boxes</p>\n"
        "<svg viewBox=\"0 0 {:.0f} {}\" style=\"max-width:640px;background:#000\">",
        most, charts.width * charts.pixel_shape, charts.height);
    if (!input.view.empty())
        text += fmt::format(
            "<image width=\"100%\" height=\"100%\" opacity=\".55\" preserveAspectRatio=\"none\" "
            "href=\"data:image/jpeg;base64,{}\"/>",
            base64(input.view));
    text += fmt::format("<svg viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\"><g class=heat>", InputCharts::kColumns,
                        InputCharts::kRows);
    for (int y = 0; y < InputCharts::kRows; ++y)
        for (int x = 0; x < InputCharts::kColumns; ++x)
            if (const std::int64_t n = charts.heat[std::size_t(y * InputCharts::kColumns + x)]; n > 0)
                text += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"1\" height=\"1\" {}/>", x, y,
                                    heat_fill(double(n) / double(most)));
    return text + "</g></svg></svg>\n";
}

std::string contact_sheet(const std::string& path) {
    std::error_code none;
    if (!std::filesystem::is_regular_file(path, none)) return "";  // a pipe's reader has it
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    if (bytes.empty()) return "";
    const char* type = path.ends_with(".png") ? "png" : path.ends_with(".bmp") ? "bmp" : "jpeg";
    return heading("Some frames") +
           fmt::format("<img alt=\"frames with boxes\" src=\"data:image/{};base64,{}\">\n", type, base64(bytes));
}

}  // namespace

std::string report_html(const RunSummary& summary, const std::string& engine,
                        const std::vector<std::string>& class_names, const std::string& sheet) {
    const json report = json::parse(report_json(summary, engine));
    std::string text = kHead;
    text += fmt::format("<h1>{} frames in {:.2f} s, {:.1f} frames/s</h1>\n<p>{}{}</p>\n",
                        report["frames"].get<std::int64_t>(), report["seconds"].get<double>(),
                        report["frames_per_second"].get<double>(), html(engine),
                        summary.interrupted ? ". The run was interrupted." : "");
    text += stage_tables(report) + latency_chart(summary) + heading("What was found");
    for (const InputSummary& input : summary.inputs) {
        text += fmt::format("<h3>{}</h3>\n<p>{} frames, {} boxes{}</p>\n", html(input.path), input.end.frames,
                            input.detections, input.end.error.empty() ? "" : ". " + html(input.end.error));
        if (!input.charts) continue;
        if (!input.charts->counts.empty()) text += "<p><b>" + html(input.charts->counts) + "</b></p>\n";
        text += time_chart(input.charts->boxes, class_names) + heat_map(input);
    }
    return text + contact_sheet(sheet) + "</body></html>\n";
}

}  // namespace convoy::tools
