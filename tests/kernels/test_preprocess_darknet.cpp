// SPDX-License-Identifier: MIT
#include <cmath>
#include <vector>

#include "kernels/preprocess.h"
#include "tests/kernels/picture.h"
#include "tests/support/catch.h"
#include "tests/support/compare.h"

using namespace convoy;
using kernels::Placement;
using test::OwnedTensor;
using test::RandomPicture;

namespace {

/// Darknet's planar picture of floats.
struct Planar {
    int w, h;
    std::vector<float> data = std::vector<float>(std::size_t(3) * w * h);
    float& at(int x, int y, int c) { return data[(std::size_t(c) * h + y) * w + x]; }
};

Planar load(const PixelView& v) {
    Planar out{v.width, v.height};
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < v.height; ++y)
            for (int x = 0; x < v.width; ++x)
                out.at(x, y, c) = float(v.plane[0][std::size_t(y) * v.pitch[0] + 3 * x + c] / 255.);
    return out;
}

/// The specification word for word: a whole picture across, then a whole picture down, in float.
Planar resize_in_two_passes(Planar& in, int w, int h) {
    Planar part{w, in.h}, out{w, h};
    const float across = float(in.w - 1) / float(w - 1), down = float(in.h - 1) / float(h - 1);
    for (int c = 0; c < 3; ++c) {
        for (int y = 0; y < in.h; ++y)
            for (int x = 0; x < w; ++x) {
                if (x == w - 1 || in.w == 1) {
                    part.at(x, y, c) = in.at(in.w - 1, y, c);
                    continue;
                }
                const float source = float(x) * across;
                const int whole = int(source);
                const float rest = source - float(whole);
                const float left = (1 - rest) * in.at(whole, y, c), right = rest * in.at(whole + 1, y, c);
                part.at(x, y, c) = left + right;
            }
        for (int y = 0; y < h; ++y) {
            const float source = h > 1 ? float(y) * down : 0.f;
            const int whole = int(source);
            const float rest = source - float(whole);
            for (int x = 0; x < w; ++x) out.at(x, y, c) = (1 - rest) * part.at(x, whole, c);
            if (y == h - 1 || in.h == 1) continue;
            for (int x = 0; x < w; ++x) {
                const float below = rest * part.at(x, whole + 1, c);
                out.at(x, y, c) += below;
            }
        }
    }
    return out;
}

void check(int w, int h, const Placement& p) {
    RandomPicture random(PixelFormat::rgb8, w, h, 7);
    Planar in = load(random.view());
    Planar resized = resize_in_two_passes(in, p.w, p.h);
    OwnedTensor y(1, p.net_h, p.net_w, 3, 4), expected(1, p.net_h, p.net_w, 3);
    expected.fill(.5f);
    for (int row = 0; row < p.h; ++row)
        for (int column = 0; column < p.w; ++column)
            for (int c = 0; c < 3; ++c) expected.view().at(0, p.y + row, p.x + column)[c] = resized.at(column, row, c);
    kernels::cpu::preprocess(random.view(), p, Resize::darknet, y.view());
    const auto same = test::compare(y.view(), expected.view(), 0, 0);
    INFO(w << 'x' << h << " to " << p.w << 'x' << p.h << " in " << p.net_w << 'x' << p.net_h << ": " << same.message);
    CHECK(same.ok);
    CHECK(y.gaps_intact());
}

}  // namespace

TEST_CASE("preprocess: Darknet's resize and letterbox, bit for bit") {
    const int pictures[][2] = {{768, 576}, {640, 424}, {353, 211}, {211, 353}, {33, 57}, {32, 32},
                               {1, 1},     {1, 20},    {20, 1},    {2, 2},     {7, 5},   {64, 96}};
    const int nets[][2] = {{416, 416}, {64, 64}, {96, 32}};
    for (const auto& picture : pictures)
        for (const auto& net : nets)
            for (Fit fit : {Fit::letterbox, Fit::stretch})
                check(picture[0], picture[1], kernels::place(fit, picture[0], picture[1], net[0], net[1]));
    check(300, 2, kernels::place(Fit::letterbox, 300, 2, 64, 64));    // one row left
    check(2, 300, kernels::place(Fit::letterbox, 2, 300, 64, 64));    // one column left
    check(9000, 1, kernels::place(Fit::letterbox, 9000, 1, 64, 64));  // not even one
}

TEST_CASE("preprocess: the last row where float rounding leaves Darknet short of it") {
    int found = 0;
    for (int source = 50; source < 800 && found < 3; source += 7)
        for (int out = 32; out < 420 && found < 3; out += 13) {
            const float last = float(out - 1) * (float(source - 1) / float(out - 1));
            if (last >= float(source - 1)) continue;
            ++found;
            check(40, source, kernels::place(Fit::stretch, 40, source, 32, out));
        }
    CHECK(found == 3);
}

TEST_CASE("preprocess: a picture of the network's size passes unchanged through either resize") {
    RandomPicture random(PixelFormat::rgb8, 64, 32);
    for (Resize resize : {Resize::bilinear, Resize::darknet}) {
        OwnedTensor y(1, 32, 64, 3);
        kernels::cpu::preprocess(random.view(), kernels::place(Fit::letterbox, 64, 32, 64, 32), resize, y.view());
        for (std::size_t i = 0; i < y.view().pixels() * 3; ++i)
            REQUIRE(std::fabs(y.view().data[i] - random.bytes(0)[i] / 255.) <= std::ldexp(1., -23));
    }
}
