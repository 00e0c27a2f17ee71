// SPDX-License-Identifier: MIT
//
// A picture of any size to the network's input: colour, resize, letterbox, 0…1.
#pragma once

#include <cstdint>

#include "kernels/types.h"

namespace convoy::kernels {

enum class PixelFormat {
    rgb8,  ///< plane 0: (H, W, 3) bytes
    nv12,  ///< plane 0: (H, W) luma; plane 1: (ceil(H/2), ceil(W/2), 2) interleaved Cb, Cr
};
enum class ColorMatrix { bt601, bt709 };
enum class ColorRange { limited, full };  ///< luma 16…235 or 0…255

/// How a picture is made to fit the network's input.
enum class Fit {
    letterbox,  ///< aspect ratio kept, bars of 0.5
    stretch,    ///< both axes scaled on their own
};
enum class Resize {
    bilinear,  ///< half-pixel centres, as OpenCV's INTER_LINEAR
    darknet,   ///< corner-aligned two-pass bilinear on floats: Darknet's resize_image (image.c), to the bit pattern of
               ///< its arithmetic
};

/// A picture in host or, for cuda::, device memory.
struct PixelView {
    PixelFormat format = PixelFormat::rgb8;
    const std::uint8_t* plane[2] = {nullptr, nullptr};
    int pitch[2] = {0, 0};  ///< bytes between rows
    int width = 0, height = 0;
    ColorMatrix matrix = ColorMatrix::bt709;  ///< nv12 only
    ColorRange range = ColorRange::limited;   ///< nv12 only
    bool on_device = false;                   ///< the planes are memory of the GPU that is to read them
};

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
