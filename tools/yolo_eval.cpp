// SPDX-License-Identifier: MIT
//
// yolo-eval: how good a model is, by COCO's measures, on labelled pictures.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>

#include <convoy/version.h>
#include "tools/eval/coco_dataset.h"
#include "tools/eval/darknet_results.h"
#include "tools/eval/detect.h"
#include "tools/eval/eval_report.h"
#include "tools/eval/pr_curves.h"
#include "tools/eval/preset.h"
#include "tools/eval/yolo_dataset.h"
#include "tools/exit_status.h"
#include "tools/interrupt.h"
#include "tools/json_text.h"
#include "tools/media/files.h"
#include "tools/media/output_locks.h"
#include "tools/message.h"
#include "tools/model_options.h"
#include "tools/progress.h"

namespace fs = std::filesystem;

namespace convoy::tools {
namespace {

constexpr const char* kExamples = R"(Examples:
  yolo-eval yolov3 --data coco/annotations/instances_val2017.json
  yolo-eval yolov3.cfg --data coco128/ --curves curves.svg --json scores.json
  yolo-eval yolov3 --data coco128/ --preset alexeyab-valid --detections results.json
  yolo-eval --data instances_val2017.json --from-detections results.json

DATA is a COCO annotation file (.json) or a folder with images/ and labels/, a label file holding `class cx cy w h` per
object.
Presets: pjreddie-valid   confidence .005, NMS .45, letterbox
         alexeyab-valid   confidence .001, NMS .6, stretch
         alexeyab-map     confidence .005, NMS .45, stretch
Scores go to standard output, everything else to standard error.
Exit status: 0 done, 1 something could not be read, written or done, 2 wrong usage, 130 interrupted.)";

struct EvalOptions {
    ModelOptions model;
    EngineOptions engine;
    std::string data, images, from_detections;
    std::string detections, json, curves;
    std::size_t limit = 0;
    eval::Preset preset;
    bool fit_named = false;  ///< --letterbox or --stretch was given
    bool quiet = false;

