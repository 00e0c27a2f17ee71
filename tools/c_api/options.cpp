// SPDX-License-Identifier: MIT
#include "tools/c_api/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include <convoy/error.h>

namespace convoy::c_api {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& value, const std::string& expected) {
    throw Error(ErrorKind::usage, "the option '" + name + "' cannot be '" + value + "': expected " + expected);
}

/// The whole of `text`, which lies in a range that is named where it does not.
template <typename T>
T number(const std::string& name, std::string_view text, T least, T most) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value >= least && value <= most)) {
        std::string range = "a number from " + std::to_string(least);
        if (most < std::numeric_limits<T>::max()) range += " to " + std::to_string(most);
        refuse(name, std::string(text), range);
    }
    return value;
}

/// A number between both, and neither.
float share(const std::string& name, const std::string& text) {
    const auto value = number<float>(name, text, 0, 1);
    if (value == 0 || value == 1) refuse(name, text, "a number between 0 and 1");
    return value;
}

bool is_on(const std::string& name, const std::string& text) {
    if (text == "yes") return true;
    if (text != "no") refuse(name, text, "yes or no");
    return false;
}

template <typename T>
T choice(const std::string& name, const std::string& text, std::initializer_list<std::pair<const char*, T>> words) {
    std::string expected;
    for (const auto& [word, value] : words) {
        if (text == word) return value;
        expected += (expected.empty() ? "" : ", ") + std::string(word);
    }
    refuse(name, text, "one of " + expected);
}

TileOptions tiles(const std::string& name, const std::string& text, TileOptions tiles) {
    std::string_view grid = text;
    tiles.whole = grid.ends_with("+whole");
    if (tiles.whole) grid.remove_suffix(6);
    const std::size_t by = grid.find('x');
    if (by == std::string_view::npos) refuse(name, text, "COLUMNSxROWS, such as 3x2, or 3x2+whole");
    tiles.columns = number(name, grid.substr(0, by), 1, 32);
    tiles.rows = number(name, grid.substr(by + 1), 1, 32);
    return tiles;
}

/// "608" or "608x320". The network says what it can take.
void set_size(const std::string& name, const std::string& text, LoadOptions& load) {
    constexpr int kLargest = 1 << 15;
    const std::size_t by = text.find('x');
    const int width = number(name, std::string_view(text).substr(0, by), 1, kLargest);
    load.height = by == std::string::npos ? width : number(name, std::string_view(text).substr(by + 1), 1, kLargest);
    load.width = width;
}

using Setter = void (*)(convoy_options& options, const std::string& name, const std::string& value);

constexpr int kMost = std::numeric_limits<int>::max();
constexpr std::int64_t kMost64 = std::numeric_limits<std::int64_t>::max();
constexpr double kLong = 1e9;  // seconds

