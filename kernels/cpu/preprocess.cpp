// SPDX-License-Identifier: MIT
#include "kernels/preprocess.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "kernels/cpu/sampling.h"

namespace convoy::kernels {

Placement place(Fit fit, int width, int height, int net_w, int net_h) {
    Placement p{net_w, net_h, 0, 0, net_w, net_h};
    if (fit == Fit::stretch) return p;
    if (float(net_w) / float(width) < float(net_h) / float(height))
        p.h = std::max(1, int(std::int64_t(height) * net_w / width));
    else
        p.w = std::max(1, int(std::int64_t(width) * net_h / height));
    p.x = (net_w - p.w) / 2;
    p.y = (net_h - p.h) / 2;
    return p;
}

namespace cpu {
namespace {

/// Which two samples of one axis of a plane a position lies between, and how far on the way to the second.
struct Tap {
    int low, high;
    float fraction;
};
using Taps = std::vector<Tap>;  // by output row or column

Taps taps(const Mapping& mapping, int source, int output) {
    Taps out(output);
    for (int i = 0; i < output; ++i) {
        const double position = std::clamp(i * mapping.scale + mapping.offset, 0., source - 1.);
        const int low = int(position);
        out[i] = {low, std::min(low + 1, source - 1), float(position - low)};
    }
    return out;
}

/// Two rows of bytes to the row between them, in floats; columns follow later, when there are fewer rows left.
void blend_rows(const std::uint8_t* plane, int pitch, const Tap& tap, std::vector<float>& out) {
    const std::uint8_t* low = plane + std::ptrdiff_t(tap.low) * pitch;
    const std::uint8_t* high = plane + std::ptrdiff_t(tap.high) * pitch;
    const float fraction = tap.fraction;
    float* to = out.data();
    const std::size_t count = out.size();
#pragma omp simd
    for (std::size_t i = 0; i < count; ++i) to[i] = float(low[i]) + fraction * float(high[i] - low[i]);
}

template <int channels>
float sample(const float* row, const Tap& tap, int channel) {
    const float low = row[tap.low * channels + channel], high = row[tap.high * channels + channel];
    return low + tap.fraction * (high - low);
}

void bilinear_rgb(const PixelView& picture, const Placement& p, Resize resize, Tensor y) {
    const Taps rows = taps({resize, picture.height, p.h}, picture.height, p.h);
    const Taps columns = taps({resize, picture.width, p.w}, picture.width, p.w);
    std::vector<float> blended(std::size_t(picture.width) * 3);
    for (int r = 0; r < p.h; ++r) {
        blend_rows(picture.plane[0], picture.pitch[0], rows[r], blended);
        float* out = y.at(0, p.y + r, p.x);
        for (int c = 0; c < p.w; ++c, out += y.pitch)
            for (int k = 0; k < 3; ++k) out[k] = sample<3>(blended.data(), columns[c], k) * (1 / 255.f);
    }
}

void bilinear_nv12(const PixelView& picture, const Placement& p, Resize resize, Tensor y) {
    const int chroma_w = (picture.width + 1) / 2, chroma_h = (picture.height + 1) / 2;
    const Mapping down(resize, picture.height, p.h), across(resize, picture.width, p.w);
    const Taps luma_rows = taps(down, picture.height, p.h), luma_columns = taps(across, picture.width, p.w);
    const Taps chroma_rows = taps(down.halved(), chroma_h, p.h), chroma_columns = taps(across.halved(), chroma_w, p.w);
    const ColorConversion color(picture.matrix, picture.range);
    std::vector<float> luma(picture.width), chroma(std::size_t(chroma_w) * 2);
    for (int r = 0; r < p.h; ++r) {
        blend_rows(picture.plane[0], picture.pitch[0], luma_rows[r], luma);
        blend_rows(picture.plane[1], picture.pitch[1], chroma_rows[r], chroma);
        float* out = y.at(0, p.y + r, p.x);
        for (int c = 0; c < p.w; ++c, out += y.pitch) {
            const float light = sample<1>(luma.data(), luma_columns[c], 0) * color.luma + color.bias;
            const float u = sample<2>(chroma.data(), chroma_columns[c], 0) - 128;
            const float v = sample<2>(chroma.data(), chroma_columns[c], 1) - 128;
            out[0] = std::clamp(light + color.red_v * v, 0.f, 1.f);
            out[1] = std::clamp(light + color.green_u * u + color.green_v * v, 0.f, 1.f);
            out[2] = std::clamp(light + color.blue_u * u, 0.f, 1.f);
        }
    }
}

/// Darknet's resize_image: columns first, then rows, every product and sum rounded to float.
class DarknetResize {
public:
    DarknetResize(const PixelView& picture, int w, int h) : picture_(picture), h_(h), columns_(w) {
        for (int i = 0; i < 256; ++i) unit_[i] = float(i / 255.);
        const float scale = float(picture.width - 1) / float(w - 1);  // not used when w is 1
        for (int c = 0; c < w; ++c) {
            const float position = float(c) * scale;
            columns_[c] = c == w - 1 || picture.width == 1
                              ? Tap{picture.width - 1, picture.width - 1, 0.f}
                              : Tap{int(position), int(position) + 1, position - float(int(position))};
        }
        for (auto& row : rows_) row.resize(std::size_t(w) * 3);
    }

