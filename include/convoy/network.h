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
#include <convoy/export.h>
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
CONVOY_API const char* to_string(Activation a);

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
    /// Weights become the mean of their filter's magnitudes with their own sign, inputs 1 or -1.
    bool xnor = false;
    /// 1: strides are those of a 3×3 binomial blur behind the activation, 2: of a 2×2 mean; the convolution has none.
    int antialiasing = 0;
    int share = -1;        ///< layer whose weights and batch norm these are; it has none in the file
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
    int padding = 0;       ///< total over both sides; windows start at -padding/2, outside counts as -inf
    int antialiasing = 0;  ///< as in ConvolutionalLayer
    int depth = 0;  ///< channels of the output, each the largest of every depth-th channel of a pixel; 0: windows
    bool operator==(const MaxpoolLayer&) const = default;
};

/// Mean over all pixels of each channel: output is (c, 1, 1).
struct AvgpoolLayer {
    static constexpr const char* kName = "avgpool";
    bool operator==(const AvgpoolLayer&) const = default;
};

/// Mean over the pixels of each window that lie inside.
struct LocalAvgpoolLayer {
    static constexpr const char* kName = "local_avgpool";
    int size = 1;
    int stride_x = 1;
    int stride_y = 1;
    int padding = 0;  ///< as in MaxpoolLayer
    bool operator==(const LocalAvgpoolLayer&) const = default;
};

/// What pjreddie's reorg does: the numbers in the order of (c / s², h s, w s) are dealt out to (c, h, w) by squares,
/// and read as (c s², h / s, w / s).
struct ReorgLayer {
    static constexpr const char* kName = "reorg";
    int stride = 1;
    bool operator==(const ReorgLayer&) const = default;
};

/// Squares of stride × stride pixels to channels: output is (c s², h / s, w / s).
struct Reorg3dLayer {
    static constexpr const char* kName = "reorg3d";
    int stride = 1;
    bool operator==(const Reorg3dLayer&) const = default;
};

/// The layer before times layer `from`, number by number.
struct SamLayer {
    static constexpr const char* kName = "sam";
    int from = 0;  ///< absolute
    Activation activation = Activation::linear;
    bool operator==(const SamLayer&) const = default;
};

/// Layer `from`, each channel times that number of the layer before (c, 1, 1); or each pixel times that of (1, h, w).
struct ScaleChannelsLayer {
    static constexpr const char* kName = "scale_channels";
    int from = 0;           ///< absolute
    bool scale_wh = false;  ///< pixels, not channels
    Activation activation = Activation::linear;
    bool operator==(const ScaleChannelsLayer&) const = default;
};

struct ActivationLayer {
    static constexpr const char* kName = "activation";
    Activation activation = Activation::linear;
    bool operator==(const ActivationLayer&) const = default;
};

/// exp(x / temperature) / their sum over each of `groups` parts of the channels. Input is (c, 1, 1).
struct SoftmaxLayer {
    static constexpr const char* kName = "softmax";
    int groups = 1;
    float temperature = 1.f;
    bool operator==(const SoftmaxLayer&) const = default;
};

struct BatchnormLayer {
    static constexpr const char* kName = "batchnorm";
    WeightView biases, scales, means, variances;  ///< (c) each
};

/// Every output from every input: output is (outputs, 1, 1).
struct ConnectedLayer {
    static constexpr const char* kName = "connected";
    int outputs = 1;
    bool batch_normalize = false;
    Activation activation = Activation::logistic;
    WeightView biases;                    ///< (outputs)
    WeightView weights;                   ///< (outputs, c, h, w)
    WeightView scales, means, variances;  ///< (outputs) each, with batch_normalize
};

/// A convolution with weights of its own at every place.
struct LocalLayer {
    static constexpr const char* kName = "local";
    int filters = 1;
    int size = 1;
    int stride = 1;
    int padding = 0;  ///< on every side, pixels: 0, or 1 with size 3
    Activation activation = Activation::logistic;
    WeightView biases;   ///< (filters, output rows, output columns)
    WeightView weights;  ///< (output rows, output columns, filters, c, size, size)
};

