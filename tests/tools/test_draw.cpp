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
#include "tools/media/draw/labels.h"

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

TEST_CASE("labels go where they cover no other and nothing in a box", "[draw]") {
    const std::vector<std::string> names = {"person", "car"};
    const media::LabelLayout layout = {
        640, 480, 16, 2, {0, 0, 60, 20}, [](const std::string& text) {
                                           return 8 * int(text.size()); }};
    const auto places = [&](const std::vector<Detection>& boxes, media::LabelStyle style = media::LabelStyle::full) {
        return media::place_labels(boxes, names, style, layout);
    };
    const auto meet = [](const media::PixelRect& a, const media::PixelRect& b) {
        return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
    };
    SECTION("one has its label above it, and inside the picture") {
        const auto label = places({{1, .5f, {300, 200, 100, 50}}}).at(0);
        CHECK(label.text == "car 50 %");
        CHECK(label.place.x == 300);
        CHECK(label.place.y == 200 - 16);
        CHECK(label.place.w == 8 * 8 + 4);
        CHECK((label.bottom && !label.right));
        const auto edge = places({{1, .5f, {600, 2, 40, 50}}}).at(0);
        CHECK(edge.place.x + edge.place.w <= 640);
        CHECK(edge.place.y >= 0);
        CHECK_FALSE(meet(edge.place, {600, 2, 40, 50}));  // not on what it names
    }
    SECTION("two side by side, one above the other, and beside the caption") {
        const std::vector<Detection> boxes = {{0, .9f, {100, 100, 60, 120}},
                                              {0, .8f, {150, 104, 60, 120}},
                                              {1, .7f, {100, 240, 110, 60}},
                                              {1, .6f, {0, 10, 100, 60}},
                                              {0, .5f, {160, 90, 60, 130}}};
        const auto labels = places(boxes);
        for (std::size_t i = 0; i < labels.size(); ++i) {
            CAPTURE(i, labels[i].place.x, labels[i].place.y);
            CHECK_FALSE(meet(labels[i].place, layout.taken));
            for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(meet(labels[i].place, labels[j].place));
        }
        CHECK(labels[0].place.y == 100 - 16);  // the surest has the first place
    }
    SECTION("a narrow box gets a short label, others what was asked for") {
        const std::vector<Detection> boxes = {{0, .9f, {100, 100, 20, 60}}, {0, .9f, {300, 100, 90, 60}}};
        CHECK(places(boxes)[0].text == "person");
        CHECK(places(boxes)[1].text == "person 90 %");
        CHECK(places(boxes, media::LabelStyle::name)[1].text == "person");
        CHECK(places(boxes, media::LabelStyle::none).empty());
    }
    SECTION("many take no long time") {
        const std::vector<Detection> boxes(5000, {0, .9f, {100, 100, 60, 60}});
        CHECK(places(boxes).size() == 5000);
    }
}

