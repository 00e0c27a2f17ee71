// SPDX-License-Identifier: MIT
#pragma once

#include <convoy/media/image.h>

namespace convoy::media {

/// The whole picture in another size.
Image scaled(const Image& image, int width, int height);
Nv12Image scaled(const Nv12Image& image, int width, int height);

/// As large as it fits into width x height with its proportions kept, in the middle; the rest is black. Its pixels are
/// `pixel_shape` times as wide against their height as those of the result.
Image letterboxed(const Image& image, double pixel_shape, int width, int height);

}  // namespace convoy::media