/// The middle of the picture, 2 x - 1 unless noadjust.
struct CropLayer {
    static constexpr const char* kName = "crop";
    int height = 1, width = 1;  ///< of the output
    bool noadjust = false;
    bool operator==(const CropLayer&) const = default;
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

/// YOLOv2's head: as a YoloLayer's, with all anchors, which are in cells of the head.
struct RegionLayer : YoloLayer {
    static constexpr const char* kName = "region";
    bool softmax = false;  ///< of the classes, instead of a logistic of each
    std::string tree;      ///< the file of its tree of classes as the cfg names it; empty: it has none
    int tree_line = 0;     ///< where the cfg does so
    /// With a tree, once load_network() has read it: each class's parent, which comes before it, or -1. Those of the
    /// same parent stand side by side and share a softmax.
    std::vector<int> parents;
};

/// A YoloLayer whose x, y, w and h are each followed by its uncertainty: mask.size() × (9 + classes) channels.
struct GaussianYoloLayer : YoloLayer {
    static constexpr const char* kName = "Gaussian_yolo";
    /// What x and y are of the box: its centre (0), its left top (1) or its right bottom (-1).
    int point = 0;
};

/// YOLOv1's head over a vector: the classes of each of side × side cells, then the objectness of each of its boxes,
/// then x and y in the cell and the roots of the fractions of the picture that w and h are.
struct DetectionLayer : YoloLayer {
    static constexpr const char* kName = "detection";
    int side = 7;
    bool softmax = false;                           ///< of the classes
    int boxes() const { return int(mask.size()); }  ///< of a cell; YoloLayer's anchors are quarters
};

using LayerKind = std::variant<ConvolutionalLayer, ShortcutLayer, RouteLayer, UpsampleLayer, MaxpoolLayer, AvgpoolLayer,
                               LocalAvgpoolLayer, ReorgLayer, Reorg3dLayer, SamLayer, ScaleChannelsLayer,
                               ActivationLayer, SoftmaxLayer, BatchnormLayer, ConnectedLayer, LocalLayer, CropLayer,
                               DropoutLayer, YoloLayer, RegionLayer, GaussianYoloLayer, DetectionLayer>;

/// What heads have in common, or null where `kind` is none; and the numbers of a box before its classes.
CONVOY_API const YoloLayer* head_of(const LayerKind& kind);
CONVOY_API YoloLayer* head_of(LayerKind& kind);
CONVOY_API int numbers_of_box(const LayerKind& head);

struct CONVOY_API Layer {
    LayerKind kind;
    Shape in;  ///< output of the layer before (the picture for layer 0); for a route, of its first input
    Shape out;
    int line = 0;              ///< of its section header in the cfg
    const char* name() const;  ///< "convolutional", "shortcut", …
};

/// A model as loaded. Copies are cheap to read from and share the mapped weights.
struct CONVOY_API Network {
    Shape input;                     ///< channels, height, width
    bool letter_box = false;         ///< `letter_box=1` in [net]
    int letter_box_line = 0;         ///< where the cfg says so; 0: it does not
    int channels_line = 0;           ///< where it says `channels`
    std::vector<Layer> layers;       ///< in cfg order; Darknet's layer n is layers[n]
    std::vector<std::string> names;  ///< class names; empty when none were given
    std::string cfg_path;
    /// What its cfg says to no effect, a sentence each that names file, line, section and key: keys that nobody knows,
    /// keys that are given twice with different values; and input_error(). LoadOptions::strict makes an error of each.
    std::vector<std::string> warnings;
    std::string weights_path;                     ///< empty when loaded without weights
    std::uint64_t seen = 0;                       ///< training pictures, from the weights header
    std::shared_ptr<const void> weights_storage;  ///< keeps the file mapped

    bool has_weights() const { return weights_storage != nullptr; }
    /// Classes of its heads; 0 when it has none. Loading makes sure that all heads agree.
    int classes() const;
    /// Whether the name of a class begins with "dont_show": it is not reported (AlexeyAB image.c).
    bool is_hidden(int class_id) const;
    /// Floats that its .weights file holds after the header.
    std::size_t weight_count() const;
    /// Why no picture can be its input, a sentence as in `warnings`; "" where pictures can.
    std::string input_error() const;
    /// That the model was trained on pictures of another fit, as its cfg says, a sentence as in `warnings`; else "".
    std::string fit_warning(Fit fit) const;
};

}  // namespace convoy
