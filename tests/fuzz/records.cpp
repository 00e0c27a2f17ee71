// SPDX-License-Identifier: MIT
//
// Any names, paths and boxes in all that is written as JSON: it must parse, and say the same. Bytes: names, each behind
// its length; the path; times; boxes.
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include <convoy/detection.h>
#include "tests/fuzz/input.h"
#include "tools/eval/average_precision.h"
#include "tools/eval/eval_report.h"
#include "tools/json_text.h"
#include "tools/report.h"
#include "tools/sinks/formats/jsonl.h"
#include "tools/trace_file.h"

namespace {

using namespace convoy;
using namespace convoy::fuzz;
using nlohmann::json;

struct Written {
    explicit Written(Bytes bytes) {
        for (unsigned count = bytes.number() % 5; count > 0; --count) names.push_back(bytes.text(bytes.number()));
        path = bytes.text(bytes.number());
        result.frame.index = std::int64_t(bytes.number()) << bytes.number() % 55;
        result.frame.time_s = finite(bytes);
        result.frame.pts_s = bytes.real();
        result.latency_ms = finite(bytes);
        result.frame.pixels.width = 64, result.frame.pixels.height = 48;
        result.frame.undecodable = bytes.number() & 1;
        while (!bytes.empty()) {
            Detection d;
            d.class_id = int(bytes.number() % 8);
            for (float* value : {&d.confidence, &d.box.x, &d.box.y, &d.box.w, &d.box.h}) *value = finite(bytes);
            result.detections.push_back(d);
        }
    }
    static float finite(Bytes& bytes) {  // the engine lists nothing else
        const float value = bytes.real();
        return std::isfinite(value) ? value : 0;
    }

    std::vector<std::string> names;
    std::string path;
    Result result;
};

/// What the text must be read back as: itself, unless it is no UTF-8.
bool is_same(const json& read, const std::string& text) {
    try {
        (void)json(text).dump();
    } catch (const json::exception&) {
        return read.is_string();
    }
    return read == text;
}

void check_record(const Written& input) {
    const tools::ClassTexts classes(input.names, tools::json_string);
    const std::string line = tools::json_record(tools::json_string(input.path), input.result, classes);
    require(line.find_first_of("\n\r") == line.npos);
    const json record = json::parse(line);
    const Frame& frame = input.result.frame;
    require(is_same(record.at("input"), input.path) && record.at("frame") == frame.index);
    require(record.at("time_s").get<double>() == frame.time_s);
    require(std::isfinite(frame.pts_s) ? record.at("pts_s").get<double>() == frame.pts_s
                                       : record.at("pts_s").is_null());
    require(std::abs(record.at("latency_ms").get<double>() - input.result.latency_ms) <= .001);
    require(record.contains("undecodable") == frame.undecodable);
    require(record.at("detections").size() == input.result.detections.size());
    for (std::size_t i = 0; i < input.result.detections.size(); ++i) {
        const Detection& d = input.result.detections[i];
        const json &read = record["detections"][i], &box = read.at("box");
        const auto id = std::size_t(d.class_id);
        require(read.at("class_id") == d.class_id && read.at("confidence").get<float>() == d.confidence);
        require(is_same(read.at("class"), id < input.names.size() ? input.names[id] : std::to_string(id)));
        require(box.size() == 4 && box[0].get<float>() == d.box.x && box[1].get<float>() == d.box.y &&
                box[2].get<float>() == d.box.w && box[3].get<float>() == d.box.h);
    }
}

/// The other formats that are JSON, and how many lines there are of the one that is not quoted by a library.
void check_formats(const Written& input) {
    InputInfo info;
    info.path = input.path;
    const tools::FormatNames names = {input.names, tools::FrameNames({input.path})};
    const auto written = [&](tools::RecordFormat& format) {
        std::string text = format.begin() + format.frame({info, 0, input.result});
        format.end([&](const std::string& piece) { text += piece; });
        return text;
    };
    const std::size_t pictures = input.result.frame.undecodable ? 0 : 1, boxes = input.result.detections.size();
    const json coco = json::parse(written(*tools::coco_format(names)));
    require(coco.at("images").size() == pictures && coco.at("annotations").size() == pictures * boxes);
    const json tasks = json::parse(written(*tools::label_studio_format(names)));
    require(tasks.size() == pictures);
    const std::string csv = written(*tools::csv_format(names));
    bool quoted = false;
    std::size_t lines = 0;
    for (const char c : csv) {
        if (c == '"') quoted = !quoted;
        if (c == '\n' && !quoted) ++lines;
    }
    require(!quoted && lines == boxes + 1);
    require(written(*tools::cvat_format(names)).find('\0') == std::string::npos);
}

void check_others(const Written& input) {
    std::vector<TraceSpan> spans;
    eval::Dataset dataset;
    eval::Scores scores;
    tools::RunSummary summary;
    for (const std::string& name : input.names) {
        spans.push_back({input.path, name, name, input.result.frame.time_s, input.result.latency_ms});
        dataset.categories.push_back({1, name});
        summary.inputs.emplace_back().path = name;
    }
    scores.categories.resize(dataset.categories.size());
    const json trace = json::parse(tools::chrome_trace(spans));
    const json report = json::parse(tools::report_json(summary, input.path));
    const json scored = json::parse(tools::json_text(eval::scores_json(dataset, scores)));
    for (std::size_t i = 0; i < input.names.size(); ++i) {
        require(
            is_same(trace["traceEvents"][trace["traceEvents"].size() - 1 - spans.size() + i]["name"], input.names[i]));
        require(is_same(report["inputs"][i]["input"], input.names[i]));
        require(is_same(scored["classes"][i]["name"], input.names[i]));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Written input(Bytes(data, size));
    check_record(input);
    check_formats(input);
    check_others(input);
    return 0;
}
