// SPDX-License-Identifier: MIT
//
// Words that models, pictures and kernels share.
#pragma once

#include <cstdint>

namespace convoy {

/// Darknet's `activation=` values (activations.c): functions of one value, and of all channels of a pixel.
enum class Activation {
    linear,                            ///< x
    leaky,                             ///< x > 0 ? x : 0.1 x
    relu,                              ///< max(x, 0)
    logistic,                          ///< 1 / (1 + exp(-x))
    mish,                              ///< x tanh(ln(1 + exp(x)))
    swish,                             ///< x / (1 + exp(-x))
    relu6,                             ///< min(max(x, 0), 6)
    hard_mish,                         ///< x > 0 ? x : x > -2 ? x²/2 + x : 0
    ramp,                              ///< max(x, 0) + 0.1 x
    relie,                             ///< x > 0 ? x : 0.01 x
    elu,                               ///< x >= 0 ? x : exp(x) - 1
    selu,                              ///< 1.0507 (x >= 0 ? x : 1.6732 (exp(x) - 1))
    gelu,                              ///< x/2 (1 + tanh(0.797885 x + 0.035677 x³))
    tanh,                              ///< tanh(x)
    loggy,                             ///< 2 / (1 + exp(-x)) - 1
    hardtan,                           ///< min(max(x, -1), 1)
    lhtan,                             ///< hardtan from 0 to 1, with a slope of 0.001 beside that
    plse,                              ///< x/8 + 1/2 from -4 to 4, with a slope of 0.01 beside that
    stair,                             ///< floor(x/2), with a slope of 1 between odd and even
    normalize_channels,                ///< max(x, 0) / (1e-4 + their sum over the channels)
    normalize_channels_softmax,        ///< exp(x) / (1e-4 + their sum over the channels)
    normalize_channels_softmax_maxval  ///< the same of x - the largest channel
};
/// Those of one value.
inline constexpr Activation kActivations[] = {
    Activation::linear,  Activation::leaky, Activation::relu,      Activation::logistic, Activation::mish,
    Activation::swish,   Activation::relu6, Activation::hard_mish, Activation::ramp,     Activation::relie,
    Activation::elu,     Activation::selu,  Activation::gelu,      Activation::tanh,     Activation::loggy,
    Activation::hardtan, Activation::lhtan, Activation::plse,      Activation::stair};
/// Those that a convolution computes in its epilogue; the others are rare, and a pass of their own.
inline constexpr Activation kFusedActivations[] = {Activation::linear,   Activation::leaky, Activation::relu,
                                                   Activation::logistic, Activation::mish,  Activation::swish};
/// Those of all channels of a pixel.
inline constexpr Activation kChannelActivations[] = {Activation::normalize_channels,
                                                     Activation::normalize_channels_softmax,
                                                     Activation::normalize_channels_softmax_maxval};
constexpr bool is_fused(Activation a) { return a <= Activation::swish; }
constexpr bool is_of_channels(Activation a) { return a >= Activation::normalize_channels; }

/// How a detection head's numbers are read (yolo_layer.c, gaussian_yolo_layer.c, region_layer.c, detection_layer.c).
enum class HeadKind {
    yolo,       ///< x, y, w, h, objectness, classes; logistic but for w and h
    gaussian,   ///< x, y, w, h each with its uncertainty, objectness, classes
    region,     ///< as yolo, but anchors in cells, and classes may go through a softmax
    detection,  ///< all numbers as they are, classes may go through a softmax; boxes are not asked for objectness alone
};

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
