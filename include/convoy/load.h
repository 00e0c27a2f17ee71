// SPDX-License-Identifier: MIT
//
// Files to Network and back: everything a user of the loader calls.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <convoy/export.h>
#include <convoy/network.h>

namespace convoy {

struct LoadOptions {
    int width = 0;        ///< network input, pixels, a multiple of 32; 0 takes the cfg's
    int height = 0;       ///< likewise
    bool strict = false;  ///< what Network::warnings would tell is an Error(model)
};

/// Reads a Darknet .cfg and, unless `weights` is empty, maps the .weights file that belongs to it and points the
/// layers into it. Nothing is copied, but for the [connected] layers of the oldest files (a version above 1000, where
/// they have a learning rate), whose weights are transposed as in Darknet. `names` has one class name a line. Where it
/// is empty, names are looked for: the file of the weights' name, or else the cfg's, that ends in .names; coco.names
/// beside the cfg for a model of 80 classes; without any, Network::names stays empty.
/// The tree of classes that a [region] layer of YOLO9000 names is looked for as STEM.tree beside the cfg, then under
/// its path from the working directory, from the cfg's folder and from the one above, then by its name beside the cfg.
/// The rules are those of AlexeyAB's parser.c (parse_network_cfg_custom, load_weights_upto).
/// Of a key that is given twice the first counts. What has no effect is listed in Network::warnings.
/// Throws Error(model) naming file, line, section and key for anything misspelt, missing, out of range or of the wrong
/// size, Error(unsupported) for sections and keys of Darknet that are not implemented, and Error(usage)
/// for sizes in `options` that the network cannot take.
CONVOY_API Network load_network(const std::string& cfg, const std::string& weights = {}, const std::string& names = {},
                                const LoadOptions& options = {});

/// The same from a cfg held in memory, without weights and trees of classes; `path` is only used in messages.
CONVOY_API Network parse_network(std::string_view cfg_text, const std::string& path, const LoadOptions& options = {});

/// Maps a .weights file, checks its header and its exact size and points the layers into it. Throws Error(model).
/// The file must stay as it is while the network lives: truncating it then makes reads fault, as with any mapping
/// (replacing it by a rename is fine).
CONVOY_API void attach_weights(Network& network, const std::string& weights);

/// Class names, one a line; trailing blank lines are dropped. Checks the count against the network's classes.
/// Throws Error(model).
CONVOY_API void attach_names(Network& network, const std::string& names);

/// Writes `network` as a cfg that loads to the same network again, with its tree of classes beside it where it has one
/// (STEM.tree), and its weights (version 0.2 header).
/// Either path may be empty: that file is not written. Files appear whole or not at all. Throws Error(output), and
/// Error(usage) for weights of a network that has none.
CONVOY_API void write_network(const Network& network, const std::string& cfg, const std::string& weights = {});

/// Gives every layer seeded random weights with which activations keep a sane spread through any depth
/// (He initialisation, batch-norm statistics near their fixed point), so that speed and numerics can be tested
/// with any cfg. The same seed gives the same bits on every machine.
CONVOY_API void randomize_weights(Network& network, std::uint64_t seed);

}  // namespace convoy
