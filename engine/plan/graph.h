// SPDX-License-Identifier: MIT
//
// The engine's intermediate representation: nodes in execution order over tensors. Lowered 1:1 from a Network,
// rewritten by the passes (passes.h), then planned and run by a backend.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <convoy/network.h>
#include "kernels/rearrange.h"

namespace convoy {

using TensorId = int;  ///< index into Graph::tensors
constexpr TensorId kNoTensor = -1;

/// The activations of one picture; a batch holds them n times.
struct TensorInfo {
    std::string name;  ///< "conv 12", "input", …
    Shape shape;
    TensorId slice_of = kNoTensor;  ///< this is a channel slice of that tensor's memory
    int channel_offset = 0;         ///< where the slice starts, channels
};

struct InputOp {
    static constexpr const char* kName = "input";
};

/// y = after_residual(activation(x * w · scale + bias) + residual). inputs: x [, residual].
struct ConvOp {
    static constexpr const char* kName = "conv";
    int k = 0;  ///< output channels
    int size = 1, stride_x = 1, stride_y = 1, padding = 0, dilation = 1, groups = 1;
    WeightView weights;         ///< (k, c/groups, size, size), as mapped; empty without a weights file
    std::vector<double> scale;  ///< (k) folded batch norm; empty means 1
    std::vector<float> bias;    ///< (k); empty means 0
    Activation activation = Activation::linear;
    bool residual = false;
    Activation after_residual = Activation::linear;
    int upsample = 1;  ///< 2: every output pixel stands 2x2 times
};

/// y = scales (x - means) / f(variances) + biases, f by BatchNormFormula. Every view is (c).
struct BatchNormOp {
    static constexpr const char* kName = "batchnorm";
    WeightView scales, means, variances, biases;
};

struct ActivationOp {
    static constexpr const char* kName = "activation";
    Activation activation = Activation::linear;
};

/// y = activation(a + b); channels that only a has pass unchanged.
struct AddOp {
    static constexpr const char* kName = "add";
    Activation activation = Activation::linear;
};

struct MaxpoolOp {
    static constexpr const char* kName = "maxpool";
    int size = 1, stride_x = 1, stride_y = 1, padding = 0;  ///< padding: total, as in MaxpoolLayer
};

struct LocalAvgpoolOp {
    static constexpr const char* kName = "local_avgpool";
    int size = 1, stride_x = 1, stride_y = 1, padding = 0;  ///< padding: total
};

/// Channel k is the largest of the input's channels k, k + channels, k + 2 channels, …
struct MaxpoolDepthOp {
    static constexpr const char* kName = "maxpool_depth";
    int channels = 1;
};

/// Moves numbers; the output's shape says how many (kernels/rearrange.h).
struct RearrangeOp {
    static constexpr const char* kName = "rearrange";
    kernels::Rearrange how;
    Shape out;
};

/// y = activation(a b); b has a's shape, one pixel or one channel.
struct MultiplyOp {
    static constexpr const char* kName = "multiply";
    Activation activation = Activation::linear;
};

/// y = x > 0 ? 1 : -1.
struct BinarizeOp {
    static constexpr const char* kName = "binarize";
};

struct SoftmaxOp {
    static constexpr const char* kName = "softmax";
    int groups = 1;
    float temperature = 1.f;
};

/// One of kChannelActivations.
struct NormalizeOp {
    static constexpr const char* kName = "normalize";
    Activation kind = Activation::normalize_channels;
};

/// Weights of their own at every output pixel; views as in LocalLayer.
struct LocalOp {
    static constexpr const char* kName = "local";
    int k = 1, size = 1, stride = 1, padding = 0;
    WeightView weights, bias;
};

struct AvgpoolOp {
    static constexpr const char* kName = "avgpool";
};

struct UpsampleOp {
    static constexpr const char* kName = "upsample";
    int stride = 2;
    float scale = 1.f;
};

/// Copies the channels [offset, offset + output channels) of its input.
struct SliceOp {
    static constexpr const char* kName = "slice";
    int offset = 0;
};

/// Copies its inputs side by side along channels; those that are slices of the output already are skipped.
struct ConcatOp {
    static constexpr const char* kName = "concat";
};

/// A detection head: reads raw activations, has no output tensor.
struct YoloOp {
    static constexpr const char* kName = "yolo";
    YoloLayer head;
    HeadKind kind = HeadKind::yolo;
    bool softmax = false;        ///< of a RegionLayer or DetectionLayer
    int point = 0;               ///< of a GaussianYoloLayer
    std::vector<int> parents{};  ///< of a RegionLayer
};

using Op = std::variant<InputOp, ConvOp, BatchNormOp, ActivationOp, AddOp, MaxpoolOp, AvgpoolOp, UpsampleOp, SliceOp,
                        ConcatOp, LocalAvgpoolOp, MaxpoolDepthOp, RearrangeOp, MultiplyOp, BinarizeOp, SoftmaxOp,
                        NormalizeOp, LocalOp, YoloOp>;

struct Node {
    Op op;
    std::vector<TensorId> inputs;
    TensorId output = kNoTensor;
    int layer = -1;  ///< the Darknet layer it stems from; -1 for the input

    const char* name() const;  ///< "conv", "concat", …
};

struct Graph {
    std::vector<TensorInfo> tensors;
    std::vector<Node> nodes;             ///< in execution order
    std::vector<TensorId> layer_output;  ///< by Darknet layer: where its output can be read; kNoTensor once fused away
    std::vector<std::string> layer_names;  ///< by Darknet layer: its section in the cfg
    /// Weights that no file holds: blurs, binarised filters.
    std::vector<std::shared_ptr<const std::vector<float>>> constants;

    TensorId add_tensor(std::string name, Shape shape);
    /// The tensor whose memory `t` lies in, and t's channel offset in it.
    struct Place {
        TensorId root;
        int channel_offset;
    };
    Place place(TensorId t) const;
    /// Of all tensors, without going up a chain of slices for each.
    std::vector<Place> places() const;
    void remove_nodes(const std::vector<bool>& dead);
};

/// Who writes and who reads each tensor, by TensorId, found in one pass over the nodes. It is as old as its making:
/// whoever changes the graph afterwards says why it still serves, or makes another.
struct Uses {
    explicit Uses(const Graph& graph);
    std::vector<int> producer;              ///< index of the node; -1 when slices are written instead
    std::vector<std::vector<int>> readers;  ///< indices of the nodes that read the tensor itself, not its slices
};

/// Shape that `node` must produce from its inputs.
Shape infer_shape(const Graph& graph, const Node& node);

/// Throws std::logic_error naming the node when the graph contradicts itself: a tensor read before it is written,
/// written twice or not at all, shapes that do not follow from the operation, slices that overlap or leave their
/// tensor.
void verify(const Graph& graph);

/// A line per node, for people and for tests.
std::string print(const Graph& graph);
/// Graphviz.
std::string print_dot(const Graph& graph);

/// Network to Graph, one step at a time: a convolutional layer becomes conv, batchnorm and activation nodes, a route
/// with groups a slice per input and a concat. Routes of one whole layer and dropouts leave no node. The graph's weight
/// views point into the network's mapped file.
Graph lower(const Network& network);
Graph lower(Network&& network) = delete;

}  // namespace convoy
