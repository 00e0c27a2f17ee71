// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "kernels/nms.h"

namespace convoy::kernels::cpu {

/// The last step of nms(), wherever the others ran: replaces `out` by the class probabilities that were kept, in the
/// order in which Darknet lists them. `kept` goes with Candidates::probs.
void list_survivors(const Candidates& candidates, int classes, const std::vector<unsigned char>& kept,
                    std::vector<Survivor>& out);

}  // namespace convoy::kernels::cpu
