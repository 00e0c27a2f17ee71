// SPDX-License-Identifier: MIT
//
// A picture of any size to the network's input: colour, resize, letterbox, 0…1.
#pragma once

#include "kernels/types.h"

namespace convoy::kernels {

/// Where the scaled picture lies inside the network's input, all in network pixels.
struct Placement {
    int net_w = 0, net_h = 0;
    int x = 0, y = 0, w = 0, h = 0;
};

/// Darknet's letterbox_image geometry: the new size by integer division (but at least one pixel), the offset
/// (net - new)/2 as an integer.
Placement place(Fit fit, int width, int height, int net_w, int net_h);

namespace cpu {

/// Writes one picture (n = 1, c = 3, RGB, 0…1) into `y` of shape (1, net_h, net_w, 3); bars are filled with 0.5.
/// NV12 is sampled plane by plane, bilinearly at the same point of the picture, each chroma sample standing for the
/// middle of its 2×2 pixels; colour comes after. Resize::darknet is bit exact for rgb8, for NV12 it only places the
/// samples. Runs on the calling thread.
void preprocess(const PixelView& picture, const Placement& placement, Resize resize, Tensor y);

}  // namespace cpu

namespace cuda {

/// A picture in device memory and where it goes.
struct PlacedPicture {
    PixelView picture;
    Placement placement;
};

/// Writes `count` pictures, each of its own size and format, into the images 0 … count - 1 of y (N, net_h, net_w, 3),
/// pitch 4; the fourth lane is zero. The same arithmetic as cpu::preprocess, to the bit for Resize::darknet in fp32.
/// `pictures` is host memory, read before the call returns. Enqueued only; std::runtime_error when CUDA refuses.
void preprocess(const PlacedPicture* pictures, int count, Resize resize, const DeviceTensor& y, Stream stream);

}  // namespace cuda
}  // namespace convoy::kernels
