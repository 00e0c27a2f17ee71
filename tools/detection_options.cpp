// SPDX-License-Identifier: MIT
#include "tools/detection_options.h"

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <limits>

#include <convoy/error.h>
#include "tools/choice_option.h"
#include "tools/model_options.h"
#include "tools/option_values.h"

namespace convoy::tools {
namespace {

constexpr const char* kGroup = "Detection";

}  // namespace

void DetectionOptions::add_to(CLI::App& app, DetectOptions& detect) {
    app.add_option("--confidence", confidence,
                   "boxes below this are dropped (default: 0.25); for some classes another: .25,person=.4,car=.3")
        ->type_name("T[,CLASS=T…]")
        ->check(checked_by([](auto& text) { parse_thresholds(text); }))
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
        ->check(checked_by([](auto& text) { parse_region(text); }))
        ->group(kGroup);
    add_tile_options(app, detect.tiles, kGroup);
    app.add_option("--max-boxes", detect.max_boxes, "keep only the N most confident boxes of a frame (default: all)")
        ->type_name("N")
        ->check(CLI::Range(1, std::numeric_limits<int>::max()).description(""))
        ->group(kGroup);
}

// A class whose boxes are dropped would be shown as it is.
std::vector<int> DetectionOptions::blurred(const Network& network) const {
    const std::vector<int> kept = named("--classes", [&] { return parse_classes(classes, network); });
    return named("--blur " + blur, [&] {
        const std::vector<int> ids = parse_classes(blur, network);
        for (const int id : ids) {
            if (network.is_hidden(id))
                throw Error(ErrorKind::usage, fmt::format("the names file calls class {} dont_show, so it would not be "
                                                          "blurred; give it another name there",
                                                          id));
            if (!kept.empty() && std::find(kept.begin(), kept.end(), id) == kept.end())
                throw Error(ErrorKind::usage, fmt::format("--classes {} leaves class {} out, so it would not be "
                                                          "blurred; name it there, too",
                                                          classes, id));
        }
        return ids;
    });
}

void DetectionOptions::apply(const Network& network, DetectOptions& detect) const {
    if (!confidence.empty())
        named("--confidence", [&] { apply_thresholds(parse_thresholds(confidence), network, detect); });
    detect.classes = named("--classes", [&] { return parse_shown_classes(classes, network); });
}

}  // namespace convoy::tools
