// SPDX-License-Identifier: MIT
#include <cmath>

#include "engine/plan/fold.h"
#include "engine/plan/passes.h"

namespace convoy {
namespace {

double deviation(double variance, BatchNormFormula formula) {
    switch (formula) {
        case BatchNormFormula::pjreddie:
            return std::sqrt(variance) + 1e-6;
        case BatchNormFormula::opencv:
            return std::sqrt(variance + 1e-6);
        case BatchNormFormula::alexeyab:
            break;
    }
    return std::sqrt(variance + 1e-5);
}

}  // namespace

FoldedBatchNorm fold(const BatchNormOp& bn, int channels, BatchNormFormula formula) {
    FoldedBatchNorm out{std::vector<double>(channels, 1.0), std::vector<float>(channels, 0.f)};
    if (bn.scales.empty()) return out;  // no weights file: only the structure matters
    for (int c = 0; c < channels; ++c) {
        out.scale[c] = double(bn.scales[c]) / deviation(bn.variances[c], formula);
        out.bias[c] = float(double(bn.biases[c]) - double(bn.means[c]) * out.scale[c]);
    }
    return out;
}

void fold_batchnorm(Graph& graph, const PassContext& context) {
    // As lowered: a convolution that has taken a batch norm in is not seen as the producer of what it then writes, so
    // that it takes no second one.
    const Uses uses(graph);
    std::vector<bool> dead(graph.nodes.size(), false);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        auto* bn = std::get_if<BatchNormOp>(&graph.nodes[i].op);
        if (!bn) continue;
        const TensorId between = graph.nodes[i].inputs[0];
        const int from = uses.producer[between];
        auto* conv = from < 0 ? nullptr : std::get_if<ConvOp>(&graph.nodes[from].op);
        // Someone else who reads the raw sums keeps the batch norm from being folded. One that is a layer of its own
        // stays: before it stand a bias, or the blur of antialiasing, whose output is that of another layer.
        if (!conv || uses.readers[between].size() != 1 || graph.nodes[from].layer != graph.nodes[i].layer) continue;
        FoldedBatchNorm folded = fold(*bn, conv->k, context.batch_norm);
        conv->scale = std::move(folded.scale);
        conv->bias = std::move(folded.bias);
        graph.nodes[from].output = graph.nodes[i].output;
        dead[i] = true;
    }
    graph.remove_nodes(dead);
}

}  // namespace convoy
