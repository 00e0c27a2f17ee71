// SPDX-License-Identifier: MIT
//
// Words that models, pictures and kernels share.
#pragma once

#include <cstdint>

namespace convoy {

/// Darknet's `activation=` values that inference networks use (activations.c): the function of one value.
enum class Activation {
    linear,    ///< x
    leaky,     ///< x > 0 ? x : 0.1 x
    relu,      ///< max(x, 0)
    logistic,  ///< 1 / (1 + exp(-x))
    mish,      ///< x tanh(ln(1 + exp(x)))
    swish,     ///< x / (1 + exp(-x))
};
/// All of them.
inline constexpr Activation kActivations[] = {Activation::linear,   Activation::leaky, Activation::relu,
                                              Activation::logistic, Activation::mish,  Activation::swish};

/// How much two boxes overlap, for non-maximum suppression: Darknet's `nms_kind=`.
enum class NmsKind {
    iou,   ///< intersection over union (`nms_kind` absent or `default`)
    diou,  ///< IoU - (centre distance² / enclosing diagonal²)^beta (`diounms`; `greedynms` is the same with beta .6)
};

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

/// A picture that lies in somebody else's memory, of the host or of a device.
struct PixelView {
    PixelFormat format = PixelFormat::rgb8;
    const std::uint8_t* plane[2] = {nullptr, nullptr};
    int pitch[2] = {0, 0};  ///< bytes between rows
    int width = 0, height = 0;
    ColorMatrix matrix = ColorMatrix::bt709;  ///< nv12 only
    ColorRange range = ColorRange::limited;   ///< nv12 only
    bool on_device = false;                   ///< the planes are memory of the GPU that is to read them
};

}  // namespace convoy
