// SPDX-License-Identifier: MIT
#include "tools/serve/live_state.h"

#include <fmt/format.h>
#include <page_text.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "tools/sinks/formats/jsonl.h"
#include "tools/sinks/zone_counts.h"

namespace convoy::tools {
namespace {

constexpr auto kBetween = std::chrono::milliseconds(66);  // results of a stream
constexpr auto kLooking = std::chrono::seconds(3);        // since somebody asked
constexpr std::string_view kMark = "@NONCE@";

}  // namespace

LiveState::LiveState(Sources sources) : sources_(std::move(sources)), classes_(sources_.class_names, json_string) {}

void LiveState::begin_input(int input, const InputInfo& info) {
    const std::lock_guard lock(mutex_);
    Stream& stream = streams_[input];
    stream.name = json_string(info.path);
    stream.pixel_shape = double(info.pixel_width) / info.pixel_height;
    if (streams_.size() <= kMostInputs) return;
    const auto ended = std::find_if(streams_.begin(), streams_.end(), [](const auto& s) { return !s.second.open; });
    streams_.erase(ended == streams_.end() ? streams_.begin() : ended);
}

void LiveState::result(int input, const Result& result) {
    const Clock::time_point now = Clock::now();
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(input);
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    ++stream.frames;
    stream.detections += std::int64_t(result.detections.size());
    stream.latency_ms = result.latency_ms;
    const Clock::time_point looked{Clock::duration(looked_.load())};
    if (looked_ == Clock::duration::min().count() || now - looked > kLooking || now - stream.taken < kBetween) return;
    stream.taken = now;
    std::string record = json_record(stream.name, result, classes_);
    record.pop_back();
    stream.newest = std::make_shared<const std::string>(record + ",\"outlines\":" + outlines(result) + "}");
}

void LiveState::end_input(int input, const InputEnd& end) {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(input);
    if (found == streams_.end()) return;
    found->second.open = false;
    found->second.lost = end.damaged;
}

std::string LiveState::outlines(const Result& result) const {
    std::string text = "[";
    if (sources_.zones)
        for (const media::Outline& outline : zone_outlines(*sources_.zones, result)) {
            text += fmt::format("{}{{\"label\":{},\"closed\":{},\"points\":[", text.size() > 1 ? "," : "",
                                json_string(outline.label), outline.closed);
            for (const auto& p : outline.points)
                text += fmt::format("{}[{},{}]", &p == outline.points.data() ? "" : ",", p.x, p.y);
            text += "]}";
        }
    return text + "]";
}

std::string LiveState::text() {
    looked_ = Clock::now().time_since_epoch().count();
    std::string text =
        fmt::format("{{\"seconds\":{},\"engine\":{},\"classes\":[",
                    std::chrono::duration<double>(Clock::now() - start_).count(), json_string(sources_.engine));
    for (std::size_t id = 0; id < classes_.size(); ++id)
        text += fmt::format("{}{}", id ? "," : "", classes_.of(int(id)));
    text += "],\"stages\":[";
    bool first = true;
    for (const StageStats& stage : sources_.stages ? sources_.stages() : std::vector<StageStats>())
        text += fmt::format("{}{{\"name\":{},\"count\":{},\"total_s\":{}}}", std::exchange(first, false) ? "" : ",",
                            json_string(stage.name), stage.count, stage.total_s);
    text += "],\"streams\":[";
    first = true;
    const std::lock_guard lock(mutex_);
    for (const auto& [id, s] : streams_)
        text += fmt::format(
            "{}{{\"id\":{},\"name\":{},\"open\":{},\"frames\":{},\"detections\":{},\"damaged\":{},\"latency_ms\":{:.3f}"
            ","
            "\"pixel_shape\":{},\"newest\":{}}}",
            std::exchange(first, false) ? "" : ",", id, s.name, s.open, s.frames, s.detections, s.lost, s.latency_ms,
            s.pixel_shape, s.newest ? *s.newest : "null");
    return text + "]}\n";
}

std::string live_page(const std::string& nonce) {
    std::string text = kPage;
    for (std::size_t at = 0; (at = text.find(kMark, at)) != text.npos;) text.replace(at, kMark.size(), nonce);
    return text;
}

}  // namespace convoy::tools
