// SPDX-License-Identifier: MIT
#include <convoy/media/draw.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "tests/support/catch.h"
#include "tests/tools/media_files.h"
#include "tools/media/draw/font.h"

using namespace convoy;
using namespace convoy::test;
using media::Image;

namespace {

Image grey(int w, int h, std::uint8_t value = 100) { return {w, h, Bytes(std::size_t(w) * h * 3, value)}; }

/// The smallest rectangle that holds every pixel that differs, as x0, y0, x1, y1; all -1 when none does.
std::array<int, 4> changed(const Image& a, const Image& b) {
    std::array<int, 4> r = {a.width, a.height, -1, -1};
    for (int y = 0; y < a.height; ++y)
        for (int x = 0; x < a.width; ++x)
            if (!std::equal(a.row(y) + x * 3, a.row(y) + x * 3 + 3, b.row(y) + x * 3))
                r = {std::min(r[0], x), std::min(r[1], y), std::max(r[2], x), std::max(r[3], y)};
    return r[2] < 0 ? std::array<int, 4>{-1, -1, -1, -1} : r;
}

int ink(const Image& image) {
    int n = 0;
    for (const std::uint8_t v : image.rgb) n += v > 128;
    return n / 3;
}

}  // namespace

TEST_CASE("a box is drawn where it is", "[draw]") {
    media::Annotator annotator({"person"});
    const Image before = grey(640, 480);
    Image image = before;
    annotator.annotate(image, std::vector<Detection>{{0, .87f, {100, 200, 150, 80}}}, "");
    const std::array<int, 4> r = changed(before, image);
    CHECK(r[0] == 100);
    CHECK(r[2] == 249);
    CHECK(r[3] == 279);
    CHECK(r[1] < 195);  // the label
    CHECK(r[1] > 160);
    const auto at = [&](int x, int y) { return Bytes(image.row(y) + x * 3, image.row(y) + x * 3 + 3); };
    CHECK(at(100, 240) == at(249, 240));
    CHECK(at(100, 240) == at(170, 279));
    CHECK(at(100, 240) == at(101, 240));  // two pixels thick
    CHECK(at(102, 240) == Bytes{100, 100, 100});
    CHECK(at(175, 240) == Bytes{100, 100, 100});
}

TEST_CASE("classes differ in colour, and text tells from its background", "[draw]") {
    media::Annotator annotator({});
    std::set<Bytes> colours;
    for (int id = 0; id < 80; ++id) {
        Image image = grey(640, 480);
        annotator.annotate(image, std::vector<Detection>{{id, .5f, {300, 200, 150, 80}}}, "");
        colours.insert(Bytes(image.row(240) + 300 * 3, image.row(240) + 300 * 3 + 3));
        // The label's darkest and brightest pixel: black or white on the class's colour.
        int low = 1000, high = 0;
        for (int y = 185; y < 199; ++y)
            for (int x = 302; x < 330; ++x) {
                const std::uint8_t* p = image.row(y) + x * 3;
                const int luminance = (299 * p[0] + 587 * p[1] + 114 * p[2]) / 1000;
                low = std::min(low, luminance), high = std::max(high, luminance);
            }
        CAPTURE(id, low, high);
        CHECK(high - low > 90);
    }
    CHECK(colours.size() == 80);
}

TEST_CASE("drawing stays inside pictures of any size", "[draw]") {
    media::Annotator annotator({"a label that is longer than the picture is wide", "\xff\xc3", "車"});
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    const std::vector<Detection> wild = {{0, .5f, {-50, -50, 500, 500}},     {1, 1.f, {0, 0, 0, 0}},
                                         {2, 0.f, {1e9f, 1e9f, 1e9f, 1e9f}}, {99, .3f, {nan, nan, nan, nan}},
                                         {3, .9f, {-inf, -inf, inf, inf}},   {-1, .9f, {2, 2, 3, 1}}};
    for (const auto& [w, h] : {std::pair{1, 1}, {3, 200}, {200, 3}, {33, 21}, {1920, 1080}}) {
        Image image = grey(w, h);
        annotator.annotate(image, wild, "1234567.8 ms");
        CHECK(image.width == w);
        CHECK(image.rgb.size() == std::size_t(w) * h * 3);
    }
    Image corner = grey(640, 480);
    annotator.annotate(corner, std::vector<Detection>{{5, .5f, {600, 0, 40, 40}}}, "");
    CHECK(changed(grey(640, 480), corner)[0] < 600);  // the label was moved to the left, whole
}

TEST_CASE("nothing to draw leaves the picture alone", "[draw]") {
    media::Annotator annotator({});
    Image image = synthetic(64, 48, 2);
    const Bytes before = image.rgb;
    annotator.annotate(image, {}, "");
    CHECK(image.rgb == before);
    annotator.annotate(image, {}, "7.4 ms");
    CHECK(image.rgb != before);
}

TEST_CASE("an image that is not whole is refused", "[draw]") {
    media::Annotator annotator({});
    Image image = synthetic(64, 48, 2);
    image.rgb.resize(100);
    CHECK(error_of([&] { annotator.annotate(image, {}, "7.4 ms"); }).kind() == ErrorKind::usage);
}

TEST_CASE("text has the width that it is said to have", "[draw]") {
    media::Font font(40);
    Image image = grey(900, 60, 0);
    const std::string text = "Straßenbahn 87 %";
    font.draw(image, 10, 10, text, {255, 255, 255});
    const std::array<int, 4> r = changed(grey(900, 60, 0), image);
    CHECK(r[0] >= 10);
    CHECK(r[2] < 10 + font.width(text));
    CHECK(r[2] > 10 + font.width(text) - 8);
    CHECK(r[1] >= 10);
    CHECK(r[3] < 50);
    // Grey steps at the edges: anti-aliased.
    std::set<std::uint8_t> levels(image.rgb.begin(), image.rgb.end());
    CHECK(levels.size() > 50);
    CHECK(font.width("") == 0);
    CHECK(std::abs(font.width("ii") - 2 * font.width("i")) <= 1);
    // Broken UTF-8 shows as replacement characters, one for each broken byte sequence.
    CHECK(font.width("\xff") == font.width("\xef\xbf\xbd"));
    Image bold = grey(60, 60, 0), thin = grey(60, 60, 0);
    font.draw(bold, 5, 5, "M", {255, 255, 255});
    font.draw(thin, 5, 5, "i", {255, 255, 255});
    CHECK(ink(bold) > 2 * ink(thin));
}
