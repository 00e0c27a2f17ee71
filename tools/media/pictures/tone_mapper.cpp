// SPDX-License-Identifier: MIT
#include "tools/media/pictures/tone_mapper.h"

#include <algorithm>
#include <cstddef>
#include <new>

#include <convoy/error.h>

namespace convoy::media {
namespace {

constexpr const char* kFilters =
    "zscale=transfer=linear:npl=203,format=gbrpf32le,zscale=primaries=bt709,"
    "tonemap=tonemap=mobius:desat=0,zscale=transfer=bt709:matrix=gbr:range=full,format=gbrp";
constexpr AVRational kAnyBase = {1, 1000};

/// A copy, which is aligned as zscale wants it, with all that it asks for stated.
FramePtr stated(const AVFrame& picture) {
    FramePtr copy(av_frame_alloc());
    if (!copy) throw std::bad_alloc();
    copy->format = picture.format;
    copy->width = picture.width, copy->height = picture.height;
    if (av_frame_get_buffer(copy.get(), 0) < 0) throw std::bad_alloc();
    if (av_frame_copy(copy.get(), &picture) < 0 || av_frame_copy_props(copy.get(), &picture) < 0) return nullptr;
    if (copy->color_primaries == AVCOL_PRI_UNSPECIFIED) copy->color_primaries = AVCOL_PRI_BT2020;
    if (copy->colorspace == AVCOL_SPC_UNSPECIFIED) copy->colorspace = AVCOL_SPC_BT2020_NCL;
    if (copy->color_range == AVCOL_RANGE_UNSPECIFIED) copy->color_range = AVCOL_RANGE_MPEG;
    copy->pts = 0;
    return copy;
}

}  // namespace

std::string ToneMapper::obstacle() { return FilterGraph::obstacle({"zscale", "tonemap", "format"}); }

bool ToneMapper::convert(const AVFrame& picture, std::uint8_t* to, int to_pitch) {
    if (refused_ || (!graph_ && !obstacle().empty())) return false;
    const FramePtr in = stated(picture), out(av_frame_alloc());
    if (!out) throw std::bad_alloc();
    if (!in) return false;
    try {
        if (!graph_ || !graph_->takes(*in)) graph_.emplace(*in, kAnyBase, kFilters);
    } catch (const Error&) {
        refused_ = true;
        return false;
    }
    if (!graph_->send(in.get()) || !graph_->receive(*out)) {
        graph_.reset();
        return false;
    }
    for (int y = 0; y < out->height; ++y) {
        const auto plane = [&](int i) { return out->data[i] + std::ptrdiff_t(y) * out->linesize[i]; };
        const std::uint8_t *green = plane(0), *blue = plane(1), *red = plane(2);
        std::uint8_t* rgb = to + std::ptrdiff_t(y) * to_pitch;
        for (int x = 0; x < out->width; ++x, rgb += 3) rgb[0] = red[x], rgb[1] = green[x], rgb[2] = blue[x];
    }
    return true;
}

}  // namespace convoy::media
