// SPDX-License-Identifier: MIT
#include <convoy/media/image.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "tools/media/av_handles.h"
#include "tools/media/byte_stream.h"
#include "tools/media/files.h"
#include "tools/media/limits.h"
#include "tools/media/pictures/av_picture.h"
#include "tools/media/pictures/bmp_and_pam.h"
#include "tools/media/pictures/jpeg.h"
#include "tools/media/pictures/jpeg_markers.h"
#include "tools/media/pictures/picture_bytes.h"
#include "tools/media/pictures/picture_format.h"

// Static, so that a program with its own copy of stb links too.
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_ONLY_GIF
#define STBI_ONLY_TGA
// stb_image takes what a file that is cut short leaves out from fresh memory: never what lay there before.
#define STBI_MALLOC(size) std::calloc(1, size)
#define STBI_REALLOC(old, size) std::realloc(old, size)
#define STBI_FREE(old) std::free(old)
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>
#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb/stb_image_write.h>

namespace fs = std::filesystem;

namespace convoy::media {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct CloseFile {
    void operator()(std::FILE* f) const { std::fclose(f); }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

Bytes read_whole(const std::string& path, const GiveUp& give_up) {
    require_readable(path);
    InputStream file(path, give_up);
    Bytes bytes;
    std::error_code unknown;
    if (const std::uintmax_t size = fs::file_size(path, unknown); !unknown && size <= INT_MAX) bytes.reserve(size);
    std::uint8_t block[1 << 16];
    while (const ssize_t n = file.read(block, sizeof block)) {
        if (n == -ECANCELED) throw_input(path, "was given up before it was there");
        if (n < 0) throw_input(path, "cannot be read: " + system_message(int(-n)));
        bytes.insert(bytes.end(), block, block + n);
        if (bytes.size() > INT_MAX) throw_input(path, "is larger than 2 GB and so no picture; check the path");
    }
    return bytes;
}

/// A picture's file with what its header says; checked as far as that goes.
struct Encoded {
    Bytes bytes;
    PictureFormat format = PictureFormat::none;
    int width = 0, height = 0;  // as stored
    Orientation orientation = 1;
    std::optional<AvPicture> decoded;  // already, since only that tells of the size: by libav
    std::string warning;
};

/// A BMP's height is negative where it goes from the top down.
int rows_of(int height) { return height == INT_MIN ? 0 : std::abs(height); }

bool read_header(Encoded& file) {
    const auto size = int(file.bytes.size());
    int channels = 0;
    if (file.format != PictureFormat::jpeg) {
        if (!stbi_info_from_memory(file.bytes.data(), size, &file.width, &file.height, &channels)) return false;
        file.height = rows_of(file.height);
        return true;
    }
    JpegHeader header;
    if (!read_jpeg_header(file.bytes, header)) return false;
    file.width = header.width, file.height = header.height;
    file.orientation = header.orientation;
    return true;
}

[[noreturn]] void throw_early_end(const std::string& path) {
    throw_input(path, "is a picture that ends early, cut short; copy it again");
}

void read_by_libav(const std::string& path, Encoded& file) {
    std::string reason;
    const AvOutcome outcome = decode_by_libav(file.bytes, file.decoded.emplace(), reason);
    const bool known = file.format > PictureFormat::gif && file.format <= PictureFormat::animated_webp;
    if (outcome == AvOutcome::damaged) throw_input(path, "is a damaged picture (" + reason + "); copy it again");
    if (outcome == AvOutcome::unknown && known)
        throw Error(ErrorKind::unsupported, "'" + path + "' is a picture of a format that this FFmpeg (" +
                                                av_version_info() + ") cannot read: " + reason +
                                                "; convert it to JPEG or PNG");
    if (outcome == AvOutcome::unknown)
        throw_input(path,
                    "is no picture that can be read (" + reason + "); give a JPEG, a PNG or what else libav reads");
    file.width = file.decoded->width, file.height = file.decoded->height;
    file.orientation = file.decoded->orientation;
}

void require_plausible_size(const std::string& path, const Encoded& file, std::int64_t limit) {
    const std::int64_t most = std::min(most_pixels(file.bytes.size()), limit);
    if (plausible_size(file.width, file.height, most)) return;
    const std::string claim = "claims to be " + std::to_string(file.width) + "x" + std::to_string(file.height) +
                              " pixels; at most " + std::to_string(most) + " pixels can be read";
    throw_input(path, most == kMaxPixels || most == limit ? claim
                                                          : claim + " of " + std::to_string(file.bytes.size()) +
                                                                " bytes: it is damaged; copy it again");
}

Encoded encoded_of(const std::string& path, Bytes bytes, std::int64_t limit) {
    Encoded file;
    file.bytes = std::move(bytes);
    file.format = picture_format(file.bytes, true).value_or(PictureFormat::none);
    if (file.format == PictureFormat::png && mend_png_end(file.bytes))
        file.warning = "its end marker is missing; it may have been cut short";
    mend_black_and_white_pam(file.bytes);
    if (lacks_runs_of_bmp(file.bytes)) throw_early_end(path);
    if (!read_header(file)) read_by_libav(path, file);
    require_plausible_size(path, file, limit);
    if (file.orientation == 1) file.orientation = stored_orientation(file.bytes, file.format);
    if (file.format == PictureFormat::tiff)
        if (const int pages = tiff_pages(file.bytes); pages > 1)
            file.warning = "it has " + std::to_string(pages) + " pages, of which only the first is read";
    return file;
}

/// A file for stb_image, which goes on with zeros behind its end: whether it came to that.
struct Reading {
    const Bytes& bytes;
    std::size_t at = 0;
    bool ends_early = false;

