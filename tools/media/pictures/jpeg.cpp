// SPDX-License-Identifier: MIT
#include "tools/media/pictures/jpeg.h"

#include <csetjmp>
#include <cstring>

#include <jpeglib.h>  // needs <cstdio> before it

#include <jerror.h>

#include "tools/media/pictures/jpeg_markers.h"

namespace convoy::media {
namespace {

// libjpeg reports errors by a call that must not return.
struct ErrorManager {
    jpeg_error_mgr base;
    std::jmp_buf escape;
    char message[JMSG_LENGTH_MAX];
    bool out_of_data;  // libjpeg came to a marker before it had all of the pixels before that
};

void leave(j_common_ptr info) {
    auto* manager = reinterpret_cast<ErrorManager*>(info->err);
    info->err->format_message(info, manager->message);
    std::longjmp(manager->escape, 1);
}

void stay_silent(j_common_ptr) {}

void note_warning(j_common_ptr info, int level) {
    if (level < 0 && info->err->msg_code == JWRN_HIT_MARKER)
        reinterpret_cast<ErrorManager*>(info->err)->out_of_data = true;
}

// Adobe's files hold inverted inks: 255 is no ink.
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, int count) {
    for (int i = 0; i < count; ++i)
        for (int c = 0; c < 3; ++c) rgb[3 * i + c] = std::uint8_t(cmyk[4 * i + c] * cmyk[4 * i + 3] / 255);
}

// libjpeg tells of every row of the picture, and before these of every row of blocks that it collects from the scans.
struct Progress {
    jpeg_progress_mgr base;
    const GiveUp* give_up;
};

void look_up(j_common_ptr info) {
    if (!(*reinterpret_cast<Progress*>(info->progress)->give_up)()) return;
    auto* manager = reinterpret_cast<ErrorManager*>(info->err);
    std::strcpy(manager->message, "given up");
    std::longjmp(manager->escape, 1);
}

/// libjpeg's decoder, whose memory goes with it. To be made before setjmp: what a longjmp leaves is not destroyed.
struct Decompressor {
    Decompressor() {
        info.err = jpeg_std_error(&errors.base);
        errors.base.error_exit = leave;
        errors.base.output_message = stay_silent;
        errors.base.emit_message = note_warning;
    }
    ~Decompressor() { jpeg_destroy_decompress(&info); }
    Decompressor(const Decompressor&) = delete;
    Decompressor& operator=(const Decompressor&) = delete;

    jpeg_decompress_struct info{};
    ErrorManager errors{};
};

/// What libjpeg keeps of a picture whose coefficients come in several scans: all of them, two bytes each.
std::size_t coefficient_bytes(jpeg_decompress_struct& info) {
    if (!jpeg_has_multiple_scans(&info)) return 0;
    std::size_t blocks = 0;
    for (int c = 0; c < info.num_components; ++c)
        blocks += std::size_t(info.comp_info[c].width_in_blocks) * info.comp_info[c].height_in_blocks;
    return blocks * DCTSIZE2 * sizeof(JCOEF);
}

template <typename SetSource>
bool read_header(const SetSource& set_source, JpegHeader& header) {
    Decompressor jpeg;
    if (setjmp(jpeg.errors.escape)) return false;
    jpeg_create_decompress(&jpeg.info);
    jpeg_save_markers(&jpeg.info, JPEG_APP0 + 1, 0xffff);
    set_source(jpeg.info);
    jpeg_read_header(&jpeg.info, TRUE);
    header = {int(jpeg.info.image_width), int(jpeg.info.image_height), 1, coefficient_bytes(jpeg.info)};
    for (const jpeg_marker_struct* m = jpeg.info.marker_list; m && header.orientation == 1; m = m->next)
        header.orientation = exif_orientation({m->data, m->data_length});
    return true;
}

}  // namespace

bool read_jpeg_header(std::FILE* file, JpegHeader& header) {
    return read_header([&](jpeg_decompress_struct& info) { jpeg_stdio_src(&info, file); }, header);
}

bool read_jpeg_header(std::span<const std::uint8_t> file, JpegHeader& header) {
    return read_header(
        [&](jpeg_decompress_struct& info) {
            jpeg_mem_src(&info, file.data(), static_cast<unsigned long>(file.size()));
        },
        header);
}

bool decode_jpeg(std::span<const std::uint8_t> file, int& width, int& height, std::vector<std::uint8_t>& rgb,
                 std::string& reason, const GiveUp& give_up, bool* ends_early) {
    std::vector<std::uint8_t> row;
    Decompressor jpeg;
    Progress progress{{look_up, 0, 0, 0, 0}, &give_up};
    jpeg_decompress_struct& info = jpeg.info;
    if (setjmp(jpeg.errors.escape)) {
        reason = jpeg.errors.message;
        return false;
    }
    jpeg_create_decompress(&info);
    if (give_up) info.progress = &progress.base;
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
    if (ends_early) *ends_early = jpeg.errors.out_of_data;
    return true;
}

}  // namespace convoy::media
