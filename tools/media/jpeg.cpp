// SPDX-License-Identifier: MIT
#include "tools/media/jpeg.h"

#include <csetjmp>
#include <cstdio>

#include <jpeglib.h>  // needs <cstdio> before it

namespace convoy::media {
namespace {

// libjpeg reports errors by a call that must not return.
struct ErrorManager {
    jpeg_error_mgr base;
    std::jmp_buf escape;
    char message[JMSG_LENGTH_MAX];
};

void leave(j_common_ptr info) {
    auto* manager = reinterpret_cast<ErrorManager*>(info->err);
    info->err->format_message(info, manager->message);
    std::longjmp(manager->escape, 1);
}

void stay_silent(j_common_ptr) {}

// Adobe's files hold inverted inks: 255 is no ink.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, int count) {
    for (int i = 0; i < count; ++i)
        for (int c = 0; c < 3; ++c) rgb[3 * i + c] = std::uint8_t(cmyk[4 * i + c] * cmyk[4 * i + 3] / 255);
}

}  // namespace

bool decode_jpeg(std::span<const std::uint8_t> file, int& width, int& height, std::vector<std::uint8_t>& rgb,
                 std::string& reason) {
    jpeg_decompress_struct info{};
    ErrorManager errors{};
    info.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = leave;
    errors.base.output_message = stay_silent;
    std::vector<std::uint8_t> row;  // outside of the region that longjmp leaves, so that it is destroyed
    if (setjmp(errors.escape)) {
        reason = errors.message;
        jpeg_destroy_decompress(&info);
        return false;
    }
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, file.data(), file.size());
    jpeg_read_header(&info, TRUE);
    const bool inks = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
    info.out_color_space = inks ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&info);
    width = int(info.output_width);
    height = int(info.output_height);
    rgb.resize(std::size_t(width) * height * 3);
    if (inks) row.resize(std::size_t(width) * 4);
    while (info.output_scanline < info.output_height) {
        std::uint8_t* out = rgb.data() + std::size_t(info.output_scanline) * width * 3;
        JSAMPROW target = inks ? row.data() : out;
        jpeg_read_scanlines(&info, &target, 1);
        if (inks) cmyk_to_rgb(row.data(), out, width);
    }
    jpeg_finish_decompress(&info);
    jpeg_destroy_decompress(&info);
    return true;
}

}  // namespace convoy::media
