// SPDX-License-Identifier: MIT
//
// Raw head activations to candidate boxes over a threshold (Darknet's yolo_layer.c, gaussian_yolo_layer.c,
// region_layer.c).
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/preprocess.h"
#include "kernels/types.h"

namespace convoy::kernels {

/// A run of classes.
struct ClassGroup {
    int first = 0, size = 0;
};

/// The children of none, which are the roots, and then those of each class; empty without a tree. `parents`: of each
/// class, before it, -1 for none; children of the same parent side by side.
std::vector<ClassGroup> class_tree(const std::vector<int>& parents);

/// One head: input (N, H, W, anchors·(numbers() + classes)), raw, anchor-major.
struct YoloHead {
    int classes = 0;
    std::vector<float> anchors;  ///< of this head only: w, h, w, h … in network pixels
    float scale_x_y = 1.f;
    bool new_coords = false;
    int net_w = 0, net_h = 0;  ///< what anchors are measured in: the network's pixels, for a region the head's cells
    HeadKind kind = HeadKind::yolo;
    bool softmax = false;            ///< region: of the classes
    float point = 0;                 ///< gaussian: how many widths and heights x and y lie before the centre
    std::vector<ClassGroup> tree{};  ///< region: of the classes, of which a box then has one

    /// Of a box before its classes, objectness last; and how far apart x, y, w and h are.
    int numbers() const { return kind == HeadKind::gaussian ? 9 : 5; }
    int spacing() const { return kind == HeadKind::gaussian ? 2 : 1; }
};

/// Boxes of one picture, in Darknet's order: head by head, then rows, columns, anchors.
/// Structure of arrays; entry i owns the class probabilities first_prob[i] … first_prob[i + 1] of probs.
struct Candidates {
    struct Box {
        float x, y, w, h;  ///< centre and size, source pixels
    };
    struct ClassProb {
        int class_id;
        float prob;  ///< objectness · class, already over the threshold
    };
    std::vector<Box> boxes;
    std::vector<float> objectness;
    std::vector<std::size_t> first_prob = {0};
    std::vector<ClassProb> probs;
    std::size_t not_finite = 0;  ///< boxes that are not listed, since a number of theirs is NaN or infinite
    void clear();
};

/// How boxes go back from network to source pixels (correct_yolo_boxes): the offset is the *float* (net - new)/2.
struct BoxTransform {
    Placement placement;
    int width = 0, height = 0;  ///< of the source
};

namespace cpu {

/// Appends picture `n` of `head`'s activations: boxes with objectness > threshold, and of those the classes with
/// objectness·class > threshold (of a detection head all boxes with any objectness; of a gaussian head times what a
/// gaussian head is certain of); both strict. A box without such a class is still listed, as Darknet does. One whose
/// objectness is NaN, or any of whose numbers is NaN or infinite, is counted instead.
/// In a tree of classes the most likely child is gone to for as long as the product of all probabilities on the way
/// times those of its parents is over .5 (hierarchy_top_prediction, Darknet's default for -hier); the box has the class
/// that is reached, with its objectness.
void yolo_decode(const YoloHead& head, ConstTensor x, int n, float threshold, const BoxTransform& transform,
                 Candidates& out);

}  // namespace cpu

namespace cuda {

/// One head in device memory.
struct DeviceHead {
    YoloHead head;
    DeviceTensor x;  ///< (N, H, W, anchors·(numbers() + classes))
};

/// A box over the threshold and the place of its classes in CandidatePicture::probs.
struct CandidateBox {
    int order;  ///< its place among all boxes of all heads, over the threshold or not: Darknet's order
    float x, y, w, h, objectness;
    int first_prob, probs;
};

/// The candidates of one picture in device memory; boxes and probs lie there in no particular order, the probs of one
/// box together with classes ascending.
struct CandidatePicture {
    /// Boxes found, probs found; more than the capacities when not all could be stored, or when a number is NaN or
    /// infinite, which the host counts.
    int* counts;
    CandidateBox* boxes;
    Candidates::ClassProb* probs;
};

/// How much is kept for a picture. What does not fit is counted all the same, so that the caller can tell.
struct CandidateCapacity {
    int boxes = 4096, probs = 8192;
};

/// One device allocation for `n` pictures.
std::size_t candidate_bytes(CandidateCapacity capacity, int n);
CandidatePicture candidate_picture(void* memory, CandidateCapacity capacity, int n, int picture);

/// Makes `memory` an empty list for each of its `n` pictures: before every yolo_decode(). Enqueued only;
/// std::runtime_error when CUDA refuses.
void clear_candidates(int n, void* memory, Stream stream);

/// Lists the candidates of the first `count` of the `n` pictures that `memory` was made for, the same boxes and
/// probabilities as cpu::yolo_decode. `transforms` (n) is device memory. Enqueued only; std::runtime_error when CUDA
/// refuses.
void yolo_decode(const std::vector<DeviceHead>& heads, float threshold, const BoxTransform* transforms,
                 CandidateCapacity capacity, int n, int count, void* memory, Stream stream);

}  // namespace cuda
}  // namespace convoy::kernels
