// SPDX-License-Identifier: MIT
//
// Frames in pieces through the CPU's network: against tiles that are copied out by hand and detected one by one.
#include <convoy/engine.h>

#include <cmath>
#include <cstring>

#include <convoy/load.h>
#include "engine/run/tiles.h"
#include "tests/engine/tile_reference.h"
#include "tests/kernels/picture.h"
#include "tests/support/catch.h"
#include "tests/support/data.h"

using namespace convoy;

namespace {

Network demo() {
    const std::string stem = test::source_dir() + "/models/yolov3-quarter";
    return load_network(stem + ".cfg", stem + ".weights", "", {96, 96});
}

EngineOptions sensitive(int batch, const TileOptions& tiles = {}, const std::string& device = "cpu") {
    EngineOptions o;
    o.device = device;
    o.detect.confidence = .002f;  // noise is enough
    o.detect.tiles = tiles;
    o.max_batch = batch;
    o.threads = 2;
    return o;
}

Frame frame_of(const PixelView& pixels) {
    Frame frame;
    frame.pixels = pixels;
    return frame;
}

/// A part of a picture in memory of its own, without gaps between rows.
struct Copy {
    Copy(const PixelView& v, const Area& area) {
        view = v;
        view.width = area.width, view.height = area.height;
        const bool nv12 = v.format == PixelFormat::nv12;
        copy(v, 0, area.x, area.y, nv12 ? 1 : 3, area.width, area.height);
        if (nv12) copy(v, 1, area.x / 2, area.y / 2, 2, (area.width + 1) / 2, (area.height + 1) / 2);
    }
    void copy(const PixelView& v, int plane, int x, int y, int sample, int width, int height) {
        view.pitch[plane] = width * sample;
        bytes[plane].resize(std::size_t(width * sample) * std::size_t(height));
        for (int row = 0; row < height; ++row)
            std::memcpy(&bytes[plane][std::size_t(row * width * sample)],
                        v.plane[plane] + std::ptrdiff_t(y + row) * v.pitch[plane] + x * sample,
                        std::size_t(width * sample));
        view.plane[plane] = bytes[plane].data();
    }
    std::vector<std::uint8_t> bytes[2];
    PixelView view;
};

bool near(const Detection& a, const Detection& b, float tolerance) {
    const auto close = [&](float p, float q) { return std::fabs(p - q) <= tolerance; };
    return a.class_id == b.class_id && a.confidence == b.confidence && close(a.box.x, b.box.x) &&
           close(a.box.y, b.box.y) && close(a.box.w, b.box.w) && close(a.box.h, b.box.h);
}

bool same(const std::vector<Detection>& a, const std::vector<Detection>& b, float tolerance = 0) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](const Detection& p, const Detection& q) { return near(p, q, tolerance); });
}

}  // namespace

TEST_CASE("tiles are what is found in copies of them, joined", "[tiles][engine]") {
    const Network network = demo();
    Engine single(network, sensitive(1));
    for (const TileOptions& tiles : {TileOptions{3, 2, .2f, false}, {2, 2, 0, true}, {1, 3, .5f, true}})
        for (int batch : {1, 4, 8}) {
            Engine engine(network, sensitive(batch, tiles));
            for (PixelFormat format : {PixelFormat::rgb8, PixelFormat::nv12})
                for (auto [width, height] : {std::pair{320, 200}, {331, 203}, {97, 131}}) {
                    INFO(tiles.columns << 'x' << tiles.rows << ", batch " << batch << ", format " << int(format) << ", "
                                       << width << 'x' << height);
                    test::RandomPicture picture(format, width, height, 6, std::uint64_t(width));
                    const std::vector<Area> areas = tile_areas(tiles, width, height);
                    std::vector<std::vector<Detection>> found;
                    std::size_t boxes = 0;
                    for (const Area& area : areas) {
                        const Copy copy(picture.view(), area);
                        found.push_back(single.detect(frame_of(copy.view)));
                        boxes += found.back().size();
                    }
                    CHECK(boxes > 0);
                    const std::vector<Detection> expected =
                        test::JoinedTiles(sensitive(1).detect, areas, found).detections();
                    const std::vector<Detection> actual = engine.detect(frame_of(picture.view()));
                    CHECK(same(actual, expected, 1e-3f));
                    for (const Detection& d : actual)
                        CHECK((d.box.x >= 0 && d.box.y >= 0 && d.box.x + d.box.w <= float(width) + .01f &&
                               d.box.y + d.box.h <= float(height) + .01f));
                }
        }
}

