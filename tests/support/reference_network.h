// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <convoy/network.h>
#include <convoy/options.h>
#include "tests/support/random.h"

namespace convoy::test {

/// Runs a network layer by layer with the plain loops: no fusion, no aliasing, no reuse of memory, batch norm in double
/// as it stands in the cfg. `input` is (1, h, w, c). Returns the output of every Darknet layer; of a yolo layer its raw
/// input.
std::vector<OwnedTensor> run_reference(const Network& network, const OwnedTensor& input,
                                       BatchNormFormula formula = BatchNormFormula::alexeyab);

/// Root mean square of all elements: the scale that a layer's errors are measured in.
double root_mean_square(kernels::ConstTensor t);

/// A noise picture, 0…1, of the network's input size; the same for the same n.
OwnedTensor noise_input(const Network& network, int n);

}  // namespace convoy::test
