// SPDX-License-Identifier: MIT
#include "kernels/preprocess.h"

#include <algorithm>
#include <cmath>

#include "tests/kernels/picture.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"
#ifdef CONVOY_TEST_OPENCV
#include <opencv2/imgproc.hpp>
#endif

using namespace convoy;
using kernels::Placement;
using test::OwnedTensor;
using test::RandomPicture;

namespace {

struct Size {
    int w, h;
};

/// Bilinear value of one channel of a plane at (x, y) in its own samples, its edges extended; in double.
double plane_at(const PixelView& v, int plane, int channels, int channel, double x, double y) {
    const bool chroma = plane == 1;
    const int w = chroma ? (v.width + 1) / 2 : v.width, h = chroma ? (v.height + 1) / 2 : v.height;
    const double fx = std::floor(x), fy = std::floor(y);
    double sum = 0;
    for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 2; ++j) {
            const int row = std::clamp(int(fy) + i, 0, h - 1), column = std::clamp(int(fx) + j, 0, w - 1);
            const double weight = (i ? y - fy : 1 - (y - fy)) * (j ? x - fx : 1 - (x - fx));
            sum += weight * v.plane[plane][std::size_t(row) * v.pitch[plane] + column * channels + channel];
        }
    return sum;
}

/// R, G, B at a point of the picture, 0…1, from the definition of Y'CbCr by the shares of red and blue in luma.
void color_at(const PixelView& v, double x, double y, double rgb[3]) {
    if (v.format == PixelFormat::rgb8) {
        for (int c = 0; c < 3; ++c) rgb[c] = plane_at(v, 0, 3, c, x, y) / 255;
        return;
    }
    const bool limited = v.range == ColorRange::limited;
    const double kr = v.matrix == ColorMatrix::bt601 ? .299 : .2126;
    const double kb = v.matrix == ColorMatrix::bt601 ? .114 : .0722;
    const double byte = plane_at(v, 0, 1, 0, x, y), cx = (x + .5) / 2 - .5, cy = (y + .5) / 2 - .5;
    const double luma = limited ? (byte - 16) / 219 : byte / 255;
    const double cb = (plane_at(v, 1, 2, 0, cx, cy) - 128) / (limited ? 224 : 255);
    const double cr = (plane_at(v, 1, 2, 1, cx, cy) - 128) / (limited ? 224 : 255);
    rgb[0] = luma + 2 * (1 - kr) * cr;
    rgb[2] = luma + 2 * (1 - kb) * cb;
    rgb[1] = (luma - kr * rgb[0] - kb * rgb[2]) / (1 - kr - kb);
    for (int c = 0; c < 3; ++c) rgb[c] = std::clamp(rgb[c], 0., 1.);
}

/// The whole network input, pixel by pixel.
OwnedTensor slow_bilinear(const PixelView& v, const Placement& p) {
    OwnedTensor y(1, p.net_h, p.net_w, 3);
    y.fill(.5f);
    for (int row = 0; row < p.h; ++row)
        for (int column = 0; column < p.w; ++column) {
            double rgb[3];
            color_at(v, (column + .5) * v.width / p.w - .5, (row + .5) * v.height / p.h - .5, rgb);
            for (int c = 0; c < 3; ++c) y.view().at(0, p.y + row, p.x + column)[c] = float(rgb[c]);
        }
    return y;
}

void check_against_slow(PixelView& v, Fit fit, Size net) {
    const Placement p = kernels::place(fit, v.width, v.height, net.w, net.h);
    OwnedTensor y(1, net.h, net.w, 3, 5);
    kernels::cpu::preprocess(v, p, Resize::bilinear, y.view());
    const OwnedTensor expected = slow_bilinear(v, p);
    // A dozen float roundings of values below 2 (luma and chroma together), and the fraction rounded to float.
    const auto c = test::compare(y.view(), expected.view(), 24 * std::ldexp(1., -23), 0);
    INFO("format " << int(v.format) << ", " << v.width << 'x' << v.height << " to " << net.w << 'x' << net.h << ", fit "
                   << int(fit) << ": " << c.message);
    CHECK(c.ok);
    CHECK(y.gaps_intact());
}

const Size kPictures[] = {{768, 576}, {97, 61}, {61, 97}, {1, 1}, {1, 9}, {9, 1}, {2, 2}, {3, 5}, {64, 96}, {301, 2}};
const Size kNets[] = {{64, 64}, {96, 64}, {32, 160}};

}  // namespace

