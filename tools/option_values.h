// SPDX-License-Identifier: MIT
//
// What the values of options mean, whoever gives them: the command line, C, Python. One that cannot be used is an
// Error(usage) that quotes it; named() puts the option's name in front.
#pragma once

#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <convoy/error.h>
#include <convoy/load.h>
#include <convoy/network.h>
#include <convoy/options.h>

namespace convoy::tools {

/// The whole of `text` as a number.
template <typename T>
std::optional<T> parse_number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// What stands between commas, without blanks around it; of "" one part, which is empty.
std::vector<std::string> parts_of(const std::string& list);

/// What `parse` returns.
template <typename Parse>
auto named(const std::string& option, Parse parse) {
    try {
        return parse();
    } catch (const Error& error) {
        throw Error(error.kind(), option + ": " + error.what());
    }
}

template <typename T>
using Choices = std::vector<std::pair<std::string, T>>;

inline Choices<Precision> precisions() {
    return {{"auto", Precision::automatic},
            {"fp32", Precision::fp32},
            {"tf32", Precision::tf32},
            {"fp16", Precision::fp16},
            {"bf16", Precision::bf16}};
}
inline Choices<Tuning> tunings() {
    return {{"remembered", Tuning::remembered}, {"measured", Tuning::measured}, {"fixed", Tuning::fixed}};
}
inline Choices<Fit> fits() { return {{"letterbox", Fit::letterbox}, {"stretch", Fit::stretch}}; }
inline Choices<Resize> resizes() { return {{"bilinear", Resize::bilinear}, {"darknet", Resize::darknet}}; }
inline Choices<BatchNormFormula> batch_norms() {
    return {{"alexeyab", BatchNormFormula::alexeyab},
            {"pjreddie", BatchNormFormula::pjreddie},
            {"opencv", BatchNormFormula::opencv}};
}
inline Choices<Replication> replications() {
    return {{"auto", Replication::automatic}, {"copy", Replication::copy}, {"nccl", Replication::nccl}};
}

template <typename T>
T parse_choice(const std::string& text, const Choices<T>& choices) {
    std::string list;
    for (const auto& [name, value] : choices) {
        if (name == text) return value;
        list += (list.empty() ? "" : "|") + name;
    }
    throw Error(ErrorKind::usage, "'" + text + "' is none of " + list);
}

/// "416" or "608x352", as LoadOptions have it.
LoadOptions parse_size(const std::string& text);
/// The same, if it is made of the steps that every YOLO since v2 can take: multiples of 32.
LoadOptions in_steps(const LoadOptions& size);

/// "3x2" or "3x2+whole"; the overlap is that of `tiles`.
TileOptions parse_tiles(const std::string& text, TileOptions tiles);

/// "X,Y,W,H" in pixels, or with a '%' behind each number in shares of the picture.
IgnoredRegion parse_region(const std::string& text);

/// A class by its name or its id.
int class_of(const std::string& text, const Network& network);
int class_of(int id, const Network& network);
/// "person,2": each once, in their order; none of "".
std::vector<int> parse_classes(const std::string& list, const Network& network);
/// The same, for boxes to keep: refused where the names file hides all of them.
std::vector<int> parse_shown_classes(const std::string& list, const Network& network);

/// A confidence threshold, and the class that it is for; "" for all others.
struct Threshold {
    std::string of_class;
    float value = 0;
};
/// ".25,person=.4".
std::vector<Threshold> parse_thresholds(const std::string& text);
/// Sets the thresholds of these classes; the others get detect.confidence as it is.
void set_class_confidence(const std::map<int, float>& of_class, const Network& network, DetectOptions& detect);
/// Sets detect.confidence, and the thresholds of classes where there are any.
void apply_thresholds(const std::vector<Threshold>& thresholds, const Network& network, DetectOptions& detect);

}  // namespace convoy::tools
