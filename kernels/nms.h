// SPDX-License-Identifier: MIT
//
// Per-class non-maximum suppression in Darknet's order (do_nms_sort, box.c).
#pragma once

#include <atomic>
#include <vector>

#include "kernels/yolo_decode.h"

namespace convoy::kernels {

/// A box that survived: one per class it carries.
struct Survivor {
    std::size_t candidate;  ///< index into the Candidates
    int class_id;
    float prob;
};

namespace cpu {

/// Replaces `out`. Suppresses, class by class and strongest first, what overlaps a stronger box by more than
/// `threshold` (strict, >= 0), and lists what is left in the order in which Darknet lists it: boxes as its repeated
/// stable sorts leave them (last class most significant), classes ascending within a box. All numbers are finite.
/// False, and `out` as it was, if `stop` became true while many were compared.
bool nms(const Candidates& candidates, int classes, NmsKind kind, float beta, float threshold,
         std::vector<Survivor>& out, const std::atomic<bool>* stop = nullptr);

}  // namespace cpu

namespace cuda {

/// What comes back to the host for a picture: every box that has a survivor, with all its classes.
struct SurvivorPicture {
    struct Entry {
        CandidateBox box;
        int class_id;
        float prob;
        int kept;  ///< 0: suppressed, listed because Darknet's order depends on it
    };
    int* counts;  ///< entries; 1 when the candidates overflowed, or what a block can sort, and no entry is valid
    Entry* entries;
};

/// Host memory that the device can write, for `n` pictures.
std::size_t survivor_bytes(CandidateCapacity capacity, int n);
SurvivorPicture survivor_picture(void* memory, CandidateCapacity capacity, int n, int picture);

/// cpu::nms over the candidates of the first `count` pictures, a block a picture. Enqueued only; std::runtime_error
/// when CUDA refuses.
void nms(const void* candidates, CandidateCapacity capacity, int n, int count, int classes, NmsKind kind, float beta,
         float threshold, void* survivors, Stream stream);

/// On the host, once the device has written: the survivors in Darknet's order, as boxes and what cpu::nms would list.
/// False when the candidates overflowed: decode that picture on the host instead.
bool read_survivors(const void* survivors, CandidateCapacity capacity, int n, int picture, int classes,
                    Candidates& boxes, std::vector<Survivor>& out);

}  // namespace cuda
}  // namespace convoy::kernels
