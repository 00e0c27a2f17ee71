// SPDX-License-Identifier: MIT
//
// Per-class non-maximum suppression in Darknet's order (do_nms_sort, box.c).
#pragma once

#include <vector>

#include "kernels/yolo_decode.h"

namespace convoy::kernels {

enum class Overlap {
    iou,
    diou,  ///< IoU - (centre distance² / enclosing diagonal²)^beta (AlexeyAB's diounms_sort; its greedynms has beta .6)
};

/// A box that survived: one per class it carries.
struct Survivor {
    std::size_t candidate;  ///< index into the Candidates
    int class_id;
    float prob;
};

namespace cpu {

/// Replaces `out`. Suppresses, class by class and strongest first, what overlaps a stronger box by more than
/// `threshold` (strict), and lists what is left in the order in which Darknet lists it: boxes as its repeated stable
/// sorts leave them (last class most significant), classes ascending within a box.
void nms(const Candidates& candidates, int classes, Overlap overlap, float beta, float threshold,
         std::vector<Survivor>& out);

}  // namespace cpu
}  // namespace convoy::kernels
