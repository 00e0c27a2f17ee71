// SPDX-License-Identifier: MIT
#include "tests/tools/jpeg_check.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tools/media/av_handles.h"

namespace convoy::test {
namespace {

struct Rgb {
    double r, g, b;
};

/// Of zero to one, and beyond.
Rgb rgb_of(const PixelView& p, int x, int y, bool luma) {
    const bool hd = p.matrix == ColorMatrix::bt709, full = p.range == ColorRange::full;
    const double kr = hd ? .2126 : .299, kb = hd ? .0722 : .114, kg = 1 - kr - kb;
    const std::uint8_t* uv = p.plane[1] + std::ptrdiff_t(y / 2) * p.pitch[1] + x / 2 * 2;
    const double value = p.plane[0][std::ptrdiff_t(y) * p.pitch[0] + x];
    const double grey = !luma ? 0 : full ? value / 255 : (value - 16) / 219, chroma = full ? 255 : 224;
    const double r = grey + 2 * (1 - kr) * (uv[1] - 128) / chroma, b = grey + 2 * (1 - kb) * (uv[0] - 128) / chroma;
    return {r, (grey - kr * r - kb * b) / kg, b};
}

Rgb rgb_at(const PixelView& p, int x, int y, bool luma) {
    x = std::min(x, p.width - 1), y = std::min(y, p.height - 1);
    if (p.format == PixelFormat::nv12) return rgb_of(p, x, y, luma);
    const std::uint8_t* at = p.plane[0] + std::ptrdiff_t(y) * p.pitch[0] + 3 * x;
    return {at[0] / 255., at[1] / 255., at[2] / 255.};
}

double luma_of(const Rgb& c) { return .299 * c.r + .587 * c.g + .114 * c.b; }

/// The tables of a file by their numbers: 64 steps each.
std::vector<std::vector<int>> quantization(const Bytes& file) {
    std::vector<std::vector<int>> tables(4);
    for (std::size_t i = 2; i + 4 < file.size() && file[i] == 0xff && file[i + 1] != 0xda;) {
        const std::size_t end = i + 2 + std::size_t(file[i + 2] << 8 | file[i + 3]);
        if (file[i + 1] == 0xdb)
            for (std::size_t at = i + 4; at + 64 < end + 1 && at + 64 < file.size(); at += 65)
                tables[file[at] & 3].assign(&file[at] + 1, &file[at] + 65);
        i = end;
    }
    if (tables[1].empty()) tables[1] = tables[0];
    return tables;
}

media::FramePtr decode(const Bytes& file) {
    media::CodecPtr decoder(avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_MJPEG)));
    decoder->thread_count = 1;
    media::PacketPtr packet(av_packet_alloc());
    media::FramePtr frame(av_frame_alloc());
    if (av_new_packet(packet.get(), int(file.size())) < 0) return nullptr;
    std::memcpy(packet->data, file.data(), file.size());
    const bool ok = avcodec_open2(decoder.get(), nullptr, nullptr) >= 0 &&
                    avcodec_send_packet(decoder.get(), packet.get()) >= 0 &&
                    avcodec_receive_frame(decoder.get(), frame.get()) >= 0;
    return ok ? std::move(frame) : nullptr;
}

}  // namespace