TEST_CASE("place: Darknet's letterbox by integer division, stretch, and pictures too thin for a pixel") {
    const auto equal = [](const Placement& a, const Placement& b) {
        return a.net_w == b.net_w && a.net_h == b.net_h && a.x == b.x && a.y == b.y && a.w == b.w && a.h == b.h;
    };
    CHECK(equal(kernels::place(Fit::letterbox, 768, 576, 416, 416), {416, 416, 0, 52, 416, 312}));
    CHECK(equal(kernels::place(Fit::letterbox, 576, 768, 416, 416), {416, 416, 52, 0, 312, 416}));
    CHECK(equal(kernels::place(Fit::letterbox, 100, 100, 416, 416), {416, 416, 0, 0, 416, 416}));
    CHECK(equal(kernels::place(Fit::letterbox, 640, 427, 416, 416), {416, 416, 0, 69, 416, 277}));  // 277.55, 69.5
    CHECK(equal(kernels::place(Fit::letterbox, 1920, 1080, 608, 320), {608, 320, 20, 0, 568, 320}));
    CHECK(equal(kernels::place(Fit::letterbox, 5000, 1, 416, 416), {416, 416, 0, 207, 416, 1}));
    CHECK(equal(kernels::place(Fit::letterbox, 1, 5000, 416, 416), {416, 416, 207, 0, 1, 416}));
    CHECK(equal(kernels::place(Fit::letterbox, 100000, 100000, 32768, 32768), {32768, 32768, 0, 0, 32768, 32768}));
    CHECK(equal(kernels::place(Fit::stretch, 640, 427, 416, 320), {416, 320, 0, 0, 416, 320}));
}

TEST_CASE("preprocess: bilinear RGB against a slow double version") {
    for (const Size& picture : kPictures)
        for (const Size& net : kNets)
            for (Fit fit : {Fit::letterbox, Fit::stretch}) {
                RandomPicture random(PixelFormat::rgb8, picture.w, picture.h, 5);
                check_against_slow(random.view(), fit, net);
            }
}

TEST_CASE("preprocess: bilinear NV12 in both matrices and ranges against a slow double version") {
    for (const Size& picture : kPictures)
        for (auto matrix : {ColorMatrix::bt601, ColorMatrix::bt709})
            for (auto range : {ColorRange::limited, ColorRange::full}) {
                RandomPicture random(PixelFormat::nv12, picture.w, picture.h, 3);
                random.view().matrix = matrix;
                random.view().range = range;
                check_against_slow(random.view(), Fit::letterbox, {64, 64});
                check_against_slow(random.view(), Fit::stretch, {96, 64});
            }
}

TEST_CASE("preprocess: an area is read as a copy of it would be, in every format") {
    for (PixelFormat format : {PixelFormat::rgb8, PixelFormat::nv12})
        for (const Area& area : test::kAreas) {
            RandomPicture frame(format, test::kAreaFrame[0], test::kAreaFrame[1], 7);
            INFO("format " << int(format) << ", at " << area.x << ',' << area.y);
            PixelView view = view_of(frame.view(), area);
            RandomPicture copy = test::copy_of(frame, area);
            for (Fit fit : {Fit::letterbox, Fit::stretch}) {
                check_against_slow(view, fit, {64, 96});
                const Placement p = kernels::place(fit, area.width, area.height, 64, 96);
                for (Resize resize : {Resize::bilinear, Resize::darknet}) {
                    OwnedTensor y(1, 96, 64, 3), expected(1, 96, 64, 3);
                    kernels::cpu::preprocess(view, p, resize, y.view());
                    kernels::cpu::preprocess(copy.view(), p, resize, expected.view());
                    const auto c = test::compare(y.view(), expected.view(), 0, 0);
                    INFO(c.message);
                    CHECK(c.ok);
                }
            }
        }
}

TEST_CASE("preprocess: NV12's white, black and grey are RGB's") {
    RandomPicture random(PixelFormat::nv12, 6, 4);
    std::fill(random.bytes(1).begin(), random.bytes(1).end(), std::uint8_t(128));
    struct {
        ColorRange range;
        int luma;
        float value;
    } const cases[] = {{ColorRange::limited, 235, 1.f}, {ColorRange::limited, 16, 0.f}, {ColorRange::full, 255, 1.f},
                       {ColorRange::full, 0, 0.f},      {ColorRange::full, 51, .2f},    {ColorRange::limited, 0, 0.f}};
    for (const auto& c : cases)
        for (Resize resize : {Resize::bilinear, Resize::darknet}) {
            random.view().range = c.range;
            std::fill(random.bytes(0).begin(), random.bytes(0).end(), std::uint8_t(c.luma));
            OwnedTensor y(1, 32, 32, 3), expected(1, 32, 32, 3);
            expected.fill(c.value);
            kernels::cpu::preprocess(random.view(), kernels::place(Fit::stretch, 6, 4, 32, 32), resize, y.view());
            const auto same = test::compare(y.view(), expected.view(), 1e-6, 0);
            INFO("luma " << c.luma << ": " << same.message);
            CHECK(same.ok);
        }
}

