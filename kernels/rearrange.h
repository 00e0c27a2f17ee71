// SPDX-License-Identifier: MIT
//
// What only moves numbers: Darknet's reorg and reorg3d, the flattening before a connected layer, YOLOv1's
// head, and crop.
#pragma once

#include "kernels/types.h"

namespace convoy::kernels {

enum class Rearrangement {
    reorg,      ///< pjreddie's (blas.c, reorg_cpu): see ReorgLayer
    reorg3d,    ///< squares of pixels to channels: y channel k is pixel k / C of each square, channel k % C
    flatten,    ///< y (N, 1, 1, C H W) in the order of channels, rows, columns, as Darknet's weights have it
    detection,  ///< a vector in the order of `flatten` to (N, S, S, boxes·(5 + classes)): see DetectionLayer
    crop,       ///< the rows and columns from `top` and `left` on, times `scale` plus `bias`
};

struct Rearrange {
    Rearrangement kind = Rearrangement::crop;
    int stride = 1;         // of reorg and reorg3d
    int top = 0, left = 0;  // of crop
    float scale = 1.f, bias = 0.f;
    int boxes = 0, classes = 0;  // of detection
};

/// An element of one picture; channels, rows and columns of a picture.
struct Element {
    int c, h, w;
};

/// Where y's element comes from in x, whose extents are given.
constexpr Element source_of(const Rearrange& r, Element x, Element y, Element at) {
    switch (r.kind) {
        case Rearrangement::reorg: {
            const int number = at.w + y.w * (at.h + y.h * at.c), parts = x.c / (r.stride * r.stride);
            const int k = number / (x.w * x.h), row = number / x.w % x.h, column = number % x.w;
            const int offset = k / parts;
            const int from_row = row * r.stride + offset / r.stride,
                      from_column = column * r.stride + offset % r.stride;
            const int from = from_column + x.w * r.stride * (from_row + x.h * r.stride * (k % parts));
            return {from / (x.w * x.h), from / x.w % x.h, from % x.w};
        }
        case Rearrangement::reorg3d:
            return {at.c % x.c, at.h * r.stride + at.c / x.c / r.stride, at.w * r.stride + at.c / x.c % r.stride};
        case Rearrangement::flatten:
            return {at.c / (x.w * x.h), at.c / x.w % x.h, at.c % x.w};
        case Rearrangement::detection: {
            const int cell = at.h * y.w + at.w, cells = y.h * y.w;
            const int box = at.c / (5 + r.classes), entry = at.c % (5 + r.classes), own = cell * r.boxes + box;
            const int from = entry > 4   ? cell * r.classes + entry - 5
                             : entry < 4 ? cells * (r.classes + r.boxes) + own * 4 + entry
                                         : cells * r.classes + own;
            return {from / (x.w * x.h), from / x.w % x.h, from % x.w};
        }
        case Rearrangement::crop:
            return {at.c, at.h + r.top, at.w + r.left};
    }
    return at;
}

namespace cpu {

/// Views may be slices; y's shape says how much there is.
void rearrange(const Rearrange& r, ConstTensor x, Tensor y);

}  // namespace cpu

/// The same on device tensors of one type. Enqueued only; std::runtime_error when CUDA refuses.
namespace cuda {

void rearrange(const Rearrange& r, const DeviceTensor& x, const DeviceTensor& y, Stream stream);

}  // namespace cuda
}  // namespace convoy::kernels
