// SPDX-License-Identifier: MIT
#pragma once

#include "kernels/yolo_decode.h"

namespace convoy::kernels::cuda {

/// candidate_picture() inside a kernel: `first` is picture 0.
__device__ __forceinline__ CandidatePicture picture_of(CandidatePicture first, CandidateCapacity capacity,
                                                       int picture) {
    return {first.counts + 2 * picture, first.boxes + std::size_t(picture) * capacity.boxes,
            first.probs + std::size_t(picture) * capacity.probs};
}

}  // namespace convoy::kernels::cuda
