// SPDX-License-Identifier: MIT
#include "tools/media/pictures/jpeg.h"

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <new>

#include <jpeglib.h>  // needs <cstdio> before it

#include <jerror.h>

#include "tools/media/limits.h"
#include "tools/media/pictures/jpeg_markers.h"
#include "tools/media/pictures/jpeg_planes.h"

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
    const GiveUp& give_up;
};

// A scan with nothing in it takes a few bytes, and as long as one with all of the picture.
constexpr std::int64_t kMostScans = 500, kMostPixelsOfScans = 64 * kMaxPixels;

void look_up(j_common_ptr info) {
    const auto& jpeg = *reinterpret_cast<j_decompress_ptr>(info);
    const GiveUp& give_up = reinterpret_cast<Progress*>(info->progress)->give_up;
    const std::int64_t scans = jpeg.input_scan_number;
    const bool too_many = scans > kMostScans || scans * jpeg.image_width * jpeg.image_height > kMostPixelsOfScans;
    if (!too_many && !(give_up && give_up())) return;
    auto* manager = reinterpret_cast<ErrorManager*>(info->err);
    std::strcpy(manager->message, too_many ? "it has more scans than a picture needs" : "given up");
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

/// Where libjpeg's encoder puts its bytes: a vector, which grows.
struct Target {
    explicit Target(std::vector<std::uint8_t>& to) : bytes(to) {
        base.init_destination = [](j_compress_ptr) {};
        base.empty_output_buffer = [](j_compress_ptr info) -> boolean {
            auto& target = *reinterpret_cast<Target*>(info->dest);
            if (target.enlarge()) return TRUE;
            auto* manager = reinterpret_cast<ErrorManager*>(info->err);
            std::strcpy(manager->message, "there is not enough memory for the file");
            std::longjmp(manager->escape, 1);
        };
        base.term_destination = [](j_compress_ptr) {};
    }
    bool enlarge() noexcept {
        const std::size_t written = bytes.size();  // the whole of it is full
        try {
            bytes.resize(std::max(2 * written, std::size_t(1) << 16));
        } catch (const std::bad_alloc&) {
            return false;
        }
        base.next_output_byte = bytes.data() + written;
        base.free_in_buffer = bytes.size() - written;
        return true;
    }

    jpeg_destination_mgr base{};
    std::vector<std::uint8_t>& bytes;
};

/// libjpeg's encoder, to be made before setjmp as well.
struct Compressor {
    Compressor() {
        info.err = jpeg_std_error(&errors.base);
        errors.base.error_exit = leave;
        errors.base.output_message = stay_silent;
    }
    ~Compressor() { jpeg_destroy_compress(&info); }
    Compressor(const Compressor&) = delete;
    Compressor& operator=(const Compressor&) = delete;

    jpeg_compress_struct info{};
    ErrorManager errors{};
};

/// Rows of blocks, as they lie in `planes`.
void write_planes(jpeg_compress_struct& info, const JpegPlanes& layout, std::uint8_t* planes) {
    constexpr int kRows = 2 * DCTSIZE;
    while (info.next_scanline < info.image_height) {
        JSAMPROW rows[3][kRows];
        JSAMPARRAY planes_rows[3] = {rows[0], rows[1], rows[2]};
        for (int plane = 0; plane < 3; ++plane) {
            const int count = plane == 0 ? kRows : DCTSIZE, first = int(info.next_scanline) / (kRows / count);
            for (int y = 0; y < count; ++y)
                rows[plane][y] = planes + layout.begin(plane) + std::ptrdiff_t(first + y) * layout.pitch_of(plane);
        }
        jpeg_write_raw_data(&info, planes_rows, kRows);
    }
}

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
    Progress progress{{look_up, 0, 0, 0, 0}, give_up};
    jpeg_decompress_struct& info = jpeg.info;
    if (setjmp(jpeg.errors.escape)) {
        reason = jpeg.errors.message;
        return false;
    }
    jpeg_create_decompress(&info);
    info.progress = &progress.base;
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

bool encode_jpeg(const PixelView& picture, int quality, std::vector<std::uint8_t>& file, std::string& reason) {
    const bool nv12 = picture.format == PixelFormat::nv12;
    const JpegPlanes layout(picture.width, picture.height);
    std::vector<std::uint8_t> planes(nv12 ? layout.bytes() : 0);
    if (nv12) to_jpeg_planes(picture, planes.data());
    file.resize(file.capacity());
    Target target(file);
    Compressor jpeg;
    jpeg_compress_struct& info = jpeg.info;
    if (setjmp(jpeg.errors.escape)) {
        reason = jpeg.errors.message;
        return false;
    }
    jpeg_create_compress(&info);
    info.dest = &target.base;
    target.base.next_output_byte = file.data();
    target.base.free_in_buffer = file.size();
    if (file.empty() && !target.enlarge()) throw std::bad_alloc();
    info.image_width = JDIMENSION(picture.width);
    info.image_height = JDIMENSION(picture.height);
    info.input_components = 3;
    info.in_color_space = nv12 ? JCS_YCbCr : JCS_RGB;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, quality, TRUE);
    info.raw_data_in = boolean(nv12);
    jpeg_start_compress(&info, TRUE);
    if (nv12) write_planes(info, layout, planes.data());
    while (info.next_scanline < info.image_height) {
        auto* row = const_cast<JSAMPROW>(picture.plane[0] + std::ptrdiff_t(info.next_scanline) * picture.pitch[0]);
        jpeg_write_scanlines(&info, &row, 1);
    }
    jpeg_finish_compress(&info);
    file.resize(file.size() - target.base.free_in_buffer);
    return true;
}

}  // namespace convoy::media
