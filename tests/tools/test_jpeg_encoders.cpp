// SPDX-License-Identifier: MIT
#include "tools/media/out/jpeg_encoders.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <thread>

#include "tests/support/catch.h"
#include "tests/tools/jpeg_check.h"
#include "tools/media/pictures/jpeg_planes.h"

using namespace convoy;
using namespace convoy::test;
using media::JpegEncoders;

TEST_CASE("NV12 becomes JPEG's planes by the formula, its edges repeated", "[jpeg-encoder]") {
    for (const auto& [w, h] : {std::pair{1, 1}, {2, 2}, {3, 5}, {17, 16}, {33, 31}, {101, 67}, {64, 48}})
        for (const TestPicture& p : test_pictures(w, h)) {
            if (p.view.format != PixelFormat::nv12) continue;
            const media::JpegPlanes layout(w, h);
            Bytes planes(layout.bytes() + 1, 77);
            media::to_jpeg_planes(p.view, planes.data());
            CHECK(planes.back() == 77);
            const PlanesByDefinition want = planes_by_definition(p.view);
            double worst = 0;
            for (int plane = 0; plane < 3; ++plane)
                for (int y = 0; y < layout.rows / (plane ? 2 : 1); ++y)
                    for (int x = 0; x < layout.pitch_of(plane); ++x) {
                        const int row = std::min(y, want.height[plane] - 1),
                                  column = std::min(x, want.width[plane] - 1);
                        const double is = planes[layout.begin(plane) + std::size_t(y * layout.pitch_of(plane) + x)];
                        worst = std::max(
                            worst, std::fabs(is - want.plane[plane][std::size_t(row * want.width[plane] + column)]));
                    }
            CAPTURE(w, h, p.name, worst);
            // The result's rounding, three sums cut off below 1/32 less the half that was added, and three weights'.
            CHECK(worst <= .5 + 2. / 32 + 255 * .5 / 16384 + 2 * 128 * .5 / 8192 + .5 / 32);
        }
}

TEST_CASE("the CPU's JPEGs hold the picture, of any size, format and quality", "[jpeg-encoder]") {
    JpegEncoders encoders({});
    int count = 0;
    for (const auto& [w, h] : {std::pair{1, 1}, {2, 2}, {7, 9}, {16, 16}, {33, 31}, {101, 67}, {320, 240}})
        for (const TestPicture& p : test_pictures(w, h))
            for (const int quality : {1, 50, 90, 100}) {
                CAPTURE(w, h, p.name, quality);
                CHECK(jpeg_fault(encoders.encode("x.jpg", p.view, quality), p.view) == "");
                ++count;
            }
    const JpegEncoders::Tally tally = encoders.tally();
    CHECK(tally.on_cpu == count);
    CHECK(tally.on_gpu == 0);
    CHECK(tally.why_cpu.empty());
    CHECK(describe(tally) == std::to_string(count) + " JPEGs by libjpeg on the CPU");
}

TEST_CASE("a better quality is nearer to the picture, and larger", "[jpeg-encoder]") {
    JpegEncoders encoders({});
    const media::Image image = synthetic(200, 150, 1);
    const TempFolder folder;
    double last_psnr = 0;
    std::size_t last_size = 0;
    for (const int quality : {5, 25, 50, 75, 90, 98}) {
        const Bytes file = encoders.encode("x.jpg", media::view_of(image), quality);
        write_bytes(folder / "x.jpg", file);
        const double now = psnr(media::read_image(folder / "x.jpg"), image);
        CAPTURE(quality, now, file.size());
        CHECK(now > last_psnr);
        CHECK(file.size() > last_size);
        last_psnr = now, last_size = file.size();
    }
    CHECK(last_psnr > 40);
}

TEST_CASE("pictures are encoded on many threads at once, each as alone", "[jpeg-encoder]") {
    JpegEncoders encoders({});
    const auto picture = [](int i) { return synthetic(64 + i, 48, i); };
    std::vector<Bytes> alone, together(16);
    for (int i = 0; i < 16; ++i) alone.push_back(encoders.encode("x.jpg", media::view_of(picture(i)), 90));
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 16; ++i)
            threads.emplace_back([&, i] {
                const media::Image image = picture(i);
                together[std::size_t(i)] = encoders.encode("x.jpg", media::view_of(image), 90);
            });
    }
    CHECK(together == alone);
}

TEST_CASE("what a JPEG cannot be is refused and named", "[jpeg-encoder]") {
    JpegEncoders encoders({});
    const TestPicture good = std::move(test_pictures(8, 8)[1]);  // NV12
    const auto refuse = [&](int quality, const std::string& part, auto change) {
        PixelView view = good.view;
        change(view);
        const Error error = error_of([&] { encoders.encode("film.avi", view, quality); });
        CHECK(error.kind() == ErrorKind::usage);
        CAPTURE(error.what(), part);
        CHECK(std::string(error.what()).find(part) != std::string::npos);
        CHECK(std::string(error.what()).find("film.avi") != std::string::npos);
    };
    refuse(0, "1 to 100", [](PixelView&) {});
    refuse(101, "1 to 100", [](PixelView&) {});
    refuse(90, "no pixels", [](PixelView& v) { v.width = 0; });
    refuse(90, "no pixels", [](PixelView& v) { v.plane[1] = nullptr; });
    refuse(90, "65500", [](PixelView& v) { v.height = 65501; });
    refuse(90, "rows", [](PixelView& v) { v.pitch[1] = 7; });
    refuse(90, "host memory", [](PixelView& v) { v.on_device = true; });
    CHECK(jpeg_fault(encoders.encode("film.avi", good.view, 90), good.view) == "");
}

TEST_CASE("where a GPU cannot encode the CPU does, and says why", "[jpeg-encoder]") {
    JpegEncoders encoders({1000});  // no machine has it
    const TestPicture p = std::move(test_pictures(64, 48)[0]);
    CHECK(jpeg_fault(encoders.encode("x.jpg", p.view, 90), p.view) == "");
    CHECK(jpeg_fault(encoders.encode("x.jpg", p.view, 90), p.view) == "");
    const JpegEncoders::Tally tally = encoders.tally();
    CHECK(tally.on_cpu == 2);
    CHECK(tally.on_gpu == 0);
    CHECK(tally.why_cpu.starts_with("cuda:1000: "));
    CHECK(tally.why_cpu.size() > 15);
    CHECK(describe(tally) == "2 JPEGs by libjpeg on the CPU (" + tally.why_cpu + ")");
}
