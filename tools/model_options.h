// SPDX-License-Identifier: MIT
//
// The options that yolo-run, yolo-eval and yolo-inspect share: which model, how it is fed, where it runs.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <convoy/engine.h>
#include <convoy/load.h>
#include <convoy/network.h>
#include <convoy/options.h>
#include "tools/cli.h"
#include "tools/media/file_claims.h"

namespace convoy::tools {

/// Which model to load. Call add_to() before parsing and load() after it.
struct ModelOptions {
    std::string cfg, weights, names;  ///< --cfg, --weights, --names
    std::string stem;     ///< --model: STEM.cfg, STEM.weights, STEM.names; a path ending in .cfg or .weights will do
    std::string size;     ///< --size: "416" or "608x352"; empty takes the cfg's
    bool strict = false;  ///< --strict: what would be a warning about the cfg is an error

    void add_to(CLI::App& app);
    /// Adds --strict alone.
    CLI::Option* add_strict(CLI::App& app);

    /// Whether no model was named, so that load() takes the demo model.
    bool is_demo() const { return cfg.empty() && weights.empty() && stem.empty(); }

    /// Loads the model, with its class names: `names`, or those that load_network finds. Throws Error(usage) for
    /// options that do not go together and what load_network throws. With `needs_weights` false a model without weights
    /// is loaded for its structure alone.
    Network load(bool needs_weights = true) const;
    /// The same with the size of `load` instead of `size`.
    Network load(LoadOptions load, bool needs_weights) const;
    /// Adds Network::fit_warning() to the network's warnings, or throws it with --strict.
    void check_fit(Network& network, Fit fit) const;
    /// Tells the files that load() reads, or would look for.
    void claim(media::FileClaims& claims) const;
    /// `cfg` and `weights`, or those of the stem; empty where neither is given.
    std::pair<std::string, std::string> files() const;
};

/// Adds --letterbox, --stretch, --resize and --batch-norm.
void add_preprocess_options(CLI::App& app, EngineOptions& engine);

/// Adds --tiles and --tile-overlap.
void add_tile_options(CLI::App& app, TileOptions& tiles, const std::string& group);

/// "3x2", "3x2+whole".
std::string tiles_text(const TileOptions& tiles);

/// Adds --device, --precision, --batch, --threads, --gpu-memory, --tune, --no-autotune, --no-libraries and
/// --tuning-cache.
void add_device_options(CLI::App& app, EngineOptions& engine);

/// Folder of the shipped demo model: share/convoy/models of an installation, models/ of a build tree.
/// Throws Error(usage) when neither is there.
std::string demo_model_folder();

/// Tells people on standard error what the cfg says to no effect.
void print_warnings(const std::string& command, const Network& network);

/// Tells people on standard error which model was taken and where it runs, and what the engine notes.
void greet(const std::string& command, const ModelOptions& model, const Network& network, const Engine& engine);

/// Result::first_not_finite for people: what is left out, how many of it where that is known, and what helps.
std::string not_finite_text(const std::string& layer, std::int64_t boxes = 0);

/// EngineOptions::notice for people: a line on standard error.
std::function<void(const std::string&)> print_notices(const std::string& command);

}  // namespace convoy::tools
