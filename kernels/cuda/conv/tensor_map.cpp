// SPDX-License-Identifier: MIT
#include "kernels/cuda/conv/tensor_map.h"

#include <stdexcept>
#include <string>

#include "kernels/cuda/check.h"

namespace convoy::kernels::cuda {
namespace {

/// The driver's functions, found at run time: the program is not linked with the driver.
template <typename Function>
Function* driver_function(const char* name) {
    constexpr unsigned kCuda12 = 12000;
    void* address = nullptr;
    cudaDriverEntryPointQueryResult found{};
    check(cudaGetDriverEntryPointByVersion(name, &address, kCuda12, cudaEnableDefault, &found), name);
    if (found != cudaDriverEntryPointSuccess) throw std::runtime_error(std::string("the NVIDIA driver has no ") + name);
    return reinterpret_cast<Function*>(address);
}

void check_encoded(CUresult result, const char* what) {
    if (result != CUDA_SUCCESS)
        throw std::runtime_error(std::string(what) + ": the driver refuses (" + std::to_string(int(result)) + ")");
}

cuuint64_t bytes(CUtensorMapDataType type) { return type == CU_TENSOR_MAP_DATA_TYPE_FLOAT16 ? 2 : 4; }

/// Rows of more than 128 bytes lie as they are.
CUtensorMapSwizzle swizzle(int channels, CUtensorMapDataType type) {
    const cuuint64_t row = channels * bytes(type);
    if (row > 128) return CU_TENSOR_MAP_SWIZZLE_NONE;
    return row == 128 ? CU_TENSOR_MAP_SWIZZLE_128B : CU_TENSOR_MAP_SWIZZLE_64B;
}

/// Of a filter with `taps` in a row of the picture: by how much the last pixel's first tap lies before the picture's.
int upper_corner(int pad, int taps, int dilation) { return pad - (taps - 1) * dilation; }

template <int RANK>
CUtensorMap tiled_map(CUtensorMapDataType type, const void* data, const cuuint64_t (&sizes)[RANK],
                      const cuuint64_t (&strides)[RANK - 1], const cuuint32_t (&box)[RANK]) {
    static const auto encode = driver_function<decltype(cuTensorMapEncodeTiled)>("cuTensorMapEncodeTiled");
    const cuuint32_t steps[] = {1, 1, 1, 1};
    CUtensorMap map;
    check_encoded(
        encode(&map, type, RANK, const_cast<void*>(data), sizes, strides, box, steps, CU_TENSOR_MAP_INTERLEAVE_NONE,
               swizzle(int(box[0]), type), CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
        "cuTensorMapEncodeTiled");
    return map;
}

}  // namespace

CUtensorMap matrix_map(const void* data, int columns, std::size_t rows, std::size_t pitch, int box_rows,
                       int box_columns, CUtensorMapDataType type) {
    const cuuint64_t sizes[] = {cuuint64_t(columns), rows}, strides[] = {bytes(type) * pitch};
    const cuuint32_t box[] = {cuuint32_t(box_columns), cuuint32_t(box_rows)};
    return tiled_map<2>(type, data, sizes, strides, box);
}

CUtensorMap picture_map(const void* data, int n, int h, int w, int c, int pitch, int box_h, int box_w,
                        int box_channels) {
    constexpr auto kType = CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
    const cuuint64_t pixel = bytes(kType) * pitch, row = pixel * w;
    const cuuint64_t sizes[] = {cuuint64_t(c), cuuint64_t(w), cuuint64_t(h), cuuint64_t(n)};
    const cuuint64_t strides[] = {pixel, row, row * h};
    const cuuint32_t box[] = {cuuint32_t(box_channels), cuuint32_t(box_w), cuuint32_t(box_h), 1};
    return tiled_map<4>(kType, data, sizes, strides, box);
}

CUtensorMap blocks_map(const void* data, std::size_t pixels, int c, int pitch, int box_pixels, int block,
                       int box_blocks) {
    constexpr auto kType = CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
    const cuuint64_t pixel = bytes(kType) * pitch;
    const cuuint64_t sizes[] = {cuuint64_t(block), pixels, cuuint64_t(c / block), 1};
    const cuuint64_t strides[] = {pixel, bytes(kType) * block, pixel * pixels};
    const cuuint32_t box[] = {cuuint32_t(block), cuuint32_t(box_pixels), cuuint32_t(box_blocks), 1};
    return tiled_map<4>(kType, data, sizes, strides, box);
}

CUtensorMap im2col_map(const void* x, const Conv& conv, int pixels, int channels) {
    static const auto encode = driver_function<decltype(cuTensorMapEncodeIm2col)>("cuTensorMapEncodeIm2col");
    const ConvProblem& p = conv.problem;
    const CUtensorMapDataType type = factor_type(conv.math);
    const cuuint64_t pixel = bytes(type) * conv.x_pitch, row = pixel * p.w;
    const cuuint64_t sizes[] = {cuuint64_t(conv.packed_c()), cuuint64_t(p.w), cuuint64_t(p.h), cuuint64_t(p.n)};
    const cuuint64_t strides[] = {pixel, row, row * p.h};
    const int lower[] = {-p.pad_w, -p.pad_h};
    const int upper[] = {upper_corner(p.pad_w, p.s, p.dilation), upper_corner(p.pad_h, p.r, p.dilation)};
    const cuuint32_t steps[] = {1, cuuint32_t(p.stride_w), cuuint32_t(p.stride_h), 1};
    CUtensorMap map;
    check_encoded(encode(&map, type, 4, const_cast<void*>(x), sizes, strides, lower, upper, cuuint32_t(channels),
                         cuuint32_t(pixels), steps, CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle(channels, type),
                         CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
                  "cuTensorMapEncodeIm2col");
    return map;
}

bool has_im2col_map(const Conv& conv) {
    constexpr int kFurthest = 127, kStride = 8;
    const ConvProblem& p = conv.problem;
    const auto fits = [&](int pad, int taps, int stride) {
        return pad <= kFurthest && upper_corner(pad, taps, p.dilation) >= -kFurthest && stride <= kStride;
    };
    return fits(p.pad_h, p.r, p.stride_h) && fits(p.pad_w, p.s, p.stride_w);
}

}  // namespace convoy::kernels::cuda
