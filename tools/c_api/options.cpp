// SPDX-License-Identifier: MIT
#include "tools/c_api/options.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include <convoy/error.h>

namespace convoy::c_api {
namespace {

using namespace convoy::tools;

[[noreturn]] void refuse(const std::string& text, const std::string& expected) {
    throw Error(ErrorKind::usage, "'" + text + "' is not " + expected);
}

/// The whole of `text`, which lies in a range that is named where it does not.
template <typename T>
T number(const std::string& text, T least, T most) {
    const std::optional<T> value = parse_number<T>(text);
    if (value && *value >= least && *value <= most) return *value;
    std::string range = "a number from " + std::to_string(least);
    if (most < std::numeric_limits<T>::max()) range += " to " + std::to_string(most);
    refuse(text, range);
}

/// A number between both, and neither.
float share(const std::string& text) {
    const auto value = number<float>(text, 0, 1);
    if (value == 0 || value == 1) refuse(text, "a number between 0 and 1");
    return value;
}

bool is_on(const std::string& text) {
    if (text != "yes" && text != "no") refuse(text, "yes or no");
    return text == "yes";
}

/// With semicolons between them; none of "".
std::vector<IgnoredRegion> regions(const std::string& text) {
    std::vector<IgnoredRegion> regions;
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = std::min(text.find(';', start), text.size());
        regions.push_back(parse_region(text.substr(start, end - start)));
        start = end + 1;
    }
    return regions;
}

void set_size(const std::string& text, LoadOptions& load) {
    const LoadOptions size = in_steps(parse_size(text));
    load.width = size.width, load.height = size.height;
}

using Setter = void (*)(convoy_options& options, const std::string& value);

constexpr int kMost = std::numeric_limits<int>::max();
constexpr std::int64_t kMost64 = std::numeric_limits<std::int64_t>::max();
constexpr double kLong = 1e9;  // seconds

const std::map<std::string_view, Setter>& setters() {
    using O = convoy_options;
    using S = const std::string;
    static const std::map<std::string_view, Setter> table = {
        {"device", [](O& o, S& v) { o.engine.device = v; }},
        {"precision", [](O& o, S& v) { o.engine.precision = parse_choice(v, precisions()); }},
        {"batch", [](O& o, S& v) { o.engine.max_batch = number(v, 0, 1024); }},
        {"threads", [](O& o, S& v) { o.engine.threads = number(v, 0, 4096); }},
        {"max-latency", [](O& o, S& v) { o.engine.max_latency_ms = number<double>(v, -1, 1e9); }},
        {"same-bits", [](O& o, S& v) { o.engine.same_bits = is_on(v); }},
        {"throughput", [](O& o, S& v) { o.engine.throughput = is_on(v); }},
        {"batch-norm", [](O& o, S& v) { o.engine.batch_norm = parse_choice(v, batch_norms()); }},
        {"libraries", [](O& o, S& v) { o.engine.libraries = is_on(v); }},
        {"tuning", [](O& o, S& v) { o.engine.tuning = parse_choice(v, tunings()); }},
        {"tuning-cache", [](O& o, S& v) { o.engine.tuning_cache = v; }},
        {"gpu-memory", [](O& o, S& v) { o.engine.gpu_memory = std::size_t(number<std::int64_t>(v, 0, kMost64)); }},
        {"replicate", [](O& o, S& v) { o.engine.replication = parse_choice(v, replications()); }},
        {"confidence", [](O& o, S& v) { o.confidence = parse_thresholds(v); }},
        {"nms", [](O& o, S& v) { o.engine.detect.nms = share(v); }},
        {"nms-agnostic", [](O& o, S& v) { o.engine.detect.nms_across_classes = is_on(v); }},
        {"min-size", [](O& o, S& v) { o.engine.detect.min_size = number<float>(v, 0, 1e6f); }},
        {"ignore-regions", [](O& o, S& v) { o.engine.detect.ignored = regions(v); }},
        {"max-boxes", [](O& o, S& v) { o.engine.detect.max_boxes = number(v, 0, kMost); }},
        {"classes", [](O& o, S& v) { o.classes = v; }},
        {"fit", [](O& o, S& v) { o.engine.detect.fit = parse_choice(v, fits()); }},
        {"resize", [](O& o, S& v) { o.engine.detect.resize = parse_choice(v, resizes()); }},
        {"tiles", [](O& o, S& v) { o.engine.detect.tiles = parse_tiles(v, o.engine.detect.tiles); }},
        {"tile-overlap", [](O& o, S& v) { o.engine.detect.tiles.overlap = number<float>(v, 0, kMostTileOverlap); }},
        {"size", [](O& o, S& v) { set_size(v, o.load); }},
        {"strict", [](O& o, S& v) { o.load.strict = is_on(v); }},
        {"every", [](O& o, S& v) { o.input.every = number<std::int64_t>(v, 1, kMost64); }},
        {"frames", [](O& o, S& v) { o.input.frames = number<std::int64_t>(v, 0, kMost64); }},
        {"start", [](O& o, S& v) { o.input.start_s = number<double>(v, 0, kLong); }},
        {"stop", [](O& o, S& v) { o.input.stop_s = number<double>(v, 0, kLong); }},
        {"stream", [](O& o, S& v) { o.input.stream = number(v, -1, kMost); }},
        {"give-up", [](O& o, S& v) { o.input.give_up_s = number<double>(v, 0, kLong); }},
        {"deinterlace", [](O& o, S& v) { o.input.deinterlace = is_on(v); }},
    };
    return table;
}

}  // namespace

void set_option(convoy_options& options, const std::string& name, const std::string& value) {
    const auto setter = setters().find(name);
    if (setter == setters().end()) {
        std::string known;
        for (const auto& entry : setters()) known += (known.empty() ? "" : ", ") + std::string(entry.first);
        throw Error(ErrorKind::usage, "there is no option '" + name + "'; there are " + known);
    }
    named("the option '" + name + "'", [&] { setter->second(options, value); });
}

EngineOptions engine_options(const convoy_options& options, const Network& network) {
    EngineOptions engine = options.engine;
    named("the option 'classes'", [&] { engine.detect.classes = parse_shown_classes(options.classes, network); });
    named("the option 'confidence'", [&] { apply_thresholds(options.confidence, network, engine.detect); });
    return engine;
}

}  // namespace convoy::c_api
