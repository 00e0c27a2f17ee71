// SPDX-License-Identifier: MIT
#include "tools/served_inputs.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <utility>

#include <convoy/error.h>
#include <convoy/media/input.h>
#include "tools/analysis/text.h"

namespace convoy::tools {
namespace {

using analysis::json_string;

constexpr std::size_t kLongestBody = 8 << 10;
constexpr const char* kExpected = "expected {\"input\": \"rtsp://…\"}";

// A stream or a file that another machine sends; `unix` is a socket of this one.
bool is_elsewhere(const std::string& input) {
    if (input.starts_with("http://") || input.starts_with("https://")) return true;
    return media::is_address(input) && media::is_live(input) && !input.starts_with("unix:");
}

// Nothing where it is something else.
std::optional<std::string> input_of(const std::vector<std::uint8_t>& body) {
    const auto json = nlohmann::json::parse(body.begin(), body.end(), nullptr, false);
    if (!json.is_object() || json.size() != 1 || !json.contains("input") || !json["input"].is_string())
        return std::nullopt;
    return json["input"].get<std::string>();
}

}  // namespace

ServedInputs::ServedInputs(ServeInputs allowed, LiveState& live, Tell note)
    : allowed_(allowed), live_(live), note_(std::move(note)) {}

void ServedInputs::begin(RunningInputs& running) {
    const std::lock_guard lock(mutex_);
    running_ = &running;
    for (Waiting& waiting : std::exchange(early_, {})) waiting.answer(added(waiting.input));
}

void ServedInputs::end() {
    const std::lock_guard lock(mutex_);
    running_ = nullptr;
    is_over_ = true;
}

// "" where it may be opened.
std::string ServedInputs::refusal(const std::string& input) const {
    const auto odd = [](unsigned char c) { return c < ' ' || c == 0x7f; };
    if (input.empty() || input.size() > kLongest || std::any_of(input.begin(), input.end(), odd))
        return fmt::format("an input has 1 to {} bytes and no control characters", kLongest);
    if (allowed_ == ServeInputs::all || is_elsewhere(input)) return "";
    return "this takes addresses of streams (rtsp://…) and http(s):// alone; --serve-inputs all takes files and "
           "cameras "
           "of the server's machine, too";
}

// Under the lock.
HttpReply ServedInputs::added(const std::string& input) try {
    if (live_.count() >= kMostOpen) return error_reply(409, fmt::format("{} inputs are open; end one", kMostOpen));
    const int number = running_->add(input);
    if (number < 0) return error_reply(503, "the run ends");
    const std::string name = media::without_passwords(input);
    note_(fmt::format("{} has come over HTTP", name));
    return {201, "application/json", fmt::format("{{\"id\":{},\"name\":{}}}\n", number, json_string(name))};
} catch (const Error& error) {
    return error_reply(409, error.what());
}

void ServedInputs::add(const HttpRequest& request, HttpAnswer answer) {
    if (request.body.size() > kLongestBody)
        return answer(error_reply(413, fmt::format("at most {} bytes are taken", kLongestBody)));
    const std::optional<std::string> input = input_of(request.body);
    if (!input) return answer(error_reply(400, kExpected));
    const std::string why = refusal(*input);
    if (!why.empty()) return answer(error_reply(is_elsewhere(*input) || input->empty() ? 400 : 403, why));
    const std::lock_guard lock(mutex_);
    if (running_) return answer(added(*input));
    if (is_over_) return answer(error_reply(503, "the run ends"));
    if (early_.size() >= kMostOpen)
        return answer(error_reply(503, "the run has not begun, and many inputs wait for it; try again in a second"));
    early_.push_back({*input, std::move(answer)});
}

void ServedInputs::remove(const HttpRequest& request, HttpAnswer answer) {
    const LiveState::Phase phase = live_.phase(request.number);
    if (phase == LiveState::Phase::unknown) return answer(error_reply(404, "there is no such input"));
    if (phase == LiveState::Phase::ended) return answer(error_reply(404, "this input has ended"));
    const std::lock_guard lock(mutex_);
    if (!running_) return answer(error_reply(503, is_over_ ? "the run ends" : "the run begins; try again in a second"));
    running_->end(request.number);
    note_(fmt::format("{} is ended over HTTP", running_->name(request.number)));
    answer({204, "", ""});
}

}  // namespace convoy::tools
