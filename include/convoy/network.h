// SPDX-License-Identifier: MIT
//
// A Darknet model as it stands in its files: typed layers with resolved indices and shapes, and views of the
// mapped weights. Nothing here knows how a layer is computed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <convoy/error.h>
#include <convoy/types.h>

namespace convoy {

/// Shape of one picture's activations, without the batch.
struct Shape {
    int c = 0;  ///< channels
    int h = 0;  ///< rows
    int w = 0;  ///< columns
    std::size_t elements() const { return std::size_t(c) * std::size_t(h) * std::size_t(w); }
    bool operator==(const Shape&) const = default;
};

/// Darknet's spelling of an activation, e.g. "leaky".
const char* to_string(Activation a);

/// `count` floats of the mapped .weights file, or none when a network was loaded without weights.
/// Valid as long as a copy of the `Network` (or of its `weights_storage`) lives.
struct WeightView {
    const float* data = nullptr;
    std::size_t count = 0;
    const float* begin() const { return data; }
    const float* end() const { return data + count; }
    float operator[](std::size_t i) const { return data[i]; }
    bool empty() const { return data == nullptr; }
};

/// A layer's parameters, with Darknet's defaults. kName is its section in a cfg.
struct ConvolutionalLayer {
    static constexpr const char* kName = "convolutional";
    int filters = 1;
    int size = 1;  ///< kernel rows = columns
    int stride_x = 1;
    int stride_y = 1;
    int padding = 0;  ///< on every side, pixels; with dilation already multiplied by it, as Darknet applies it
    int dilation = 1;
    int groups = 1;
    bool batch_normalize = false;
    Activation activation = Activation::logistic;
    WeightView biases;     ///< (filters)
    WeightView scales;     ///< (filters), with batch_normalize
    WeightView means;      ///< (filters), with batch_normalize
    WeightView variances;  ///< (filters), with batch_normalize
    WeightView weights;    ///< (filters, c/groups, size, size)
};

/// Adds the outputs of the layers `from` to the output of the layer before it.
struct ShortcutLayer {
    static constexpr const char* kName = "shortcut";
    std::vector<int> from;  ///< absolute layer indices, all earlier
    Activation activation = Activation::linear;
    bool operator==(const ShortcutLayer&) const = default;
};

/// Concatenates along channels; of each input only the `group_id`-th of `groups` equal channel slices.
struct RouteLayer {
    static constexpr const char* kName = "route";
    std::vector<int> layers;  ///< absolute layer indices, all earlier
    int groups = 1;
    int group_id = 0;
    bool operator==(const RouteLayer&) const = default;
};

/// Nearest neighbour, every pixel becomes stride × stride pixels, times `scale`.
struct UpsampleLayer {
    static constexpr const char* kName = "upsample";
    int stride = 2;
    float scale = 1.f;
    bool operator==(const UpsampleLayer&) const = default;
};

struct MaxpoolLayer {
    static constexpr const char* kName = "maxpool";
    int size = 1;
    int stride_x = 1;
    int stride_y = 1;
    int padding = 0;  ///< total over both sides; windows start at -padding/2, outside counts as -inf
    bool operator==(const MaxpoolLayer&) const = default;
};

/// Mean over all pixels of each channel: output is (c, 1, 1).
struct AvgpoolLayer {
    static constexpr const char* kName = "avgpool";
    bool operator==(const AvgpoolLayer&) const = default;
};

/// Nothing at inference; kept so that layer indices match the cfg.
struct DropoutLayer {
    static constexpr const char* kName = "dropout";
    float probability = .2f;
    bool operator==(const DropoutLayer&) const = default;
};

struct Anchor {
    float w = 0, h = 0;  ///< network input pixels
};

/// A detection head. Its input has mask.size() × (5 + classes) channels: anchor-major, then x, y, w, h,
/// objectness, classes.
struct YoloLayer {
    static constexpr const char* kName = "yolo";
    int classes = 20;
    std::vector<Anchor> anchors;  ///< all anchors of the model
    std::vector<int> mask;        ///< indices into `anchors` that this head predicts
    float scale_x_y = 1.f;        ///< x' = x s - (s - 1)/2 after the logistic
    bool new_coords = false;      ///< sizes are (2 t)^2 anchor and nothing is squashed
    NmsKind nms_kind = NmsKind::iou;
    float beta_nms = .6f;  ///< exponent of DIoU's distance term with NmsKind::diou; greedynms has always .6
};

using LayerKind = std::variant<ConvolutionalLayer, ShortcutLayer, RouteLayer, UpsampleLayer, MaxpoolLayer, AvgpoolLayer,
                               DropoutLayer, YoloLayer>;

struct Layer {
    LayerKind kind;
    Shape in;  ///< output of the layer before (the picture for layer 0); for a route, of its first input
    Shape out;
    int line = 0;              ///< of its section header in the cfg
    const char* name() const;  ///< "convolutional", "shortcut", …
};

/// A model as loaded. Copies are cheap to read from and share the mapped weights.
struct Network {
    Shape input;                     ///< channels, height, width
    bool letter_box = false;         ///< `letter_box=1` in [net]
    std::vector<Layer> layers;       ///< in cfg order; Darknet's layer n is layers[n]
    std::vector<std::string> names;  ///< class names; empty when none were given
    std::string cfg_path;
    /// What its cfg says to no effect, a sentence each that names file, line, section and key: keys that nobody knows,
    /// keys that are given twice with different values. LoadOptions::strict makes an error of each.
    std::vector<std::string> warnings;
    std::string weights_path;                     ///< empty when loaded without weights
    std::uint64_t seen = 0;                       ///< training pictures, from the weights header
    std::shared_ptr<const void> weights_storage;  ///< keeps the file mapped

    bool has_weights() const { return weights_storage != nullptr; }
    /// Classes of its heads; 0 when it has none. Loading makes sure that all heads agree.
    int classes() const;
    /// Floats that its .weights file holds after the header.
    std::size_t weight_count() const;
};

}  // namespace convoy