    void write_row(int r, float* out, int pitch) {
        const float scale = h_ > 1 ? float(picture_.height - 1) / float(h_ - 1) : 0.f;
        const float position = float(r) * scale;
        const int low = int(position);
        const float fraction = position - float(low);
        const float* top = row(low);
        // The last row takes nothing from below, even where rounding left it short of the picture's last row.
        const float* bottom = r == h_ - 1 || picture_.height == 1 ? nullptr : row(low + 1);
        for (std::size_t c = 0; c < columns_.size(); ++c, out += pitch)
            for (int k = 0; k < 3; ++k) {
                out[k] = (1 - fraction) * top[c * 3 + k];
                if (bottom) out[k] += fraction * bottom[c * 3 + k];
            }
    }

private:
    /// Row `r` of the picture, resized across; the last two asked for are kept.
    const float* row(int r) {
        std::vector<float>& out = rows_[r % 2];
        if (row_number_[r % 2] == r) return out.data();
        row_number_[r % 2] = r;
        const std::uint8_t* pixels = picture_.plane[0] + std::ptrdiff_t(r) * picture_.pitch[0];
        for (std::size_t c = 0; c < columns_.size(); ++c) {
            const Tap& tap = columns_[c];
            for (int k = 0; k < 3; ++k)
                out[c * 3 + k] = (1 - tap.fraction) * unit_[pixels[tap.low * 3 + k]] +
                                 tap.fraction * unit_[pixels[tap.high * 3 + k]];
        }
        return out.data();
    }

    const PixelView& picture_;
    int h_;
    Taps columns_;
    std::array<float, 256> unit_;
    std::array<std::vector<float>, 2> rows_;
    std::array<int, 2> row_number_ = {-1, -1};
};

void fill_bars(const Placement& p, Tensor y) {
    const auto fill = [&](int row, int from, int to) {
        for (int c = from; c < to; ++c) std::fill_n(y.at(0, row, c), 3, .5f);
    };
    for (int row = 0; row < p.net_h; ++row) {
        const bool picture = row >= p.y && row < p.y + p.h;
        fill(row, 0, picture ? p.x : p.net_w);
        if (picture) fill(row, p.x + p.w, p.net_w);
    }
}

}  // namespace

void preprocess(const PixelView& picture, const Placement& p, Resize resize, Tensor y) {
    fill_bars(p, y);
    if (picture.format == PixelFormat::nv12) return bilinear_nv12(picture, p, resize, y);
    if (resize == Resize::bilinear) return bilinear_rgb(picture, p, resize, y);
    DarknetResize darknet(picture, p.w, p.h);
    for (int r = 0; r < p.h; ++r) darknet.write_row(r, y.at(0, p.y + r, p.x), y.pitch);
}

}  // namespace cpu
}  // namespace convoy::kernels
