// SPDX-License-Identifier: MIT
#include "tools/option_values.h"

#include <algorithm>
#include <tuple>

#include "tools/edit_distance.h"

namespace convoy::tools {
namespace {

constexpr int kMostSide = 1 << 15;
constexpr int kSizeStep = 32;  // stride of the coarsest head of every YOLO since v2

[[noreturn]] void refuse(const std::string& sentence) { throw Error(ErrorKind::usage, sentence); }

std::string trimmed(const std::string& text) {
    constexpr const char* kBlanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlanks);
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

/// Both numbers of "3x2"; 0 for one that is none.
std::pair<int, int> numbers_of(std::string_view text) {
    const std::size_t cross = std::min(text.find('x'), text.size());
    return {parse_number<int>(text.substr(0, cross)).value_or(0),
            parse_number<int>(text.substr(std::min(cross + 1, text.size()))).value_or(0)};
}

std::string near_matches(const std::string& text, const std::vector<std::string>& names) {
    std::string found;
    for (const std::string& name : names)
        if (edit_distance(text, name) <= 2 || (text.size() >= 3 && name.find(text) != std::string::npos))
            found += (found.empty() ? "" : ", ") + name;
    return found;
}

}  // namespace

std::vector<std::string> parts_of(const std::string& list) {
    std::vector<std::string> parts;
    for (std::size_t start = 0; start <= list.size();) {
        const std::size_t comma = std::min(list.find(',', start), list.size());
        parts.push_back(trimmed(list.substr(start, comma - start)));
        start = comma + 1;
    }
    return parts;
}

LoadOptions parse_size(const std::string& text) {
    const bool is_side = text.find('x') == std::string::npos;
    const auto [width, height] = numbers_of(is_side ? text + "x" + text : text);
    if (std::min(width, height) < 1 || std::max(width, height) > kMostSide)
        refuse("'" + text + "' is no size: expected one side (416) or WxH (608x352)");
    return {width, height};
}

LoadOptions in_steps(const LoadOptions& size) {
    for (const int side : {size.width, size.height})
        if (side < 1 || side % kSizeStep)
            refuse(std::to_string(side) + " is no multiple of " + std::to_string(kSizeStep) +
                   "; the nearest that are: " + std::to_string(std::max(side / kSizeStep, 1) * kSizeStep) + " and " +
                   std::to_string(std::max(side / kSizeStep + 1, 2) * kSizeStep));
    return size;
}

TileOptions parse_tiles(const std::string& text, TileOptions tiles) {
    constexpr std::string_view kWhole = "+whole";
    std::string_view grid = text;
    tiles.whole = grid.ends_with(kWhole);
    if (tiles.whole) grid.remove_suffix(kWhole.size());
    std::tie(tiles.columns, tiles.rows) = numbers_of(grid);
    if (std::min(tiles.columns, tiles.rows) < 1 || std::max(tiles.columns, tiles.rows) > kMostTiles)
        refuse("'" + text + "' is neither COLUMNSxROWS, such as 3x2, nor 3x2+whole; each is 1 to " +
               std::to_string(kMostTiles));
    return tiles;
}

IgnoredRegion parse_region(const std::string& text) {
    const auto fail = [&](const char* why) { refuse("'" + text + "': " + why); };
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

int class_of(int id, const Network& network) {
    if (id >= 0 && id < network.classes()) return id;
    refuse("the model has no class " + std::to_string(id) + "; its ids are 0 to " +
           std::to_string(network.classes() - 1));
}

int class_of(const std::string& text, const Network& network) {
    const auto found = std::find(network.names.begin(), network.names.end(), text);
    if (found != network.names.end()) return int(found - network.names.begin());
    if (const std::optional<int> id = parse_number<int>(text)) return class_of(*id, network);
    if (network.names.empty())
        refuse("'" + text + "' needs class names, and the model came without: give a file of names, or ids");
    const std::string near = near_matches(text, network.names);
    refuse("the model has no class '" + text + "'; " +
           (near.empty() ? "it knows " + std::to_string(network.names.size()) + " classes, the first is '" +
                               network.names.front() + "'"
                         : "did you mean: " + near + "?"));
}

std::vector<int> parse_classes(const std::string& list, const Network& network) {
    std::vector<int> ids;
    if (list.empty()) return ids;
    for (const std::string& part : parts_of(list)) {
        const int id = class_of(part, network);
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    }
    return ids;
}

std::vector<int> parse_shown_classes(const std::string& list, const Network& network) {
    std::vector<int> ids = parse_classes(list, network);
    if (!ids.empty() && std::all_of(ids.begin(), ids.end(), [&](int id) { return network.is_hidden(id); }))
        refuse("the names file calls " + std::string(ids.size() == 1 ? "this class" : "all of these") +
               " dont_show, so no box would be reported; give it another name there, or ask for another class");
    return ids;
}

std::vector<Threshold> parse_thresholds(const std::string& text) {
    std::vector<Threshold> thresholds;
    for (const std::string& part : parts_of(text)) {
        const std::size_t equals = part.rfind('='), number = equals == std::string::npos ? 0 : equals + 1;
        const std::string value = trimmed(part.substr(number));
        Threshold& threshold = thresholds.emplace_back();
        if (number > 0) threshold.of_class = trimmed(part.substr(0, equals));
        if (number > 0 && threshold.of_class.empty()) refuse("'" + part + "' lacks a class in front of its '='");
        threshold.value = parse_number<float>(value).value_or(0);
        if (!(threshold.value > 0 && threshold.value < 1)) refuse("'" + value + "' is not between 0 and 1");
    }
    return thresholds;
}

// The lowest threshold is that of the network's heads, the others are applied behind it.
void set_class_confidence(const std::map<int, float>& of_class, const Network& network, DetectOptions& detect) {
    detect.class_confidence.assign(std::size_t(network.classes()), detect.confidence);
    for (const auto& [id, threshold] : of_class) detect.class_confidence[std::size_t(id)] = threshold;
    detect.confidence = *std::min_element(detect.class_confidence.begin(), detect.class_confidence.end());
}

void apply_thresholds(const std::vector<Threshold>& thresholds, const Network& network, DetectOptions& detect) {
    std::map<int, float> of_class;
    for (const Threshold& threshold : thresholds)
        if (threshold.of_class.empty())
            detect.confidence = threshold.value;
        else
            of_class[class_of(threshold.of_class, network)] = threshold.value;
    if (!of_class.empty()) set_class_confidence(of_class, network, detect);
}

}  // namespace convoy::tools
