// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <convoy/options.h>
#include "engine/plan/graph.h"

namespace convoy {

/// A batch norm as y = scale x + bias.
struct FoldedBatchNorm {
    std::vector<double> scale;  ///< (c)
    std::vector<float> bias;    ///< (c)
};

/// Computed in double, as AlexeyAB's fuse_conv_batchnorm (network.c). Without weights: scale 1, bias 0.
FoldedBatchNorm fold(const BatchNormOp& bn, int channels, BatchNormFormula formula);

}  // namespace convoy
