// SPDX-License-Identifier: MIT
#include "tests/loader/support.h"

using namespace convoy;
using namespace convoy::test;

namespace {

std::string text(const Shape& s) { return std::to_string(s.w) + "x" + std::to_string(s.h) + "x" + std::to_string(s.c); }

/// Output of the last layer of `layers` on a width × height × channels input.
std::string output(int width, int height, int channels, const std::string& layers) {
    const std::string net = "[net]\nwidth=" + std::to_string(width) + "\nheight=" + std::to_string(height) +
                            "\nchannels=" + std::to_string(channels) + "\n";
    return text(parse_network(net + layers, "net.cfg").layers.back().out);
}

struct Expected {
    int layer;
    const char* shape;
};

/// Width × height × channels as Darknet prints them for the published cfgs.
void check_shapes(const std::string& cfg, const LoadOptions& options, std::size_t layers,
                  const std::vector<Expected>& expected) {
    const std::string path = data_or_skip("cfgs/" + cfg);
    if (path.empty()) return;
    const Network network = load_network(path, {}, {}, options);
    CHECK(network.layers.size() == layers);
    for (const Expected& e : expected) {
        INFO(cfg << " layer " << e.layer);
        CHECK(text(network.layers.at(std::size_t(e.layer)).out) == e.shape);
    }
}

}  // namespace

TEST_CASE("window arithmetic", "[shapes]") {
    CHECK(output(416, 416, 3, "[conv]\nfilters=32\nsize=3\npad=1\n") == "416x416x32");
    CHECK(output(416, 416, 3, "[conv]\nfilters=32\nsize=3\nstride=2\npad=1\n") == "208x208x32");
    CHECK(output(7, 9, 3, "[conv]\nfilters=2\nsize=3\nstride=2\n") == "3x4x2");
    CHECK(output(7, 9, 3, "[conv]\nfilters=2\nsize=3\nstride_x=1\nstride_y=3\n") == "5x3x2");
    CHECK(output(3, 3, 3, "[conv]\nfilters=2\nsize=3\n") == "1x1x2");
    CHECK(output(1, 1, 3, "[conv]\nfilters=2\nsize=2\nstride=2\npad=1\n") == "1x1x2");
    CHECK(output(20, 20, 3, "[conv]\nfilters=2\nsize=3\npad=1\ndilation=5\n") == "20x20x2");
    CHECK(output(20, 20, 3, "[conv]\nfilters=2\nsize=3\npad=1\nstride=2\ndilation=2\n") == "10x10x2");
    CHECK(output(26, 26, 8, "[maxpool]\nsize=2\nstride=2\n") == "13x13x8");
    CHECK(output(13, 13, 8, "[maxpool]\nsize=2\nstride=1\n") == "13x13x8");
    CHECK(output(13, 13, 8, "[maxpool]\nsize=13\nstride=1\n") == "13x13x8");
    CHECK(output(13, 11, 8, "[maxpool]\nsize=3\nstride=2\npadding=0\n") == "6x5x8");
    CHECK(output(13, 11, 8, "[upsample]\nstride=3\n") == "39x33x8");
    CHECK(output(13, 11, 8, "[avgpool]\n") == "1x1x8");
    CHECK(output(13, 11, 8, "[dropout]\n") == "13x11x8");
}

TEST_CASE("route concatenates slices; shortcut keeps its input's channels", "[shapes]") {
    const std::string two = "[conv]\nfilters=6\n[conv]\nfilters=10\n";
    CHECK(output(8, 8, 3, two + "[route]\nlayers=-1,-2\n") == "8x8x16");
    CHECK(output(8, 8, 3, two + "[route]\nlayers=-1,-2\ngroups=2\ngroup_id=1\n") == "8x8x8");
    CHECK(output(8, 8, 3, two + "[shortcut]\nfrom=-2\n") == "8x8x10");
    CHECK(output(8, 8, 3, two + "[shortcut]\nfrom=-1,-2\n") == "8x8x10");
}

TEST_CASE("a route's input is its first layer's output", "[shapes]") {
    const Network network = parse_network(
        "[net]\nwidth=8\nheight=8\nchannels=3\n[conv]\nfilters=6\n[conv]\nfilters=10\n[route]\nlayers=0,1\n",
        "net.cfg");
    CHECK(network.layers[0].in == network.input);
    CHECK(network.layers[2].in == network.layers[0].out);
}

TEST_CASE("yolov3", "[shapes]") {
    check_shapes("yolov3.cfg", {416, 416}, 107,
                 {{0, "416x416x32"},
                  {1, "208x208x64"},
                  {36, "52x52x256"},
                  {61, "26x26x512"},
                  {74, "13x13x1024"},
                  {81, "13x13x255"},
                  {82, "13x13x255"},
                  {83, "13x13x512"},
                  {85, "26x26x256"},
                  {86, "26x26x768"},
                  {94, "26x26x255"},
                  {98, "52x52x384"},
                  {106, "52x52x255"}});
    check_shapes("yolov3.cfg", {640, 384}, 107, {{82, "20x12x255"}, {94, "40x24x255"}, {106, "80x48x255"}});
}

TEST_CASE("yolov3-tiny, yolov3-spp", "[shapes]") {
    check_shapes("yolov3-tiny.cfg", {416, 416}, 24,
                 {{9, "13x13x256"},
                  {11, "13x13x512"},
                  {12, "13x13x1024"},
                  {16, "13x13x255"},
                  {20, "26x26x384"},
                  {23, "26x26x255"}});
    check_shapes("yolov3-spp.cfg", {608, 608}, 114,
                 {{83, "19x19x2048"}, {89, "19x19x255"}, {101, "38x38x255"}, {113, "76x76x255"}});
}

TEST_CASE("yolov4 and yolov7", "[shapes]") {
    check_shapes(
        "yolov4.cfg", {608, 608}, 162,
        {{104, "19x19x1024"}, {113, "19x19x2048"}, {139, "76x76x255"}, {150, "38x38x255"}, {161, "19x19x255"}});
    check_shapes("yolov4-tiny.cfg", {416, 416}, 38, {{3, "104x104x32"}, {30, "13x13x255"}, {37, "26x26x255"}});
    check_shapes("yolov4-csp.cfg", {512, 512}, 175, {{144, "64x64x255"}, {159, "32x32x255"}, {174, "16x16x255"}});
    check_shapes("yolov7.cfg", {640, 640}, 143, {{134, "80x80x255"}, {138, "40x40x255"}, {142, "20x20x255"}});
    check_shapes("yolov7-tiny.cfg", {416, 416}, 99, {{90, "52x52x255"}, {94, "26x26x255"}, {98, "13x13x255"}});
}