std::vector<TestPicture> test_pictures(int width, int height) {
    std::vector<TestPicture> pictures;
    std::uint32_t random = 1;
    const auto add = [&](bool noise, PixelView view, const std::string& name) {
        const bool nv12 = view.format == PixelFormat::nv12;
        const int pitch = (nv12 ? (width + 1) / 2 * 2 : width * 3) + 5, chroma = nv12 ? (height + 1) / 2 : 0;
        TestPicture& p = pictures.emplace_back();
        p.name = name + (noise ? ", noise" : ", smooth");
        p.bytes.resize(std::size_t(pitch) * std::size_t(height + chroma));
        for (int y = 0; y < height + chroma; ++y)
            for (int x = 0; x < pitch; ++x)
                p.bytes[std::size_t(y * pitch + x)] =
                    noise ? std::uint8_t((random = random * 1664525 + 1013904223) >> 24)
                          : std::uint8_t(std::lround(120 + 40 * std::sin(.03 * x) + 40 * std::cos(.02 * y + x % 3)));
        view.width = width, view.height = height;
        view.plane[0] = p.bytes.data();
        view.pitch[0] = view.pitch[1] = pitch;
        view.plane[1] = nv12 ? p.bytes.data() + std::ptrdiff_t(pitch) * height : nullptr;
        p.view = view;
    };
    for (const bool noise : {false, true}) {
        add(noise, {}, "rgb");
        for (const ColorMatrix matrix : {ColorMatrix::bt601, ColorMatrix::bt709})
            for (const ColorRange range : {ColorRange::limited, ColorRange::full}) {
                PixelView view;
                view.format = PixelFormat::nv12;
                view.matrix = matrix, view.range = range;
                add(noise, view,
                    std::string("nv12 ") + (matrix == ColorMatrix::bt601 ? "601" : "709") +
                        (range == ColorRange::full ? " full" : " limited"));
            }
    }
    return pictures;
}

PlanesByDefinition planes_by_definition(const PixelView& p) {
    PlanesByDefinition out;
    const auto keep = [](double level) { return std::clamp(level, 0., 255.); };
    for (int plane = 0; plane < 3; ++plane) {
        const int step = plane ? 2 : 1;
        out.width[plane] = (p.width + step - 1) / step, out.height[plane] = (p.height + step - 1) / step;
        for (int y = 0; y < p.height; y += step)
            for (int x = 0; x < p.width; x += step) {
                if (plane == 0) {
                    out.plane[0].push_back(keep(255 * luma_of(rgb_at(p, x, y, true))));
                    continue;
                }
                double sum = 0;
                for (int i = 0; i < 4; ++i) {
                    const bool nv12 = p.format == PixelFormat::nv12;
                    const Rgb c = rgb_at(p, x + (nv12 ? 0 : i % 2), y + (nv12 ? 0 : i / 2), false);
                    sum += plane == 1 ? (c.b - luma_of(c)) / 1.772 : (c.r - luma_of(c)) / 1.402;
                }
                out.plane[plane].push_back(keep(128 + 255 * sum / 4));
            }
    }
    return out;
}

std::string jpeg_fault(const Bytes& file, const PixelView& picture) {
    const media::FramePtr frame = decode(file);
    if (!frame) return "libav cannot decode it";
    if (frame->width != picture.width || frame->height != picture.height)
        return "it has " + std::to_string(frame->width) + "x" + std::to_string(frame->height) + " pixels";
    if (frame->format != AV_PIX_FMT_YUVJ420P) return "it is not 4:2:0 of full range";
    const PlanesByDefinition want = planes_by_definition(picture);
    const auto tables = quantization(file);
    for (int plane = 0; plane < 3; ++plane) {
        const int w = want.width[plane], h = want.height[plane];
        double squares = 0, steps = 0;
        for (int y = 0; y < h; ++y)
            for (int x = 0; x < w; ++x) {
                const double is = frame->data[plane][std::ptrdiff_t(y) * frame->linesize[plane] + x];
                squares += std::pow(is - want.plane[plane][std::size_t(y * w + x)], 2);
            }
        for (const int step : tables[plane ? 1 : 0]) steps += step * step / 4.;
        if (steps == 0) return "it has no quantization table";
        const double blocks = double((w + 7) / 8) * ((h + 7) / 8), pixels = double(w) * h;
        const double off = std::sqrt(squares / pixels), most = std::sqrt(steps * blocks / pixels) + 1;
        if (off > most)
            return "plane " + std::to_string(plane) + " is off by " + std::to_string(off) + " levels, at most " +
                   std::to_string(most) + " are its quantization's";
    }
    return "";
}

}  // namespace convoy::test
