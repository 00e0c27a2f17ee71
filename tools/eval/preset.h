// SPDX-License-Identifier: MIT
//
// The evaluations of the two Darknets, as settings.
#pragma once

#include <string>
#include <vector>

#include <convoy/network.h>
#include <convoy/options.h>

namespace convoy::eval {

/// One program's evaluation command.
struct Preset {
    std::string name;
    float confidence, nms;
    Fit fit;
    BatchNormFormula batch_norm;
    bool reads_letter_box;    ///< letter_box=1 in [net] turns stretching into letterboxing
    bool forgets_newer_keys;  ///< see forget_newer_keys()
};

/// "pjreddie-valid" (the default, Debian's `darknet detector valid`), "alexeyab-valid" and "alexeyab-map".
const std::vector<Preset>& presets();

/// The preset of that name, which must exist.
const Preset& find_preset(const std::string& name);

/// Sets thresholds, fit and batch norm, and Darknet's own interpolation.
void apply(const Preset& preset, EngineOptions& options);

/// pjreddie's Darknet passes over `scale_x_y` and `nms_kind`, so its scores are those of a model without them. Makes
/// `network` such a model and returns whether that changed anything. A network that it could not compute
/// (mish, sam, sliced routes, dilation, new_coords, …) stays as it is.
bool forget_newer_keys(Network& network);

}  // namespace convoy::eval
