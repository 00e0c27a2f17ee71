// SPDX-License-Identifier: MIT
#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "tests/loader/support.h"

using namespace convoy;
using namespace convoy::test;

namespace {

std::string size_error(int width, int height) {
    const auto error = error_of([&] { parse_network(kSmallCfg, "small.cfg", {width, height}); });
    if (!error) return "no error";
    return error->kind() == ErrorKind::usage ? error->what() : std::string("another kind: ") + error->what();
}

}  // namespace

TEST_CASE("the published cfgs load with the exact count of floats", "[load]") {
    struct Model {
        const char* cfg;
        std::size_t floats;
    };
    for (const Model m : {Model{"cfgs/yolov3.cfg", 62001757},
                          {"cfgs/yolov3-tiny.cfg", 8858734},
                          {"cfgs/yolov3-spp.cfg", 63052381},
                          {"cfgs/yolov4.cfg", 64429405},
                          {"cfgs/yolov4-tiny.cfg", 6062814},
                          {"cfgs/yolov4-csp.cfg", 52986205},
                          {"cfgs/yolov7.cfg", 36974557},
                          {"cfgs/yolov7-tiny.cfg", 6241885}}) {
        const std::string path = data_or_skip(m.cfg);
        if (path.empty()) continue;
        INFO(m.cfg);
        const Network network = load_network(path);
        CHECK(network.weight_count() == m.floats);
        CHECK(network.classes() == 80);
        CHECK_FALSE(network.has_weights());
    }
}

TEST_CASE("the shipped model loads whole", "[load]") {
    const Network network =
        load_network(source_dir() + "/models/yolov3-quarter.cfg", source_dir() + "/models/yolov3-quarter.weights",
                     source_dir() + "/models/coco.names");
    CHECK(network.layers.size() == 107);
    CHECK(network.weight_count() == 3981397);
    CHECK(all_weights(network).size() == 3981397);
    CHECK(network.names.size() == 80);
}

TEST_CASE("the trained models load whole", "[load]") {
    for (const char* stem :
         {"models/yolo-fastest-1.1-xl", "models/MobileNetV2-YOLOv3-Nano-coco", "models/yolov3-quarter"}) {
        const std::string cfg = data_or_skip(std::string(stem) + ".cfg");
        if (cfg.empty()) continue;
        INFO(stem);
        const Network network =
            load_network(cfg, data_or_skip(std::string(stem) + ".weights"), data_or_skip("models/coco.names"));
        CHECK(network.has_weights());
        CHECK(network.names.size() == 80);
    }
    const std::string half = data_or_skip("models/yolov3-half.cfg");
    if (!half.empty()) CHECK(load_network(half).weight_count() == 15641773);
}

TEST_CASE("names that nobody named are found beside the weights, the cfg, or as COCO's", "[load]") {
    const TemporaryFolder folder;
    const std::string cfg = folder.write("net.cfg", kSmallCfg);
    const std::string weights = folder.write("best.weights", std::string(16 + 4 * kSmallWeights, '\0'));
    CHECK(load_network(cfg, weights).names.empty());
    folder.write("coco.names", "no\nno\n");  // the model has 2 classes, not 80
    CHECK(load_network(cfg, weights).names.empty());
    folder.write("net.names", "ape\nbee\n");
    CHECK(load_network(cfg, weights).names == std::vector<std::string>{"ape", "bee"});
    CHECK(load_network(cfg).names == std::vector<std::string>{"ape", "bee"});
    folder.write("best.names", "cat\ndog\n");
    CHECK(load_network(cfg, weights).names == std::vector<std::string>{"cat", "dog"});
    CHECK(load_network(cfg, weights, folder / "net.names").names == std::vector<std::string>{"ape", "bee"});
    folder.write("best.names", "one\n");
    const auto error = error_of([&] { load_network(cfg, weights); });
    REQUIRE(error);
    CHECK(std::string(error->what()).find("best.names") != std::string::npos);

    std::string eighty = kSmallCfg;
    eighty.replace(eighty.find("classes=2"), 9, "classes=80");
    eighty.replace(eighty.find("filters=14"), 10, "filters=170");
    std::string names;
    for (int i = 0; i < 80; ++i) names += "thing\n";
    folder.write("coco.names", names);
    CHECK(load_network(folder.write("eighty.cfg", eighty)).names.size() == 80);
}

