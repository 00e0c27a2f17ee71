// SPDX-License-Identifier: MIT
#include "tools/serve/live_state.h"

#include <fmt/format.h>
#include <page_text.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <utility>

#include "tools/analysis/text.h"
#include "tools/serve/stage_name.h"
#include "tools/sinks/formats/jsonl.h"
#include "tools/sinks/zone_counts.h"

namespace convoy::tools {
namespace {

constexpr auto kBetween = std::chrono::milliseconds(66);  // results of a stream
constexpr auto kLooking = std::chrono::seconds(3);        // since somebody asked
constexpr std::string_view kMark = "@NONCE@";

std::string text_of(const std::vector<media::Outline>& outlines) {
    std::string text = "[";
    for (const media::Outline& outline : outlines) {
        text += fmt::format("{}{{\"label\":{},\"closed\":{},\"points\":[", text.size() > 1 ? "," : "",
                            json_string(outline.label), outline.closed);
        for (const auto& p : outline.points)
            text += fmt::format("{}[{},{}]", &p == outline.points.data() ? "" : ",", p.x, p.y);
        text += "]}";
    }
    return text + "]";
}

std::optional<HttpReply> refused_for(LiveState::Phase phase) {
    if (phase == LiveState::Phase::unknown) return error_reply(404, "there is no such input");
    if (phase == LiveState::Phase::ended) return error_reply(404, "this input has ended");
    return std::nullopt;
}

}  // namespace

std::string LiveState::Recent::text(const char* name) const {
    if (count == 0) return fmt::format("\"{0}_ms\":null,\"{0}_p99_ms\":null", name);
    std::array<float, kLatencies> sorted = values;
    const auto end = sorted.begin() + std::ptrdiff_t(std::min(std::size_t(count), kLatencies));
    const auto p99 = sorted.begin() + (end - sorted.begin() - 1) * 99 / 100;
    std::nth_element(sorted.begin(), p99, end);
    return fmt::format("\"{0}_ms\":{1:.3f},\"{0}_p99_ms\":{2:.3f}", name, values[std::size_t(count - 1) % kLatencies],
                       *p99);
}

LiveState::LiveState(Sources sources)
    : sources_(std::move(sources)),
      classes_(sources_.class_names, json_string),
      pictures_(sources_.class_names, sources_.blurred) {}

LiveState::Stream& LiveState::stream_of(int input) {
    Stream& stream = streams_[input];
    if (streams_.size() <= kMostInputs) return stream;
    const auto is_other = [&](const auto& s) { return s.first != input; };
    const auto goes = [&](const auto& s) { return is_other(s) && s.second.phase == Phase::ended; };
    const auto ended = std::find_if(streams_.begin(), streams_.end(), goes);
    streams_.erase(ended == streams_.end() ? std::find_if(streams_.begin(), streams_.end(), is_other) : ended);
    return stream;
}

void LiveState::add_input(int input, const std::string& name) {
    const std::lock_guard lock(mutex_);
    if (!streams_.contains(input)) stream_of(input).name = json_string(name);
}

void LiveState::begin_input(int input, const InputInfo& info) {
    const std::lock_guard lock(mutex_);
    Stream& stream = stream_of(input);
    stream.name = json_string(info.path);
    stream.pixel_shape = double(info.pixel_width) / info.pixel_height;
    stream.frame_step = std::max<std::int64_t>(info.frame_step, 1);
    stream.phase = Phase::open;
}

void LiveState::result(int input, const Result& result) {
    const Clock::time_point now = Clock::now();
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(input);
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    stream.latencies.add(result.latency_ms);
    if (result.frame.packet_at != Clock::time_point())
        stream.from_packets.add(std::chrono::duration<double, std::milli>(now - result.frame.packet_at).count());
    ++stream.frames;
    stream.dropped = result.frame.index / stream.frame_step + 1 - stream.frames;
    stream.detections += std::int64_t(result.detections.size());
    const Clock::time_point looked{Clock::duration(looked_.load())};
    const bool looks = looked_ != Clock::duration::min().count() && now - looked <= kLooking;
    const bool has_picture = result.frame.pixels.plane[0];
    if (!has_picture && (!looks || now - stream.taken < kBetween)) return;
    stream.taken = now;
    std::string record = json_record(stream.name, result, classes_);
    record.pop_back();
    std::vector<media::Outline> outlines;
    if (sources_.zones) outlines = zone_outlines(*sources_.zones, result);
    stream.newest = std::make_shared<const std::string>(record + ",\"outlines\":" + text_of(outlines) + "}");
    if (has_picture) pictures_.take(input, result, stream.newest, std::move(outlines));
}

void LiveState::end_input(int input, const InputEnd& end) {
    const std::lock_guard lock(mutex_);
    pictures_.end(input);
    const auto found = streams_.find(input);
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    stream.phase = Phase::ended;
    stream.error = end.error;
    stream.lost = end.damaged;
    stream.dropped = end.dropped;
}

LiveState::Phase LiveState::phase_of(int input) const {
    const auto found = streams_.find(input);
    return found == streams_.end() ? Phase::unknown : found->second.phase;
}

LiveState::Phase LiveState::phase(int input) {
    const std::lock_guard lock(mutex_);
    return phase_of(input);
}

std::size_t LiveState::count() {
    const std::lock_guard lock(mutex_);
    return std::size_t(
        std::count_if(streams_.begin(), streams_.end(), [](const auto& s) { return s.second.phase != Phase::ended; }));
}

void LiveState::stream(const HttpRequest& request, HttpAnswer answer) {
    const std::lock_guard lock(mutex_);  // against its end
    if (const auto refused = refused_for(phase_of(request.number))) return answer(*refused);
    pictures_.watch(request.number, std::move(answer));
}

void LiveState::picture(const HttpRequest& request, HttpAnswer answer) {
    if (const auto refused = refused_for(phase(request.number))) return answer(*refused);
    std::int64_t after = -1;  // of none
    if (const auto given = request.arguments.find("after"); given != request.arguments.end())
        std::from_chars(given->second.data(), given->second.data() + given->second.size(), after);
    pictures_.ask(request.number, after, std::move(answer));
}

std::string LiveState::stages_text() const {
    std::string text;
    for (const StageStats& stage : sources_.stages ? sources_.stages() : std::vector<StageStats>()) {
        const StageName name(sources_.engine, stage.name);
        text += fmt::format(
            "{}{{\"device\":{},\"name\":{},\"count\":{},\"total_s\":{},\"median_ms\":{:.3f},\"p99_ms\":{:.3f}}}",
            text.empty() ? "" : ",", json_string(name.device), json_string(name.stage), stage.count, stage.total_s,
            stage.median_ms, stage.p99_ms);
    }
    return text;
}

std::string LiveState::gpus_text() const {
    const auto number = [](const std::optional<double>& value) { return value ? fmt::format("{}", *value) : "null"; };
    std::string text;
    for (const GpuReading& gpu : sources_.gpus ? sources_.gpus() : std::vector<GpuReading>())
        text += fmt::format(
            "{}{{\"device\":{},\"temperature_c\":{},\"power_w\":{},\"busy\":{},\"decoder_busy\":{},"
            "\"memory_used_bytes\":{}}}",
            text.empty() ? "" : ",", json_string(gpu.device), number(gpu.temperature_c), number(gpu.power_w),
            number(gpu.busy), number(gpu.decoder_busy), number(gpu.memory_used_bytes));
    return text;
}

std::string LiveState::text() {
    looked_ = Clock::now().time_since_epoch().count();
    std::string text = fmt::format("{{\"seconds\":{},\"engine\":{},\"takes_inputs\":{},\"classes\":[",
                                   std::chrono::duration<double>(Clock::now() - start_).count(),
                                   json_string(sources_.engine), sources_.takes_inputs);
    for (std::size_t id = 0; id < classes_.size(); ++id)
        text += fmt::format("{}{}", id ? "," : "", classes_.of(int(id)));
    text += "],\"stages\":[" + stages_text() + "],\"gpus\":[" + gpus_text() + "],\"streams\":[";
    bool first = true;
    const std::lock_guard lock(mutex_);
    for (const auto& [id, s] : streams_) {
        text += fmt::format(
            "{}{{\"id\":{},\"name\":{},\"phase\":\"{}\",\"error\":{},\"frames\":{},\"dropped\":{},\"detections\":{},"
            "\"damaged\":{},{},{},\"pixel_shape\":{},\"newest\":{}}}",
            std::exchange(first, false) ? "" : ",", id, s.name,
            s.phase == Phase::opening ? "opening"
            : s.phase == Phase::open  ? "open"
                                      : "ended",
            s.error.empty() ? "null" : json_string(s.error), s.frames, s.dropped, s.detections, s.lost,
            s.latencies.text("latency"), s.from_packets.text("packet"), s.pixel_shape, s.newest ? *s.newest : "null");
    }
    return text + "]}\n";
}

std::string live_page(const std::string& nonce) {
    std::string text = kPage;
    for (std::size_t at = 0; (at = text.find(kMark, at)) != text.npos;) text.replace(at, kMark.size(), nonce);
    return text;
}

}  // namespace convoy::tools