TEST_CASE("one tile is the frame as it is, to the bit", "[tiles][engine]") {
    const Network network = demo();
    test::RandomPicture picture(PixelFormat::nv12, 331, 203, 6);
    const Frame frame = frame_of(picture.view());
    const std::vector<Detection> plain = Engine(network, sensitive(2)).detect(frame);
    CHECK_FALSE(plain.empty());
    CHECK(same(Engine(network, sensitive(2, {1, 1, .5f, true})).detect(frame), plain));
}

TEST_CASE("tiles give the same bits in any batch and on two devices", "[tiles][engine]") {
    const Network network = demo();
    const TileOptions tiles = {3, 2, .2f, true};
    constexpr int kFrames = 9;
    std::vector<test::RandomPicture> pictures;
    for (int i = 0; i < kFrames; ++i)
        pictures.emplace_back(i % 2 ? PixelFormat::nv12 : PixelFormat::rgb8, 200 + 17 * i, 160 + 5 * i, 0, i + 1);
    std::vector<std::vector<Detection>> expected;
    Engine one(network, sensitive(1, tiles));
    for (auto& picture : pictures) expected.push_back(one.detect(frame_of(picture.view())));
    for (const char* device : {"cpu", "cpu:0,cpu:1"})
        for (int batch : {3, 8}) {
            Engine engine(network, sensitive(batch, tiles, device));
            CHECK(engine.capacity() >= 2);
            for (int i = 0, next = 0; next < kFrames; ++next) {
                for (; i < kFrames && i - next < engine.capacity(); ++i) {
                    engine.submit(frame_of(pictures[std::size_t(i)].view()));
                    if (i + 1 == kFrames) engine.finish();
                }
                CHECK(same(engine.next().value().detections, expected[std::size_t(next)]));
            }
        }
}

TEST_CASE("what is to be left out is left out of the whole frame's boxes", "[tiles][engine]") {
    const Network network = demo();
    test::RandomPicture picture(PixelFormat::rgb8, 320, 200);
    EngineOptions options = sensitive(4, {3, 2, .2f, false});
    const std::vector<Detection> all = Engine(network, options).detect(frame_of(picture.view()));
    REQUIRE(all.size() > 4);
    options.detect.max_boxes = 3;
    const std::vector<Detection> first(all.begin(), all.begin() + 3);
    CHECK(same(Engine(network, options).detect(frame_of(picture.view())), first));
    options.detect.max_boxes = 0;
    options.detect.min_size = 20;
    options.detect.ignored = {{{0, 0, .5f, 1}, true}};
    std::vector<Detection> rest = all;
    std::erase_if(rest, [](const Detection& d) { return d.box.w < 20 || d.box.h < 20 || d.box.x + d.box.w / 2 < 160; });
    CHECK(same(Engine(network, options).detect(frame_of(picture.view())), rest));
}

TEST_CASE("impossible tiles are errors that say what to do", "[tiles][engine]") {
    const Network network = demo();
    const auto complaint = [&](const TileOptions& tiles) -> std::string {
        try {
            Engine(network, sensitive(1, tiles));
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::usage);
            return error.what();
        }
        return "";
    };
    for (const TileOptions& tiles : {TileOptions{0, 2, .2f, false}, {2, 33, .2f, false}, {-1, -1, .2f, false}})
        CHECK(complaint(tiles).find("columns and rows of tiles must lie between 1 and 32") != std::string::npos);
    for (float overlap : {-.1f, .91f, NAN})
        CHECK(complaint({2, 2, overlap, false}).find("overlap of tiles must lie between 0 and 0.9") !=
              std::string::npos);
    Engine engine(network, sensitive(1, {3, 2, .2f, false}));
    for (auto [width, height] : {std::pair{5, 100}, {100, 3}, {1, 1}}) {
        test::RandomPicture picture(PixelFormat::rgb8, width, height);
        CHECK_THROWS_AS(engine.submit(frame_of(picture.view())), Error);
    }
    for (PixelFormat format : {PixelFormat::rgb8, PixelFormat::nv12}) {
        test::RandomPicture smallest(format, 6, 4);
        engine.detect(frame_of(smallest.view()));
    }
}