// CIE's Lab of an sRGB colour, in which equal distances look alike: 10 is what one sees at a glance.
std::array<double, 3> lab(media::Color color) {
    const auto linear = [](int c) { return c <= 10 ? c / 255. / 12.92 : std::pow((c / 255. + .055) / 1.055, 2.4); };
    const double r = linear(color.r), g = linear(color.g), b = linear(color.b);
    const auto f = [](double t) { return t > .008856 ? std::cbrt(t) : 7.787 * t + 16. / 116; };
    const double x = f((.4124 * r + .3576 * g + .1805 * b) / .95047), y = f(.2126 * r + .7152 * g + .0722 * b);
    const double z = f((.0193 * r + .1192 * g + .9505 * b) / 1.08883);
    return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

TEST_CASE("classes with neighbouring numbers have colours that can be told apart", "[draw]") {
    for (int i = 0; i < 80; ++i)
        for (int j = i + 1; j < std::min(80, i + 10); ++j) {
            const auto a = lab(media::class_color(i)), b = lab(media::class_color(j));
            CAPTURE(i, j);
            CHECK(std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) > (j < 20 ? 30 : 14));
        }
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

TEST_CASE("boxes with numbers that are no numbers are drawn without harm", "[draw]") {
    const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
    std::vector<Detection> boxes;
    for (int i = 0; i < 60; ++i)
        boxes.push_back({i, i % 3 == 0 ? nan : i % 3 == 1 ? inf : .5f, {i % 2 ? nan : 5, 5, i % 5 ? 20.f : inf, nan}});
    media::Annotator annotator({"person"});
    Image image = grey(64, 48);
    annotator.annotate(image, boxes, "");
    CHECK(image.is_whole());
    CHECK(media::place_labels(boxes, {"person"}, media::LabelStyle::full,
                              {64, 48, 16, 2, {}, [](const std::string& text) { return 8 * int(text.size()); }})
              .at(0)
              .text == "person");
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

// Each chroma sample of a 4:2:0 picture whose pixels have the colours of `full`, and each luma sample.
TEST_CASE("what is drawn on NV12 is what is drawn on RGB", "[draw]") {
    const std::vector<Detection> boxes = {{0, .87f, {11, 41, 60, 37}}, {3, .5f, {80, 30, 25, 60}}};
    for (const auto& [w, h] : {std::pair{128, 96}, {127, 95}, {1, 1}, {3, 64}, {64, 3}})
        for (const ColorMatrix matrix : {ColorMatrix::bt601, ColorMatrix::bt709})
            for (const ColorRange range : {ColorRange::limited, ColorRange::full}) {
                media::Annotator annotator({"person"});
                Image rgb = grey(w, h);
                annotator.annotate(rgb, boxes, "7.4 ms");
                media::Nv12Image drawn;
                drawn.width = w, drawn.height = h, drawn.matrix = matrix, drawn.range = range;
                drawn.bytes.assign(std::size_t(drawn.pitch()) * std::size_t(h + drawn.chroma_rows()), 128);
                const bool full = range == ColorRange::full;
                const double grey_luma = full ? 100 : 16 + 219 * 100 / 255.;
                for (int y = 0; y < h; ++y) std::fill_n(drawn.luma_row(y), w, std::uint8_t(std::lround(grey_luma)));
                annotator.annotate(drawn, boxes, "7.4 ms");
                const double kr = matrix == ColorMatrix::bt709 ? .2126 : .299;
                const double kb = matrix == ColorMatrix::bt709 ? .0722 : .114;
                double worst_luma = 0, sum_chroma = 0;
                int at_x = 0, at_y = 0;
                for (int y = 0; y < h; ++y)
                    for (int x = 0; x < w; ++x) {
                        const std::uint8_t* p = rgb.row(y) + x * 3;
                        const double luma = kr * p[0] + (1 - kr - kb) * p[1] + kb * p[2];
                        const double want = full ? luma : 16 + 219 * luma / 255;
                        const double off = std::fabs(drawn.luma_row(y)[x] - want);
                        if (off > worst_luma) worst_luma = off, at_x = x, at_y = y;
                        const double blue = 128 + (p[2] - luma) / (2 * (1 - kb)) * (full ? 1 : 224. / 255);
                        sum_chroma += drawn.chroma_row(y / 2)[x / 2 * 2] - blue;
                    }
                CAPTURE(w, h, int(matrix), int(range), worst_luma, at_x, at_y, sum_chroma);
                // Grey, a colour, and up to four mixtures over each other, each rounded in both.
                CHECK(worst_luma <= 1 + 5 * .5 * 2);
                // Samples at borders mix what their pixels do not; in the mean of the picture that evens out.
                CHECK(std::fabs(sum_chroma) / (w * h) < 2);
            }
}

TEST_CASE("colours within NV12 are exact, half of a sample is half of a colour", "[draw]") {
    media::Nv12Image image;
    image.width = 8, image.height = 6;
    image.bytes.assign(8 * 9, 128);
    const media::Canvas canvas(image);
    canvas.fill(2, 2, 3, 2, {255, 0, 0});  // BT.709 of limited range: 63, 102, 240
    const auto chroma = [&](int column, int row) {
        return Bytes(image.chroma_row(row) + 2 * column, image.chroma_row(row) + 2 * column + 2);
    };
    CHECK(image.luma_row(2)[2] == 63);
    CHECK(image.luma_row(3)[4] == 63);
    CHECK(image.luma_row(3)[5] == 128);
    CHECK(image.luma_row(1)[2] == 128);
    CHECK(chroma(1, 1) == Bytes{102, 240});
    CHECK(chroma(2, 1) == Bytes{115, 184});
    CHECK(chroma(3, 1) == Bytes{128, 128});
    CHECK(chroma(1, 0) == Bytes{128, 128});
    CHECK(chroma(1, 2) == Bytes{128, 128});
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

TEST_CASE("what is in a pixelated box cannot be told from its mean, and nothing far from it changes", "[draw]") {
    for (const auto& [width, height] : {std::pair{160, 120}, {161, 121}})
        for (const Box& box : {Box{31.3f, 20.7f, 60, 33}, Box{-20, -20, 40, 40}, Box{150, 110, 50, 50},
                               Box{40, 40, 3, 2}, Box{0, 0, 161, 121}}) {
            INFO(width << "x" << height << ", box at " << box.x << ' ' << box.y);
            media::Image fine{width, height, {}};  // a pattern of single pixels
            for (int i = 0; i < width * height * 3; ++i)
                fine.rgb.push_back(std::uint8_t(i / 3 % width + i / 3 / width) % 2 * 255);
            media::Nv12Image planar;
            planar.width = width, planar.height = height;
            planar.bytes.resize(std::size_t(planar.pitch()) * std::size_t(height + planar.chroma_rows()));
            for (std::size_t i = 0; i < planar.bytes.size(); ++i) planar.bytes[i] = std::uint8_t(i * 37);
            const media::Image before = fine;
            media::Nv12Image planar_before = planar;
            media::pixelate(fine, box);
            media::pixelate(planar, box);
            const int margin = std::max(16, int(std::max(box.w, box.h)) / 8 + 4);
            for (int y = 0; y < height; ++y)
                for (int x = 0; x < width; ++x) {
                    const float cx = float(x) + .5f, cy = float(y) + .5f;
                    const bool inside =
                        cx > box.x + 1 && cx < box.x + box.w - 1 && cy > box.y + 1 && cy < box.y + box.h - 1;
                    const bool far = cx < box.x - float(margin) || cx > box.x + box.w + float(margin) ||
                                     cy < box.y - float(margin) || cy > box.y + box.h + float(margin);
                    const int grey = fine.row(y)[3 * x];
                    if (inside && (grey < 110 || grey > 145)) FAIL("pixel " << x << ' ' << y << " is still " << grey);
                    if (far && grey != before.row(y)[3 * x]) FAIL("pixel " << x << ' ' << y << " was changed");
                    if (far && planar.luma_row(y)[x] != planar_before.luma_row(y)[x])
                        FAIL("luma " << x << ' ' << y << " was changed");
                    if (inside && x + 1 < width && std::abs(planar.luma_row(y)[x] - planar.luma_row(y)[x | 1]) > 0)
                        FAIL("luma " << x << ' ' << y << " differs from its neighbour");
                }
        }
}

TEST_CASE("outlines are drawn where their points are, also beyond the picture", "[draw]") {
    media::Annotator annotator({});
    for (const bool closed : {false, true}) {
        media::Image image{200, 160, {}};
        image.rgb.assign(200 * 160 * 3, 0);
        media::Outline outline{{{20, 30}, {150, 30}, {150, 100}, {20, 100}}, closed, ""};
        const media::Outline beyond{{{-1e6f, 140}, {1e9f, 140}, {60, -400}, {60, 4000}}, false, ""};
        annotator.annotate(image, {}, "", std::vector{outline, beyond});
        const auto lit = [&](int x, int y) { return image.row(y)[3 * x] == 255; };
        for (int x = 25; x < 148; ++x) REQUIRE((lit(x, 30) && lit(x, 100)));
        for (int y = 33; y < 97; ++y) REQUIRE((lit(150, y) && lit(20, y) == closed));
        CHECK_FALSE(lit(80, 60));
        CHECK_FALSE(lit(30, 140));  // an end that is too far off to be meant
        for (int y = 0; y < 160; ++y) REQUIRE(lit(60, y));
    }
}
