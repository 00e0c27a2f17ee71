// SPDX-License-Identifier: MIT
#include "tools/model_options.h"

#include <fmt/core.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <convoy/load.h>
#include "tools/choice_option.h"
#include "tools/foreign_model.h"
#include "tools/message.h"
#include "tools/option_values.h"

namespace fs = std::filesystem;

namespace convoy::tools {
namespace {

constexpr const char* kDemoModel = "yolov3-quarter";

std::string without_model_suffix(const std::string& stem) {
    const fs::path path = stem;
    const bool has_suffix = path.extension() == ".cfg" || path.extension() == ".weights";
    return has_suffix ? fs::path(path).replace_extension().string() : stem;
}

// Before the loader calls it a damaged file of ours.
void refuse_foreign(const std::string& file) {
    if (const std::string what = file.empty() ? "" : foreign_model(file); !what.empty())
        throw Error(ErrorKind::model,
                    fmt::format("'{}' is {}; Convoy runs Darknet models (YOLOv1 to YOLOv7), a .cfg with its .weights; "
                                "yolo-convert (pip install .) makes one of YOLOv3 in PyTorch and TensorFlow: {}",
                                file, what, kGetAModel));
}

// Of a model that is named by its stem, all files that are needed must be there.
void require_files(const std::string& stem, const std::string& cfg, const std::string& weights) {
    std::string missing;
    std::error_code ignored;
    for (const std::string& file : {cfg, weights})
        if (!file.empty() && !fs::exists(file, ignored)) missing += (missing.empty() ? "no " : " and no ") + file;
    if (!missing.empty())
        throw Error(ErrorKind::model, fmt::format("model '{}': there is {}; {}", stem, missing, kGetAModel));
}

std::string default_tuning_cache() {
    if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && *cache)
        return (fs::path(cache) / "convoy").string();
    if (const char* home = std::getenv("HOME"); home && *home) return (fs::path(home) / ".cache" / "convoy").string();
    return {};
}

}  // namespace

void ModelOptions::add_to(CLI::App& app) {
    const std::string group = "Model (default: the shipped demo model)";
    auto* model = app.add_option("--model", stem, "STEM for STEM.cfg, STEM.weights and STEM.names")->type_name("STEM");
    auto* net = app.add_option("--cfg", cfg, "network description")->type_name("FILE");
    auto* data = app.add_option("--weights", weights, "trained weights")->type_name("FILE");
    app.add_option("--names", names, "class names, one a line (default: those beside the weights or the cfg)")
        ->type_name("FILE")
        ->group(group);
    app.add_option("--size", size, "network input: 416 or WxH, multiples of 32 (default: the cfg's)")
        ->type_name("N|WxH")
        ->group(group);
    for (auto* option : {model, net, data, add_strict(app)}) option->group(group);
    model->excludes(net)->excludes(data);
}

CLI::Option* ModelOptions::add_strict(CLI::App& app) {
    return app.add_flag("--strict", strict, "what the cfg says to no effect is an error, not a warning");
}

std::pair<std::string, std::string> ModelOptions::files() const {
    std::string base = without_model_suffix(stem);
    if (is_demo()) base = (fs::path(demo_model_folder()) / kDemoModel).string();
    return base.empty() ? std::pair(cfg, weights) : std::pair(base + ".cfg", base + ".weights");
}

void ModelOptions::claim(media::FileClaims& claims) const {
    const auto [cfg_file, weights_file] = files();
    const auto may_read = [&](const std::string& file, const char* what) {
        std::error_code missing;
        if (fs::exists(file, missing)) claims.reads(file, what);
    };
    const auto beside = [](const fs::path& file, const char* ending) {
        return fs::path(file).replace_extension(ending).string();
    };
    claims.reads(cfg_file, "the model's cfg");
    claims.reads(weights_file, "the model's weights");
    may_read(beside(cfg_file, ".tree"), "the model's tree of classes");
    const std::string coco = (fs::path(cfg_file).parent_path() / "coco.names").string();
    for (const std::string& file : {names, beside(weights_file, ".names"), beside(cfg_file, ".names"), coco})
        if (names.empty() || file == names) may_read(file, "the list of the model's classes");
}

Network ModelOptions::load(bool needs_weights) const {
    const auto parse = [&] { return size.empty() ? LoadOptions{} : in_steps(parse_size(size)); };
    return load(named("--size", parse), needs_weights);
}

Network ModelOptions::load(LoadOptions load, bool needs_weights) const {
    load.strict = strict;
    auto [cfg_file, weights_file] = files();
    if (is_demo() || !stem.empty()) {
        std::error_code ignored;
        if (!needs_weights && !fs::exists(weights_file, ignored)) weights_file.clear();
        refuse_foreign(stem);
        require_files(stem, cfg_file, weights_file);
    }
    refuse_foreign(cfg_file);
    refuse_foreign(weights_file);
    if (cfg_file.empty())
        throw Error(ErrorKind::usage, "--weights needs its network description: give --cfg FILE, too");
    if (weights_file.empty() && needs_weights)
        throw Error(ErrorKind::usage, "--cfg needs trained weights: give --weights FILE, too");
    Network network = load_network(cfg_file, weights_file, names, load);
    if (const std::string why = network.input_error(); needs_weights && !why.empty())
        throw Error(ErrorKind::unsupported, why);
    return network;
}

void ModelOptions::check_fit(Network& network, Fit fit) const {
    std::string warning = network.fit_warning(fit);
    if (strict && !warning.empty()) throw Error(ErrorKind::model, warning);
    if (!warning.empty()) network.warnings.push_back(std::move(warning));
}

