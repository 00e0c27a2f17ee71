// SPDX-License-Identifier: MIT
#pragma once

#include <convoy/network.h>

namespace convoy {

/// Fills `in` and `out` of every layer from network.input and checks that layers fit together and that all heads have
/// the same classes. Throws Error(model) naming the cfg, the section's line and the layer, and Error(unsupported)
/// where a layer reads the output of a [yolo] head.
void infer_shapes(Network& network);

}  // namespace convoy
