// SPDX-License-Identifier: MIT
#include "tools/follower.h"

#include <fmt/core.h>

#include <utility>

namespace convoy::tools {

Follower::Follower(std::shared_ptr<const analysis::Zones> zones, const std::vector<std::string>& class_names)
    : zones_(std::move(zones)), class_names_(class_names) {
    if (zones_) analysis::ZoneCounter(*zones_, class_names_);  // throws what is wrong with them
}

std::shared_ptr<Follower::OfInput> Follower::state_of(int input, const InputInfo& info) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<OfInput>& state = inputs_[input];
    if (state) return state;
    analysis::TrackerOptions tracking;
    if (info.fps_num > 0) tracking.frame_rate = double(info.fps_num) / info.fps_den * double(info.frame_step);
    state = std::make_shared<OfInput>(tracking);
    if (zones_) state->counter.emplace(*zones_, class_names_);
    return state;
}

void Follower::see(int input, const InputInfo& info, Result& result) {
    if (result.frame.undecodable || !info.is_video) return;
    const std::shared_ptr<OfInput> state = state_of(input, info);
    state->tracker.update(result.detections, result.frame.index, result.frame.time_s);
    if (state->counter) result.note = std::make_shared<analysis::ZoneState>(state->counter->update(result));
}

void Follower::end_input(int input) {
    const std::lock_guard lock(mutex_);
    inputs_.erase(input);
}

std::string counts_text(const analysis::Zones& zones, const analysis::ZoneState& state) {
    std::string text;
    const auto add = [&](const std::string& more) { text += (text.empty() ? "" : "; ") + more; };
    for (std::size_t i = 0; i < zones.lines.size(); ++i)
        add(fmt::format("{} {} in, {} out", zones.lines[i].name, state.lines[i].in, state.lines[i].out));
    for (std::size_t i = 0; i < zones.zones.size(); ++i)
        add(fmt::format("{} {} inside", zones.zones[i].name, state.inside[i]));
    return text;
}

}  // namespace convoy::tools