TEST_CASE("a size given by the caller overrides the cfg's", "[load]") {
    const Network wide = parse_network(kSmallCfg, "small.cfg", {96, 64});
    CHECK(wide.input == Shape{3, 64, 96});
    CHECK(wide.layers.back().out == Shape{14, 64, 96});
    CHECK(parse_network(kSmallCfg, "small.cfg", {96, 0}).input == Shape{3, 32, 96});
}

TEST_CASE("a size that the network cannot take is a usage error", "[load]") {
    CHECK(size_error(33, 32).find("33 is not a positive multiple of 32") != std::string::npos);
    CHECK(size_error(32, -32).find("-32 is not a positive multiple of 32") != std::string::npos);
    CHECK(size_error(2147483616, 2147483616).find("cannot take") != std::string::npos);
    CHECK(size_error(320000, 320000).find("cannot take an input of 320000x320000") != std::string::npos);
    const char* window = "[net]\nwidth=64\nheight=64\nchannels=3\n[conv]\nfilters=3\nsize=40\n";
    const auto error = error_of([&] { parse_network(window, "net.cfg", {32, 32}); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::usage);
    CHECK(std::string(error->what()).find("32x32: net.cfg:5") != std::string::npos);
}

TEST_CASE("a network whose weights belong to one size has that alone, and says which layer's", "[load]") {
    const std::string net = "[net]\nwidth=64\nheight=64\nchannels=3\n[conv]\nfilters=3\n";
    const auto message = [&](const std::string& rest, int side) {
        const auto error = error_of([&] { parse_network(net + rest, "net.cfg", {side, side}); });
        if (!error) return std::string("no error");
        CHECK(error->kind() == ErrorKind::usage);
        return std::string(error->what());
    };
    const std::string expected = "has weights for one size of input alone, the cfg's 64x64: give no other input size";
    CHECK(message("[connected]\noutput=5\n", 32).starts_with("net.cfg:7: [connected] (layer 1) " + expected));
    CHECK(message("[local]\nfilters=5\n", 96).starts_with("net.cfg:7: [local] (layer 1) " + expected));
    CHECK(message("[connected]\noutput=5\n", 64) == "no error");
    CHECK(message("[avgpool]\n[connected]\noutput=5\n", 32) == "no error");
}

TEST_CASE("cfg files that cannot be read", "[load]") {
    const TemporaryFolder folder;
    const auto message = [](const std::string& path) {
        const auto error = error_of([&] { load_network(path); });
        return error && error->kind() == ErrorKind::model ? std::string(error->what()) : "no error";
    };
    CHECK(message(folder / "absent.cfg").find("absent.cfg': No such file") != std::string::npos);
    CHECK(message(folder / "").find("directory") != std::string::npos);
    CHECK(message(folder.write("empty.cfg", "")).find("empty.cfg: there is no section") != std::string::npos);
    CHECK(message(folder.write("big.cfg", std::string(5 << 20, '#'))).find("big.cfg") != std::string::npos);
    const std::string path = folder.write("a.cfg", "[net]\nwidth=1\nheight=x\n[avgpool]\n");
    CHECK(message(path).find(path + ":3: [net] key 'height'") == 0);
}

TEST_CASE("yolov3 with its 248 MB of weights is mapped, not read", "[load]") {
    const std::string cfg = data_or_skip("cfgs/yolov3.cfg");
    if (cfg.empty()) return;
    const TemporaryFolder folder;
    std::string bytes(20, '\0');
    bytes[4] = 2;
    const std::string weights = folder.write("yolov3.weights", bytes);
    std::filesystem::resize_file(weights, 248007048);  // sparse
    const auto start = std::chrono::steady_clock::now();
    const Network network = load_network(cfg, weights);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    CHECK(network.has_weights());
    INFO(took.count() << " s");
    CHECK(took.count() < .5);  // milliseconds; slack for sanitizers and busy machines
}
