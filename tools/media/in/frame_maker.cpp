// SPDX-License-Identifier: MIT
#include "tools/media/in/frame_maker.h"

#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

extern "C" {
#include <libavutil/hwcontext.h>
#include <libavutil/pixdesc.h>
}

namespace convoy::media {
namespace {

// libav's best effort depends on all that its decoder has seen before, so it is only asked where a picture has none.
std::int64_t stamp_of(const AVFrame& picture) {
    return picture.pts != AV_NOPTS_VALUE ? picture.pts : picture.best_effort_timestamp;
}

bool is_420(AVPixelFormat format) {
    return format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUVJ420P || format == AV_PIX_FMT_NV12;
}

std::optional<ColorMatrix> matrix_of(AVColorSpace space, int height) {
    space = colour_matrix(space, height);
    if (space == AVCOL_SPC_BT709) return ColorMatrix::bt709;
    if (space == AVCOL_SPC_SMPTE170M || space == AVCOL_SPC_BT470BG) return ColorMatrix::bt601;
    return std::nullopt;
}

void set_colours(const AVFrame& picture, PixelView& pixels) {
    pixels.format = PixelFormat::nv12;
    pixels.matrix = matrix_of(picture.colorspace, picture.height).value_or(ColorMatrix::bt709);
    const bool full = picture.color_range == AVCOL_RANGE_JPEG || picture.format == AV_PIX_FMT_YUVJ420P;
    pixels.range = full ? ColorRange::full : ColorRange::limited;
}

constexpr int rounded_up(int n) { return (n + 31) / 32 * 32; }

}  // namespace

std::string nv12_obstacle(AVPixelFormat format, AVColorSpace matrix, Orientation orientation) {
    const AVPixFmtDescriptor* description = av_pix_fmt_desc_get(format);
    if (!description) return "its pixel format is unknown";
    if (description->comp[0].depth > 8) return std::to_string(description->comp[0].depth) + " bits";
    if (!is_420(format)) return std::string("its pixel format is ") + description->name;
    const char* name = av_color_space_name(matrix);
    if (!matrix_of(matrix, 0)) return std::string("its colour matrix is ") + (name ? name : "unknown");
    return orientation == 1 ? "" : "shown turned";
}

FrameMaker::FrameMaker(VideoStreamPtr stream, Form form, void* cuda_stream)
    : stream_(std::move(stream)), form_(form), cuda_stream_(cuda_stream) {}

std::optional<Frame> FrameMaker::make(AVFrame& picture) {
    Frame out;
    out.time_s = stream_->seconds(stamp_of(picture));
    set_pixel_shape(picture.sample_aspect_ratio, out);
    bool made = true;
    const auto format = AVPixelFormat(picture.format);
    if (format == AV_PIX_FMT_CUDA)
        made = lend(picture, out);
    else if (form_ == Form::engine && nv12_obstacle(format, picture.colorspace, stream_->orientation).empty())
        interleave(picture, out);
    else
        made = convert(picture, out);
    av_frame_unref(&picture);
    return made ? std::optional(std::move(out)) : std::nullopt;
}

void FrameMaker::set_pixel_shape(AVRational shape, Frame& out) const {
    if (stream_->states_pixel_shape || shape.num <= 0 || shape.den <= 0) return;
    if (av_cmp_q(shape, stream_->parameters->sample_aspect_ratio) == 0) return;
    out.pixel_width = shape.num, out.pixel_height = shape.den;
    if (swaps_axes(stream_->orientation)) std::swap(out.pixel_width, out.pixel_height);
}

void FrameMaker::interleave(const AVFrame& picture, Frame& out) {
    const int w = picture.width, h = picture.height, chroma_w = (w + 1) / 2, chroma_h = (h + 1) / 2;
    const int pitch = rounded_up(w + 1);
    const std::shared_ptr<std::uint8_t> pixels = pool_.take(std::size_t(pitch) * (h + chroma_h));
    std::uint8_t* const chroma = pixels.get() + std::ptrdiff_t(pitch) * h;
    const auto row = [&](int plane, int y) {
        return picture.data[plane] + std::ptrdiff_t(y) * picture.linesize[plane];
    };
    for (int y = 0; y < h; ++y) std::memcpy(pixels.get() + std::ptrdiff_t(y) * pitch, row(0, y), std::size_t(w));
    for (int y = 0; y < chroma_h; ++y) {
        std::uint8_t* to = chroma + std::ptrdiff_t(y) * pitch;
        if (picture.format == AV_PIX_FMT_NV12) {
            std::memcpy(to, row(1, y), std::size_t(chroma_w) * 2);
            continue;
        }
        const std::uint8_t *blue = row(1, y), *red = row(2, y);
        for (int x = 0; x < chroma_w; ++x) to[2 * x] = blue[x], to[2 * x + 1] = red[x];
    }
    set_colours(picture, out.pixels);
    out.pixels.plane[0] = pixels.get();
    out.pixels.plane[1] = chroma;
    out.pixels.pitch[0] = out.pixels.pitch[1] = pitch;
    out.pixels.width = w;
    out.pixels.height = h;
    out.owner = pixels;
}

bool FrameMaker::convert(const AVFrame& picture, Frame& out) {
    const int w = picture.width, h = picture.height, stored_pitch = RgbConverter::pitch(w);
    const Orientation orientation = stream_->orientation;
    const bool turned = orientation != 1, swapped = swaps_axes(orientation);
    const int out_w = swapped ? h : w, out_h = swapped ? w : h, pitch = RgbConverter::pitch(out_w);
    const std::shared_ptr<std::uint8_t> pixels = pool_.take(std::size_t(pitch) * out_h);
    if (turned) unturned_.resize(std::size_t(stored_pitch) * h);
    if (!converter_.convert(picture, turned ? unturned_.data() : pixels.get(), stored_pitch)) return false;
    if (turned) orient(orientation, unturned_.data(), stored_pitch, w, h, pixels.get(), pitch);
    out.pixels.plane[0] = pixels.get();
    out.pixels.pitch[0] = pitch;
    out.pixels.width = out_w;
    out.pixels.height = out_h;
    out.owner = pixels;
    return true;
}

/// A decoder's surface itself. libav crops hardware pictures only at the right and the bottom.
bool FrameMaker::lend(AVFrame& picture, Frame& out) const {
    const auto* frames = reinterpret_cast<const AVHWFramesContext*>(picture.hw_frames_ctx->data);
    const auto left = std::ptrdiff_t(picture.crop_left), top = std::ptrdiff_t(picture.crop_top);
    const bool readable = nv12_obstacle(frames->sw_format, picture.colorspace, stream_->orientation).empty();
    if (!readable || left % 2 || top % 2 || left >= picture.width || top >= picture.height) return false;
    FramePtr held(av_frame_alloc());
    if (!held) throw std::bad_alloc();
    av_frame_move_ref(held.get(), &picture);
    set_colours(*held, out.pixels);
    out.pixels.plane[0] = held->data[0] + top * held->linesize[0] + left;
    out.pixels.plane[1] = held->data[1] + top / 2 * held->linesize[1] + left;
    out.pixels.pitch[0] = held->linesize[0];
    out.pixels.pitch[1] = held->linesize[1];
    out.pixels.width = held->width - int(left);
    out.pixels.height = held->height - int(top);
    out.pixels.on_device = true;
    out.cuda_stream = cuda_stream_;
    out.owner = std::shared_ptr<AVFrame>(std::move(held));
    return true;
}

}  // namespace convoy::media
