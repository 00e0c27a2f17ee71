// SPDX-License-Identifier: MIT
//
// Tensors as the copy engine of a Hopper GPU sees them, in boxes of 128 or 64 bytes of channels, swizzled as such rows
// are.
#pragma once

#include <cuda.h>

#include "kernels/conv.h"

namespace convoy::kernels::cuda {

/// Of what is multiplied: floats are rounded to tf32 while they are loaded, to the nearest.
constexpr CUtensorMapDataType factor_type(Math math) {
    return math == Math::fp16 ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16 : CU_TENSOR_MAP_DATA_TYPE_TFLOAT32;
}
/// Of what is added or stored.
constexpr CUtensorMapDataType stored_type(Math math) {
    return math == Math::fp16 ? CU_TENSOR_MAP_DATA_TYPE_FLOAT16 : CU_TENSOR_MAP_DATA_TYPE_FLOAT32;
}

/// `rows` rows of `columns` elements, `pitch` from one to the next; boxes of `box_rows` with `box_columns` each.
/// Addresses and pitches are multiples of 16 bytes. Throws std::runtime_error when the driver refuses.
CUtensorMap matrix_map(const void* data, int columns, std::size_t rows, std::size_t pitch, int box_rows,
                       int box_columns, CUtensorMapDataType type = CU_TENSOR_MAP_DATA_TYPE_FLOAT16);

/// The convolution's input, in boxes of `channels` of `pixels` output pixels in a row that may reach into the next
/// picture: their values at one tap, zero in the padding; of factor_type().
CUtensorMap im2col_map(const void* x, const Conv& conv, int pixels, int channels);

/// (N, H, W, C) halves with `pitch` from a pixel to the next, in boxes of `box_h` rows of `box_w` pixels with
/// `box_channels` of one picture.
CUtensorMap picture_map(const void* data, int n, int h, int w, int c, int pitch, int box_h, int box_w,
                        int box_channels);

/// `pixels` pixels of `c` halves with `pitch` from one to the next, in boxes of `box_pixels` of them, of which the copy
/// engine leaves all `block` channels from one place in a row, then those of the next block: `box_blocks` of them.
CUtensorMap blocks_map(const void* data, std::size_t pixels, int c, int pitch, int box_pixels, int block,
                       int box_blocks);

/// Whether im2col_map() can express the problem.
bool has_im2col_map(const Conv& conv);

}  // namespace convoy::kernels::cuda
