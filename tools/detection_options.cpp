// SPDX-License-Identifier: MIT
#include "tools/detection_options.h"

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

#include <convoy/error.h>
#include "tools/edit_distance.h"
#include "tools/model_options.h"

namespace convoy::tools {
namespace {

constexpr const char* kGroup = "Detection";

std::string near_matches(const std::string& text, const std::vector<std::string>& names) {
    std::string found;
    for (const std::string& name : names)
        if (edit_distance(text, name) <= 2 || (text.size() >= 3 && name.find(text) != std::string::npos))
            found += (found.empty() ? "" : ", ") + name;
    return found;
}

int parse_class(const std::string& option, const std::string& text, const Network& network) {
    const auto named = std::find(network.names.begin(), network.names.end(), text);
    if (named != network.names.end()) return int(named - network.names.begin());
    if (const std::optional<int> id = parse_number<int>(text)) {
        if (*id >= 0 && *id < network.classes()) return *id;
        throw Error(ErrorKind::usage, fmt::format("{}: the model has no class {}; its ids are 0 to {}", option, text,
                                                  network.classes() - 1));
    }
    if (network.names.empty())
        throw Error(ErrorKind::usage,
                    fmt::format("{}: '{}' needs class names, and the model came without: give --names FILE, or ids",
                                option, text));
    const std::string near = near_matches(text, network.names);
    throw Error(ErrorKind::usage,
                near.empty() ? fmt::format("{}: the model has no class '{}'; it knows {} classes, the first is '{}'",
                                           option, text, network.names.size(), network.names.front())
                             : fmt::format("{}: the model has no class '{}'; did you mean: {}?", option, text, near));
}

std::vector<std::string> parts_of(const std::string& list) {
    std::vector<std::string> parts;
    for (std::size_t start = 0; start <= list.size();) {
        const std::size_t comma = std::min(list.find(',', start), list.size());
        parts.push_back(CLI::detail::trim_copy(list.substr(start, comma - start)));
        start = comma + 1;
    }
    return parts;
}

/// Each once, in their order; none of an empty list.
std::vector<int> class_ids(const std::string& option, const std::string& list, const Network& network) {
    std::vector<int> ids;
    if (list.empty()) return ids;
    for (const std::string& part : parts_of(list)) {
        const int id = parse_class(option, part, network);
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    }
    return ids;
}

/// A threshold, and the class that it is for; no class: all others.
struct Threshold {
    std::string of_class;
    float value = 0;
};

/// What it throws gets the option's name from CLI11.
std::vector<Threshold> parse_thresholds(const std::string& text) {
    std::vector<Threshold> thresholds;
    for (const std::string& part : parts_of(text)) {
        const std::size_t equals = part.rfind('='), number = equals == std::string::npos ? 0 : equals + 1;
        const std::string value = CLI::detail::trim_copy(part.substr(number));
        Threshold& threshold = thresholds.emplace_back();
        if (number > 0) threshold.of_class = CLI::detail::trim_copy(part.substr(0, equals));
        if (number > 0 && threshold.of_class.empty())
            throw CLI::ValidationError(fmt::format("'{}' lacks a class in front of its '='", part));
        threshold.value = parse_number<float>(value).value_or(0);
        if (!(threshold.value > 0 && threshold.value < 1))
            throw CLI::ValidationError(fmt::format("'{}' is not between 0 and 1", value));
    }
    return thresholds;
}

/// The lowest threshold is that of the network's heads, the others are applied behind it.
void parse_confidence(const std::string& text, const Network& network, DetectOptions& detect) {
    std::vector<float> of_class(std::size_t(network.classes()), 0.f);
    for (const Threshold& threshold : parse_thresholds(text))
        if (threshold.of_class.empty())
            detect.confidence = threshold.value;
        else
            of_class[std::size_t(parse_class("--confidence", threshold.of_class, network))] = threshold.value;
    if (std::all_of(of_class.begin(), of_class.end(), [](float threshold) { return threshold == 0; })) return;
    for (float& threshold : of_class)
        if (threshold == 0) threshold = detect.confidence;
    detect.confidence = *std::min_element(of_class.begin(), of_class.end());
    detect.class_confidence = std::move(of_class);
}

/// "X,Y,W,H" in pixels, or with a '%' behind each number in shares of the picture.
IgnoredRegion parse_region(const std::string& text) {
    const auto fail = [&](const char* why) {
        throw CLI::ValidationError("--ignore-regions", fmt::format("'{}': {}", text, why));
    };
    std::vector<std::string> parts = parts_of(text);
    if (parts.size() != 4) fail("expected X,Y,W,H, in pixels or each with a % behind it");
    IgnoredRegion region;
    float numbers[4];
    const auto shares = std::count_if(parts.begin(), parts.end(), [](const auto& part) { return part.ends_with('%'); });
    if (shares != 0 && shares != 4) fail("either all of its numbers have a % behind them or none");
    region.share = shares == 4;
    for (std::size_t i = 0; i < 4; ++i) {
        if (region.share) parts[i].pop_back();
        const std::optional<float> number = parse_number<float>(parts[i]);
        if (!number || !(*number >= 0 && *number <= 1e6f)) fail("its numbers must be 0 or more");
        numbers[i] = region.share ? *number / 100 : *number;
    }
    region.box = {numbers[0], numbers[1], numbers[2], numbers[3]};
    if (!(region.box.w > 0 && region.box.h > 0)) fail("it has no area; give it a width and a height");
    return region;
}

}  // namespace

std::vector<int> parse_classes(const std::string& list, const Network& network) {
    std::vector<int> ids = class_ids("--classes", list, network);
    if (!ids.empty() && std::all_of(ids.begin(), ids.end(), [&](int id) { return network.is_hidden(id); }))
        throw Error(ErrorKind::usage, fmt::format("--classes {}: the names file calls {} dont_show, so no box would be "
                                                  "reported; give it another name there, or ask for another class",
                                                  list, ids.size() == 1 ? "this class" : "all of these"));
    return ids;
}

void DetectionOptions::add_to(CLI::App& app, DetectOptions& detect) {
    app.add_option("--confidence", confidence,
                   "boxes below this are dropped (default: 0.25); for some classes another: .25,person=.4,car=.3")
        ->type_name("T[,CLASS=T…]")
        ->each([](const std::string& text) { parse_thresholds(text); })
        ->group(kGroup);
    app.add_option("--nms", detect.nms, "overlap over which the weaker box of a class is dropped (default: 0.45)")
        ->type_name("0..1")
        ->check(CLI::Range(0.f, 1.f).description(""))
        ->group(kGroup);
    app.add_flag("--nms-agnostic", detect.nms_across_classes, "the weaker box is dropped whatever its class")
        ->group(kGroup);
    app.add_option("--classes", classes, "keep only these classes, names or ids")
        ->type_name("person,car")
        ->group(kGroup);
    app.add_option("--min-size", detect.min_size, "drop boxes that are less wide or less high than N pixels")
        ->type_name("N")
        ->check(CLI::Range(0.f, 1e6f).description(""))
        ->group(kGroup);
    app.add_option_function<std::vector<std::string>>(
           "--ignore-regions",
           [&detect](const std::vector<std::string>& regions) {
               for (const std::string& text : regions) detect.ignored.push_back(parse_region(text));
           },
           "drop boxes whose centres lie in this rectangle: pixels of the frame, or 10%,0%,50%,20%; may be "
           "given several times")
        ->type_name("X,Y,W,H")
        ->allow_extra_args(false)  // named again for each
        ->group(kGroup);
    add_tile_options(app, detect.tiles, kGroup);
    app.add_option("--max-boxes", detect.max_boxes, "keep only the N most confident boxes of a frame (default: all)")
        ->type_name("N")
        ->check(CLI::Range(1, std::numeric_limits<int>::max()).description(""))
        ->group(kGroup);
}

// A class whose boxes are dropped would be shown as it is.
std::vector<int> DetectionOptions::blurred(const Network& network) const {
    const std::vector<int> ids = class_ids("--blur", blur, network), kept = class_ids("--classes", classes, network);
    for (const int id : ids) {
        if (network.is_hidden(id))
            throw Error(ErrorKind::usage, fmt::format("--blur {}: the names file calls class {} dont_show, so it would "
                                                      "not be blurred; give it another name there",
                                                      blur, id));
        if (!kept.empty() && std::find(kept.begin(), kept.end(), id) == kept.end())
            throw Error(ErrorKind::usage, fmt::format("--blur {}: --classes {} leaves class {} out, so it would not be "
                                                      "blurred; name it there, too",
                                                      blur, classes, id));
    }
    return ids;
}

void DetectionOptions::apply(const Network& network, DetectOptions& detect) const {
    if (!confidence.empty()) parse_confidence(confidence, network, detect);
    detect.classes = parse_classes(classes, network);
}

}  // namespace convoy::tools