    static int read(void* self, char* to, int wanted) {
        constexpr int kAhead = 128;  // so much it reads without need
        Reading& r = *static_cast<Reading*>(self);
        const std::size_t n = std::min(std::size_t(wanted), r.bytes.size() - r.at);
        std::copy_n(r.bytes.begin() + std::ptrdiff_t(r.at), n, to);
        r.at += n;
        r.ends_early |= n == 0 || (n < std::size_t(wanted) && wanted != kAhead);
        return int(n);
    }
    static void skip(void* self, int bytes) {
        Reading& r = *static_cast<Reading*>(self);
        const std::int64_t to = std::int64_t(r.at) + bytes;
        r.at = std::size_t(std::clamp<std::int64_t>(to, 0, std::int64_t(r.bytes.size())));
    }
    static int eof(void* self) {
        const Reading& r = *static_cast<Reading*>(self);
        return r.at == r.bytes.size();
    }
};

bool decode_other(const Bytes& bytes, int& width, int& height, Bytes& rgb, std::string& reason, bool& ends_early) {
    const stbi_io_callbacks callbacks{Reading::read, Reading::skip, Reading::eof};
    Reading reading{bytes};
    int channels = 0;
    const std::unique_ptr<stbi_uc, decltype(&std::free)> pixels(
        stbi_load_from_callbacks(&callbacks, &reading, &width, &height, &channels, 3), std::free);
    if (!pixels) {
        reason = stbi_failure_reason();
        return false;
    }
    ends_early = reading.ends_early;
    rgb.assign(pixels.get(), pixels.get() + std::size_t(width) * height * 3);
    return true;
}

void append(void* context, void* data, int size) {
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    static_cast<Bytes*>(context)->insert(static_cast<Bytes*>(context)->end(), bytes, bytes + size);
}

ImageSize displayed_size(const Encoded& file) {
    const bool turned = swaps_axes(file.orientation);
    return {turned ? file.height : file.width, turned ? file.width : file.height};
}

}  // namespace

ImageSize read_image_size(const std::string& path) {
    return displayed_size(encoded_of(path, read_whole(path, {}), kMaxPixels));
}

Image read_image(const std::string& path, const GiveUp& give_up, std::string* warning) {
    return decode_picture(path, read_whole(path, give_up), kMaxPixels, give_up, warning);
}

Image decode_picture(const std::string& path, Bytes bytes, std::int64_t most_pixels, const GiveUp& give_up,
                     std::string* warning) {
    Encoded file = encoded_of(path, std::move(bytes), most_pixels);
    int w = file.width, h = file.height, pitch = 0;
    Bytes rgb;
    std::string reason;
    bool decoded = true, ends_early = false;
    if (file.decoded) {
        rgb = std::move(file.decoded->rgb);
        pitch = file.decoded->pitch;
    } else if (file.format == PictureFormat::jpeg) {
        decoded = decode_jpeg(file.bytes, w, h, rgb, reason, give_up, &ends_early);
    } else {
        decoded = decode_other(file.bytes, w, h, rgb, reason, ends_early);
    }
    if (give_up && give_up()) throw_input(path, "was given up while it was decoded");
    if (!decoded) throw_input(path, "is a damaged picture (" + reason + "); copy it again");
    if (file.format == PictureFormat::jpeg) {
        const bool complete = read_jpeg_markers(file.bytes).complete;
        ends_early = ends_early && !complete;
        if (!complete) file.warning = "its end marker is missing; it may have been cut short";
    }
    if (ends_early) throw_early_end(path);
    if (warning) *warning = file.warning;
    const ImageSize size = displayed_size(file);
    Image image{size.width, size.height, {}};
    if (pitch == 0) pitch = w * 3;
    if (file.orientation == 1 && pitch == w * 3) {
        image.rgb = std::move(rgb);
        return image;
    }
    image.rgb.resize(std::size_t(w) * h * 3);
    orient(file.orientation, rgb.data(), pitch, w, h, image.rgb.data(), image.width * 3);
    return image;
}

std::size_t read_image_memory(const std::string& path) {
    if (is_stream(path)) return 0;
    const FilePtr file(std::fopen(path.c_str(), "rb"));
    std::error_code error;
    const std::uintmax_t bytes = fs::file_size(path, error);
    if (!file || error) return 0;
    const int first = std::fgetc(file.get());
    std::rewind(file.get());
    if (first == 0xff) {
        JpegHeader header;
        if (!read_jpeg_header(file.get(), header) || !plausible_size(header.width, header.height, most_pixels(bytes)))
            return 0;
        const std::size_t rgb = std::size_t(header.width) * header.height * 3;
        return bytes + rgb + std::max(header.coefficient_bytes, header.orientation == 1 ? 0 : rgb);
    }
    int width = 0, height = 0, channels = 0;
    if (!stbi_info_from_file(file.get(), &width, &height, &channels)) return 0;
    height = rows_of(height);
    if (!plausible_size(width, height, most_pixels(bytes))) return 0;
    const std::size_t pixels = std::size_t(width) * height, depth = stbi_is_16_bit_from_file(file.get()) ? 2 : 1;
    const std::size_t stored = channels * depth, rgb = 3 * depth;
    if (first == 'G') return bytes + pixels * 12;  // RGBA, its background, a history, and RGB of it
    const std::size_t other = pixels * std::max(stored + rgb, std::size_t(6));  // as stored and as RGB, or RGB twice
    if (first != 0x89) return bytes + other;
    // A PNG is collected, unpacked, put together from its passes.
    return bytes + std::max({2 * bytes + pixels * stored, pixels * stored * 5 / 2, other});
}

void write_image(const std::string& path, const Image& image, const GiveUp& give_up) {
    const std::string ending = lower_ending(path);
    const int w = image.width, h = image.height;
    if (!image.is_whole()) throw_output(path, "the picture has no pixels of its size", ErrorKind::usage);
    Bytes bytes;
    int ok = 0;
    if (ending == "jpg" || ending == "jpeg") {
        ok = stbi_write_jpg_to_func(append, &bytes, w, h, 3, image.rgb.data(), 92);
    } else if (ending == "png") {
        ok = stbi_write_png_to_func(append, &bytes, w, h, 3, image.rgb.data(), w * 3);
    } else if (ending == "bmp") {
        ok = stbi_write_bmp_to_func(append, &bytes, w, h, 3, image.rgb.data());
    } else {
        throw_output(path, "end the name in .jpg, .png or .bmp", ErrorKind::usage);
    }
    if (!ok) throw_output(path, "the picture is too large for this format");
    write_file(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, give_up);
}

bool is_picture(const std::string& path) {
    static constexpr const char* kEndings[] = {"jpg", "jpeg", "png", "bmp", "gif", "pnm", "ppm", "pgm", "tga"};
    if (const PictureFormat format = picture_format(path); format != PictureFormat::none)
        return format < PictureFormat::animation;
    const std::string ending = lower_ending(path);
    return std::any_of(std::begin(kEndings), std::end(kEndings), [&](const char* e) { return ending == e; });
}

}  // namespace convoy::media