    void add_to(CLI::App& app);
    void add_results_to(CLI::App& app);
    void take(const eval::Preset& chosen) {
        preset = chosen;
        eval::apply(chosen, engine);
    }
};

void EvalOptions::add_results_to(CLI::App& app) {
    const std::string group = "Results";
    app.add_option("--json", json, "the scores as JSON")->type_name("FILE")->group(group);
    app.add_option("--curves", curves, "precision over recall as an SVG picture")->type_name("FILE.svg")->group(group);
    app.add_option("--detections", detections, "the detections as COCO results JSON")->type_name("FILE")->group(group);
    app.add_flag("--quiet,-q", quiet, "no progress and no notes")->group(group);
}

void EvalOptions::add_to(CLI::App& app) {
    app.description("Scores a YOLO model in Darknet's format on labelled pictures, as pycocotools does.");
    app.footer(kExamples);
    app.set_version_flag("--version", "yolo-eval " CONVOY_VERSION);
    auto* positional = app.add_option("MODEL", model.stem, "STEM or .cfg; .weights and .names are found beside it");
    app.add_option("--data", data, "COCO annotations, or a YOLO dataset folder")->type_name("FILE|DIR")->required();
    app.add_option("--images", images, "folder of the annotation file's pictures")->type_name("DIR");
    auto* from = app.add_option("--from-detections", from_detections, "score these COCO results; runs no model")
                     ->type_name("FILE");
    app.add_option("--limit", limit, "only the first N pictures")
        ->type_name("N")
        ->check(CLI::Range(1, std::numeric_limits<int>::max()).description(""));

    // Before the options that it sets, so that they have the last word.
    std::vector<std::string> names;
    for (const eval::Preset& p : eval::presets()) names.push_back(p.name);
    app.add_option_function<std::string>(
           "--preset", [this](const std::string& name) { take(eval::find_preset(name)); },
           "whose evaluation to follow (default: pjreddie-valid, Debian's `darknet detector valid`)")
        ->check(CLI::IsMember(names))
        ->type_name(fmt::format("{}", fmt::join(names, "|")));
    model.add_to(app);
    for (const char* name : {"--model", "--cfg", "--weights"}) positional->excludes(app.get_option(name));
    add_preprocess_options(app, engine);
    app.get_option("--letterbox")->description("keep the aspect ratio, grey bars (default: the preset's)");
    app.get_option("--resize")->description("interpolation: as OpenCV's, or Darknet's own (default: darknet)");
    app.get_option("--batch-norm")->description("whose batch-norm epsilon to reproduce (default: the preset's)");
    app.add_option("--confidence", engine.detect.confidence,
                   "detections below this are dropped (default: the preset's, 0.005)")
        ->type_name("0..1")
        ->check(CLI::Range(0., 1.));
    app.add_option("--nms", engine.detect.nms, "overlap over which the weaker box goes (default: the preset's, 0.45)")
        ->type_name("0..1")
        ->check(CLI::Range(0., 1.));
    add_tile_options(app, engine.detect.tiles, app.get_option("--nms")->get_group());
    add_device_options(app, engine);
    add_results_to(app);
    from->excludes(app.get_option("--detections"));

    take(eval::presets().front());
}

/// Holds them against other runs.
media::OutputLocks check_outputs(const EvalOptions& options) {
    media::OutputLocks locks;
    media::FileClaims claims;
    if (!options.curves.empty() && media::lower_ending(options.curves) != "svg")
        throw Error(ErrorKind::usage,
                    fmt::format("--curves {}: the picture is an SVG; end its name in .svg", options.curves));
    claims.reads(options.data, "the annotations");
    claims.reads(options.from_detections, "the detections that are scored");
    std::error_code ignored;
    if (options.from_detections.empty() || fs::is_directory(options.data, ignored)) options.model.claim(claims);
    for (const std::string* path : {&options.json, &options.curves, &options.detections}) {
        if (path->empty()) continue;
        claims.writes(*path);
        locks.require(*path);
        const media::OutputFile can_be_made(*path);
    }
    return locks;
}

// What was read for a dataset, or will be, is known once it is there.
void check_outputs(const EvalOptions& options, const eval::Dataset& dataset) {
    media::FileClaims claims;
    for (const eval::Picture& picture : dataset.pictures) claims.reads(picture.path, "a picture of the data");
    for (const std::string& file : dataset.label_files) claims.reads(file, "a label file of the data");
    for (const std::string* path : {&options.json, &options.curves, &options.detections})
        if (!path->empty()) claims.writes(*path);
}

Network load_detector(const ModelOptions& model, bool needs_weights) {
    Network network = model.load(needs_weights);
    if (network.classes() == 0)
        throw Error(ErrorKind::model, network.cfg_path + ": has no [yolo] layer, so there are no detections to score");
    return network;
}

eval::Dataset read_dataset(const EvalOptions& options) {
    std::error_code ignored;
    if (!fs::exists(options.data, ignored))
        throw Error(ErrorKind::input, fmt::format("--data {}: no such file or folder", options.data));
    if (!fs::is_directory(options.data, ignored)) return eval::read_coco_dataset(options.data);
    if (!options.images.empty())
        throw Error(ErrorKind::usage, "--images goes with an annotation file; a dataset folder has its own images/");
    const Network network = load_detector(options.model, false);
    return eval::read_yolo_dataset(options.data,
                                   eval::categories_of_classes(std::size_t(network.classes()), network.names));
}

std::size_t without_category(const std::vector<std::optional<std::size_t>>& categories) {
    return std::size_t(std::count(categories.begin(), categories.end(), std::nullopt));
}

std::optional<std::vector<eval::ScoredBox>> run_model(EvalOptions& options, eval::Dataset& dataset) {
    Network network = load_detector(options.model, true);
    if (options.preset.reads_letter_box && !options.fit_named && network.letter_box)
        options.engine.detect.fit = Fit::letterbox;
    options.model.check_fit(network, options.engine.detect.fit);
    print_warnings("yolo-eval", network);
    if (options.preset.forgets_newer_keys && eval::forget_newer_keys(network))
        dataset.notes.push_back(
            "scale_x_y and nms_kind of the cfg are left out, as pjreddie's darknet does; --preset "
            "alexeyab-map --letterbox scores the model with them");
    const auto categories = eval::match_categories(dataset, std::size_t(network.classes()), network.names);
    if (const std::size_t lost = without_category(categories))
        dataset.notes.push_back(
            fmt::format("{} of the model's {} classes have no category in {}; their detections are "
                        "not scored",
                        lost, categories.size(), dataset.path));
    if (!fs::is_directory(dataset.path)) eval::locate_pictures(dataset, options.images);
    check_outputs(options, dataset);
    if (!options.quiet) options.engine.notice = print_notices("yolo-eval");
    options.engine.same_bits = options.engine.throughput = true;
    network.names.clear();  // what they hide is scored all the same, as by Darknet's valid and map
    Engine engine(network, options.engine);
    if (!options.quiet) greet("yolo-eval", options.model, network, engine);
    const CompleteOnInterrupt completing;
    Progress progress(STDERR_FILENO, options.quiet);
    const auto start = std::chrono::steady_clock::now();
    const auto total = std::int64_t(dataset.pictures.size());
    std::int64_t not_finite = 0;
    std::string layer;
    auto detections = eval::detect_pictures(
        engine, dataset, categories,
        [&](std::size_t done, const Result& result) {
            not_finite += result.not_finite;
            if (layer.empty()) layer = result.first_not_finite;
            if (!progress.due()) return;
            const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
            const auto n = std::int64_t(done);
            progress.update({dataset.path, 1, 1, n, total, n, double(n) / double(total), elapsed.count()});
        },
        CompleteOnInterrupt::requested());
    if (not_finite > 0) dataset.warnings.push_back(not_finite_text(layer, not_finite));
    return detections;
}

std::vector<eval::ScoredBox> read_detections(const EvalOptions& options, eval::Dataset& dataset) {
    std::vector<eval::ScoredBox> out = eval::read_results(options.from_detections, dataset);
    if (options.limit) std::erase_if(out, [&](const eval::ScoredBox& d) { return d.picture >= options.limit; });
    return out;
}

/// A float's shortest decimal: 0.005, not 0.004999999888241291.
double plain(float value) { return std::stod(fmt::format("{}", value)); }

nlohmann::ordered_json settings_json(const EvalOptions& options) {
    if (!options.from_detections.empty()) return {{"from_detections", options.from_detections}};
    const DetectOptions& d = options.engine.detect;
    const char* const formulas[] = {"alexeyab", "pjreddie", "opencv"};
    nlohmann::ordered_json settings = {{"preset", options.preset.name},
                                       {"confidence", plain(d.confidence)},
                                       {"nms", plain(d.nms)},
                                       {"fit", d.fit == Fit::letterbox ? "letterbox" : "stretch"},
                                       {"resize", d.resize == Resize::darknet ? "darknet" : "bilinear"},
                                       {"batch_norm", formulas[int(options.engine.batch_norm)]}};
    if (d.tiles.count() > 1)
        settings.update({{"tiles", tiles_text(d.tiles)}, {"tile_overlap", plain(d.tiles.overlap)}});
    return settings;
}

/// "coco128" of "data/coco128/".
std::string last_name(const std::string& path) {
    const fs::path whole = fs::absolute(path).lexically_normal();
    return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

void write_results(const EvalOptions& options, const eval::Dataset& dataset,
                   const std::vector<eval::ScoredBox>& detections, const eval::Scores& scores) {
    const CompleteOnInterrupt completing;
    const auto write = [](const std::string& path, const std::string& text) {
        media::write_file(path, text, interrupt_is_overdue);
    };
    if (!options.detections.empty()) write(options.detections, eval::results_json(dataset, detections));
    if (!options.json.empty()) {
        nlohmann::ordered_json json = {{"version", 1}, {"data", dataset.path}, {"settings", settings_json(options)}};
        json["pictures"] = dataset.pictures.size();
        json["objects"] = dataset.annotations.size();
        json["detections"] = detections.size();
        json.update(eval::scores_json(dataset, scores));
        write(options.json, json_text(json) + "\n");
    }
    if (!options.curves.empty())
        write(options.curves,
              eval::pr_curves_svg(dataset, scores, "Precision and recall at IoU 0.5 on " + last_name(dataset.path)));
}

int run(EvalOptions& options) {
    install_interrupt_handler();
    const HeldOutputs held([&] { return check_outputs(options); });
    eval::Dataset dataset = read_dataset(options);
    std::optional<std::vector<eval::ScoredBox>> detections;
    if (!options.from_detections.empty()) {
        check_outputs(options, dataset);
        detections = read_detections(options, dataset);
        if (options.limit) dataset.keep_first(options.limit);
    } else {
        if (options.limit) dataset.keep_first(options.limit);
        detections = run_model(options, dataset);
    }
    if (!detections || CompleteOnInterrupt::requested()) {  // which may come as the last picture is done
        message("yolo-eval: interrupted; nothing was scored or written");
        return kInterrupted;
    }
    for (const std::string& warning : dataset.warnings) message("yolo-eval: warning: {}", warning);
    if (!options.quiet)
        for (const std::string& note : dataset.notes) message("yolo-eval: note: {}", note);

    const eval::Scores scores = eval::score(dataset, *detections);
    print_result(fmt::format("{}: {} pictures, {} objects, {} detections\n\n{}", dataset.path, dataset.pictures.size(),
                             dataset.annotations.size(), detections->size(), eval::scores_text(dataset, scores)));
    try {
        write_results(options, dataset, *detections, scores);
    } catch (const Error& error) {
        if (!interrupt_is_overdue()) throw;
        print_error("yolo-eval", error.what());
        return kInterrupted;
    }
    return kSuccess;
}

}  // namespace
}  // namespace convoy::tools

int main(int argc, char** argv) {
    return convoy::tools::run_command("yolo-eval", argc, argv, [](CLI::App& app, const auto&) {
        auto options = std::make_shared<convoy::tools::EvalOptions>();
        options->add_to(app);
        return [&app, options] {
            options->fit_named = app.count("--letterbox") + app.count("--stretch") > 0;
            return convoy::tools::run(*options);
        };
    });
}