void add_preprocess_options(CLI::App& app, EngineOptions& engine) {
    const std::string group = "Model (default: the shipped demo model)";
    auto* letterbox = app.add_flag_callback(
        "--letterbox", [&engine] { engine.detect.fit = Fit::letterbox; }, "keep the aspect ratio, grey bars (default)");
    auto* stretch = app.add_flag_callback(
        "--stretch", [&engine] { engine.detect.fit = Fit::stretch; }, "scale both axes on their own");
    letterbox->group(group)->excludes(stretch);
    stretch->group(group);
    add_choice<Resize>(app, "--resize", engine.detect.resize, resizes(),
                       "interpolation: as OpenCV's, or Darknet's own (default: bilinear)")
        ->group(group);
    add_choice<BatchNormFormula>(app, "--batch-norm", engine.batch_norm, batch_norms(),
                                 "whose batch-norm epsilon to reproduce (default: alexeyab)")
        ->group(group);
}

void add_tile_options(CLI::App& app, TileOptions& tiles, const std::string& group) {
    auto* grid = app.add_option_function<std::string>(
        "--tiles", [&tiles](const std::string& text) { tiles = parse_tiles(text, tiles); },
        "cut each frame into so many columns and rows, for things that are small in it; +whole looks at it uncut as "
        "well, for things that are larger than a tile");
    grid->type_name("CxR[+whole]")->check(checked_by([](auto& text) { parse_tiles(text, {}); }))->group(group);
    app.add_option("--tile-overlap", tiles.overlap, "share of a tile that its neighbour sees, too (default: 0.2)")
        ->type_name("0..0.9")
        ->check(CLI::Range(0.f, kMostTileOverlap).description(""))
        ->needs(grid)
        ->group(group);
}

std::string tiles_text(const TileOptions& tiles) {
    return fmt::format("{}x{}{}", tiles.columns, tiles.rows, tiles.whole ? "+whole" : "");
}

void add_device_options(CLI::App& app, EngineOptions& engine) {
    const std::string group = "Where it runs";
    app.add_option("--device", engine.device, "every GPU if there is one, else the CPU (default: auto)")
        ->type_name("auto|cpu|cuda|cuda:0,2")
        ->group(group);
    add_choice<Precision>(
        app, "--precision", engine.precision, precisions(),
        "arithmetic (default: auto: fp16 on a GPU with tensor cores, bf16 on a CPU that has it, else fp32)")
        ->group(group);
    engine.tuning_cache = default_tuning_cache();
    auto* tune = app.add_flag_callback(
        "--tune", [&engine] { engine.tuning = Tuning::measured; },
        "GPU: measure once which kernels are the fastest for this model, a minute or two, and remember it");
    tune->group(group);
    app.add_flag_callback(
           "--no-autotune", [&engine] { engine.tuning = Tuning::fixed; },
           "GPU: kernels by rule instead of the fastest that are known, the same ones every time")
        ->group(group)
        ->excludes(tune);
    app.add_flag_callback(
           "--no-libraries", [&engine] { engine.libraries = false; },
           "GPU: our own kernels only, no cuDNN, no cuBLASLt")
        ->group(group);
    add_choice<Replication>(app, "--replicate", engine.replication, replications(),
                            "how weights get to several GPUs (default: auto)")
        ->group(group);
    app.add_option("--tuning-cache", engine.tuning_cache,
                   "GPU: where the fastest kernels are remembered (default: ~/.cache/convoy)")
        ->type_name("DIR")
        ->group(group);
    app.add_option("--gpu-memory", engine.gpu_memory,
                   "the most of each GPU's memory to take, for example 4G: the batch follows it (default: no limit)")
        ->type_name("SIZE")
        ->transform(CLI::AsSizeValue(false).description(""))
        ->group(group);
    app.add_option("--batch", engine.max_batch, "pictures in one pass (default: chosen for the device)")
        ->type_name("N")
        ->check(CLI::Range(1, 1024).description(""))
        ->group(group);
    app.add_option("--threads", engine.threads, "CPU threads of the network (default: all cores)")
        ->type_name("N")
        ->check(CLI::Range(1, 4096).description(""))
        ->group(group);
}

std::string demo_model_folder() {
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    const fs::path prefix = program.parent_path().parent_path();
    for (const fs::path& folder : {prefix / "share" / "convoy" / "models", prefix.parent_path() / "models"})
        if (fs::exists(folder / (std::string(kDemoModel) + ".cfg"), error)) return folder.string();
    throw Error(ErrorKind::usage,
                "the demo model is not installed beside this program: give --model STEM or --cfg and --weights");
}

void print_warnings(const std::string& command, const Network& network) {
    for (const std::string& warning : network.warnings) message("{}: warning: {}", command, warning);
}

void greet(const std::string& command, const ModelOptions& model, const Network& network, const Engine& engine) {
    const auto say = print_notices(command);
    if (model.is_demo()) say("no model named, taking the demo model: good on its clip, weak elsewhere");
    say(fmt::format("{}, {}x{}, on {}", network.cfg_path, network.input.w, network.input.h, engine.description()));
    for (const std::string& note : engine.notes()) say(note);
}

std::string not_finite_text(const std::string& layer, std::int64_t boxes) {
    const bool fp16 = layer.find("fp16") != std::string::npos;
    return fmt::format(
        "{}boxes with numbers that are NaN or infinite are left out; the first layer that has such numbers is {}: "
        "weights up to there are damaged or not of this cfg{}",
        boxes > 0 ? fmt::format("{} ", boxes) : "", layer, fp16 ? ", or --precision fp32 is needed" : "");
}

std::function<void(const std::string&)> print_notices(const std::string& command) {
    return [command](const std::string& sentence) { message("{}: {}", command, sentence); };
}

}  // namespace convoy::tools