#ifdef CONVOY_TEST_OPENCV

TEST_CASE("preprocess: bilinear RGB against OpenCV's resize") {
    for (const Size& picture : {Size{768, 576}, Size{97, 61}, Size{640, 427}, Size{40, 30}, Size{208, 208}})
        for (const Size& net : {Size{416, 416}, Size{104, 104}, Size{320, 224}}) {
            RandomPicture random(PixelFormat::rgb8, picture.w, picture.h);
            const Placement p = kernels::place(Fit::stretch, picture.w, picture.h, net.w, net.h);
            OwnedTensor y(1, net.h, net.w, 3);
            kernels::cpu::preprocess(random.view(), p, Resize::bilinear, y.view());
            const cv::Mat bytes(picture.h, picture.w, CV_8UC3, random.bytes(0).data());
            cv::Mat floats, resized, resized_bytes;
            bytes.convertTo(floats, CV_32FC3, 1 / 255.);
            cv::resize(floats, resized, {net.w, net.h}, 0, 0, cv::INTER_LINEAR);
            cv::resize(bytes, resized_bytes, {net.w, net.h}, 0, 0, cv::INTER_LINEAR);
            resized_bytes.convertTo(resized_bytes, CV_32FC3, 1 / 255.);
            const auto view = [&](const cv::Mat& m) {
                return kernels::ConstTensor{m.ptr<float>(), 1, net.h, net.w, 3, 3};
            };
            // OpenCV rounds the source position to float: its last place at the far edge, times a step of 1 per axis.
            const double position = std::ldexp(1., -23) * std::max(picture.w, picture.h);
            const auto exact = test::compare(y.view(), view(resized), 2 * position + 1e-6, 0);
            INFO(picture.w << 'x' << picture.h << " to " << net.w << 'x' << net.h << ": " << exact.message);
            CHECK(exact.ok);
            // On bytes: the result rounded (.5), weights of 11 bits per axis (255 / 4096 each), two shifts that
            // truncate.
            const auto fixed = test::compare(y.view(), view(resized_bytes), 1. / 255, 0);
            INFO("on bytes: " << fixed.message);
            CHECK(fixed.ok);
        }
}

TEST_CASE("preprocess: NV12 of one hue against OpenCV's conversion") {
    const int w = 64, h = 48;
    for (int seed = 1; seed < 9; ++seed) {
        RandomPicture random(PixelFormat::nv12, w, h, 0, std::uint64_t(seed));
        for (std::size_t i = 2; i < random.bytes(1).size(); ++i) random.bytes(1)[i] = random.bytes(1)[i % 2];
        for (std::uint8_t& luma : random.bytes(0)) luma = std::max<std::uint8_t>(luma, 16);  // as OpenCV takes it
        random.view().matrix = ColorMatrix::bt601;
        OwnedTensor y(1, h, w, 3);
        kernels::cpu::preprocess(random.view(), kernels::place(Fit::stretch, w, h, w, h), Resize::bilinear, y.view());
        cv::Mat rgb;
        cv::cvtColorTwoPlane(cv::Mat(h, w, CV_8UC1, random.bytes(0).data()),
                             cv::Mat(h / 2, w / 2, CV_8UC2, random.bytes(1).data()), rgb, cv::COLOR_YUV2RGB_NV12);
        rgb.convertTo(rgb, CV_32FC3, 1 / 255.);
        // OpenCV's result is rounded (.5) and its factors have four digits (1.164 …), good to .0005 · 255 each.
        const auto c = test::compare(y.view(), {rgb.ptr<float>(), 1, h, w, 3, 3}, 1.5 / 255, 0);
        INFO(c.message);
        CHECK(c.ok);
    }
}

#else

TEST_CASE("preprocess against OpenCV") { WARN("skipped: built without OpenCV (libopencv-dev)"); }

#endif