const std::map<std::string_view, Setter>& setters() {
    using O = convoy_options;
    using S = const std::string;
    static const std::map<std::string_view, Setter> table = {
        {"device", [](O& o, S&, S& v) { o.engine.device = v; }},
        {"precision",
         [](O& o, S& n, S& v) {
             o.engine.precision = choice<Precision>(n, v,
                                                    {{"auto", Precision::automatic},
                                                     {"fp32", Precision::fp32},
                                                     {"tf32", Precision::tf32},
                                                     {"fp16", Precision::fp16}});
         }},
        {"batch", [](O& o, S& n, S& v) { o.engine.max_batch = number(n, v, 0, 1024); }},
        {"threads", [](O& o, S& n, S& v) { o.engine.threads = number(n, v, 0, 4096); }},
        {"max-latency", [](O& o, S& n, S& v) { o.engine.max_latency_ms = number<double>(n, v, -1, 1e9); }},
        {"same-bits", [](O& o, S& n, S& v) { o.engine.same_bits = is_on(n, v); }},
        {"libraries", [](O& o, S& n, S& v) { o.engine.libraries = is_on(n, v); }},
        {"tuning",
         [](O& o, S& n, S& v) {
             o.engine.tuning = choice<Tuning>(
                 n, v, {{"remembered", Tuning::remembered}, {"measured", Tuning::measured}, {"fixed", Tuning::fixed}});
         }},
        {"tuning-cache", [](O& o, S&, S& v) { o.engine.tuning_cache = v; }},
        {"gpu-memory",
         [](O& o, S& n, S& v) { o.engine.gpu_memory = std::size_t(number<std::int64_t>(n, v, 0, kMost64)); }},
        {"confidence", [](O& o, S& n, S& v) { o.engine.detect.confidence = share(n, v); }},
        {"nms", [](O& o, S& n, S& v) { o.engine.detect.nms = share(n, v); }},
        {"nms-agnostic", [](O& o, S& n, S& v) { o.engine.detect.nms_across_classes = is_on(n, v); }},
        {"min-size", [](O& o, S& n, S& v) { o.engine.detect.min_size = number<float>(n, v, 0, 1e6f); }},
        {"max-boxes", [](O& o, S& n, S& v) { o.engine.detect.max_boxes = number(n, v, 0, kMost); }},
        {"classes", [](O& o, S&, S& v) { o.classes = v; }},
        {"fit",
         [](O& o, S& n, S& v) {
             o.engine.detect.fit = choice<Fit>(n, v, {{"letterbox", Fit::letterbox}, {"stretch", Fit::stretch}});
         }},
        {"resize",
         [](O& o, S& n, S& v) {
             o.engine.detect.resize =
                 choice<Resize>(n, v, {{"bilinear", Resize::bilinear}, {"darknet", Resize::darknet}});
         }},
        {"tiles", [](O& o, S& n, S& v) { o.engine.detect.tiles = tiles(n, v, o.engine.detect.tiles); }},
        {"tile-overlap", [](O& o, S& n, S& v) { o.engine.detect.tiles.overlap = number<float>(n, v, 0, .9f); }},
        {"size", [](O& o, S& n, S& v) { set_size(n, v, o.load); }},
        {"strict", [](O& o, S& n, S& v) { o.load.strict = is_on(n, v); }},
        {"every", [](O& o, S& n, S& v) { o.input.every = number<std::int64_t>(n, v, 1, kMost64); }},
        {"frames", [](O& o, S& n, S& v) { o.input.frames = number<std::int64_t>(n, v, 0, kMost64); }},
        {"start", [](O& o, S& n, S& v) { o.input.start_s = number<double>(n, v, 0, kLong); }},
        {"stop", [](O& o, S& n, S& v) { o.input.stop_s = number<double>(n, v, 0, kLong); }},
        {"stream", [](O& o, S& n, S& v) { o.input.stream = number(n, v, -1, kMost); }},
        {"give-up", [](O& o, S& n, S& v) { o.input.give_up_s = number<double>(n, v, 0, kLong); }},
        {"deinterlace", [](O& o, S& n, S& v) { o.input.deinterlace = is_on(n, v); }},
    };
    return table;
}

int class_id(const std::string& text, const Network& network) {
    const auto named = std::find(network.names.begin(), network.names.end(), text);
    if (named != network.names.end()) return int(named - network.names.begin());
    int id = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error != std::errc() || end != text.data() + text.size() || id < 0 || id >= network.classes())
        refuse("classes", text,
               "names or ids of classes, with commas between them; the ids are 0 to " +
                   std::to_string(network.classes() - 1));
    return id;
}

}  // namespace

void set_option(convoy_options& options, const std::string& name, const std::string& value) {
    const auto setter = setters().find(name);
    if (setter == setters().end()) {
        std::string known;
        for (const auto& entry : setters()) known += (known.empty() ? "" : ", ") + std::string(entry.first);
        throw Error(ErrorKind::usage, "there is no option '" + name + "'; there are " + known);
    }
    setter->second(options, name, value);
}

EngineOptions engine_options(const convoy_options& options, const Network& network) {
    EngineOptions engine = options.engine;
    for (std::size_t start = 0; start < options.classes.size();) {
        const std::size_t comma = std::min(options.classes.find(',', start), options.classes.size());
        engine.detect.classes.push_back(class_id(options.classes.substr(start, comma - start), network));
        start = comma + 1;
    }
    return engine;
}

}  // namespace convoy::c_api
