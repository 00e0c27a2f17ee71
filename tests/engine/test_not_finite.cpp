// SPDX-License-Identifier: MIT
//
// Weights whose activations are NaN, infinite or too large: what the engine leaves out, and which layer it names.
#include <cmath>
#include <functional>
#include <limits>

#include <convoy/engine.h>
#include <convoy/load.h>
#include "tests/support/catch.h"
#include "tests/support/random.h"

using namespace convoy;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
constexpr int kEntries = 7;  // of a box: two classes

// Two anchors in each of 16 cells, all of them objects.
Network network_of(const std::function<void(Network&)>& damage = {}) {
    Network network = parse_network(
        "[net]\nwidth=32\nheight=32\nchannels=3\n"
        "[convolutional]\nbatch_normalize=1\nfilters=4\nsize=3\nstride=8\npad=1\nactivation=leaky\n"
        "[maxpool]\nsize=1\nstride=1\n"
        "[convolutional]\nfilters=14\nsize=1\nstride=1\nactivation=linear\n"
        "[yolo]\nmask=0,1\nanchors=10,14, 23,27\nclasses=2\nnum=2\n",
        "small.cfg");
    randomize_weights(network, 3);
    if (damage) damage(network);
    return network;
}

float* weights(Network& network, int layer) {
    return const_cast<float*>(std::get<ConvolutionalLayer>(network.layers[std::size_t(layer)].kind).weights.data);
}
float* biases(Network& network, int layer) {
    return const_cast<float*>(std::get<ConvolutionalLayer>(network.layers[std::size_t(layer)].kind).biases.data);
}

void make_object(Network& network, int anchor, float objectness) {
    float* bias = biases(network, 2) + anchor * kEntries;
    bias[4] = objectness, bias[5] = bias[6] = 8;
}

Result look(const Network& network, int batch) {
    static std::vector<std::uint8_t> bytes;
    bytes.clear();
    for (float v : test::random_floats(48 * 32 * 3, 5, 0, 255.9f)) bytes.push_back(std::uint8_t(v));
    EngineOptions options;
    options.device = "cpu";
    options.max_batch = batch;
    options.threads = 2;
    options.detect.nms = 1;
    auto engine = std::make_unique<Engine>(network, options);
    for (int i = 0; i < batch; ++i) engine->submit(rgb_frame(bytes.data(), 48, 32));
    engine->finish();
    Result first = engine->next().value();
    while (const std::optional<Result> next = engine->next()) {
        CHECK(next->not_finite == first.not_finite);
        CHECK(next->detections.size() == first.detections.size());
        CHECK(next->first_not_finite.empty());
    }
    return first;
}

void check_finite(const Result& result) {
    for (const Detection& d : result.detections)
        CHECK(std::isfinite(d.confidence + d.box.x + d.box.y + d.box.w + d.box.h));
}

}  // namespace

TEST_CASE("the layer whose output is not finite is named, once", "[engine]") {
    struct Case {
        const char* what;
        std::function<void(Network&)> damage;
        const char* layer;
    };
    const Case cases[] = {
        {"a NaN among the weights", [](Network& n) { weights(n, 2)[4 * 4] = kNan; }, "layer 2 (convolutional)"},
        {"an infinite one in the first layer", [](Network& n) { weights(n, 0)[5] = kInf; }, "layer 0 (convolutional)"},
        {"huge ones, one after the other",
         [](Network& n) {
             std::fill_n(weights(n, 0), 4 * 27, 1e30f);
             std::fill_n(weights(n, 2), 14 * 4, 1e30f);
         },
         "layer 2 (convolutional)"},
        {"a NaN among the last layer's biases", [](Network& n) { biases(n, 2)[4] = kNan; }, "layer 2 (convolutional)"},
    };
    for (const Case& c : cases)
        for (int batch : {1, 3}) {
            INFO(c.what << ", batch " << batch);
            const Result result = look(network_of(c.damage), batch);
            CHECK(result.not_finite > 0);
            CHECK(result.first_not_finite == c.layer);
            check_finite(result);
        }
}

TEST_CASE("a size that overflows is its head's, and costs no other box", "[engine]") {
    const auto objects = [](float second, float width) {
        return network_of([=](Network& n) {
            make_object(n, 0, 8);
            make_object(n, 1, second);
            biases(n, 2)[kEntries + 2] = width;
        });
    };
    for (int batch : {1, 3}) {
        const Result actual = look(objects(8, 1000), batch), expected = look(objects(-1000, 0), batch);
        CHECK(actual.not_finite == 16);
        CHECK(actual.first_not_finite == "layer 3 (yolo)");
        CHECK(expected.not_finite == 0);
        REQUIRE(actual.detections.size() == expected.detections.size());
        REQUIRE_FALSE(actual.detections.empty());
        for (std::size_t i = 0; i < actual.detections.size(); ++i) {
            CHECK(actual.detections[i].confidence == expected.detections[i].confidence);
            CHECK(actual.detections[i].box.x == expected.detections[i].box.x);
            CHECK(actual.detections[i].box.w == expected.detections[i].box.w);
        }
    }
}

TEST_CASE("a box as large as floats can be is a box, and nothing is said where all is finite", "[engine]") {
    const Result huge = look(network_of([](Network& n) {
                                 make_object(n, 0, 8);
                                 make_object(n, 1, -1000);
                                 biases(n, 2)[2] = biases(n, 2)[3] = 60;  // exp(60): 1e26 pixels
                             }),
                             1);
    CHECK(huge.not_finite == 0);
    CHECK(huge.first_not_finite.empty());
    REQUIRE_FALSE(huge.detections.empty());
    for (const Detection& d : huge.detections) CHECK((d.box.x == 0 && d.box.y == 0 && d.box.w == 48 && d.box.h == 32));
}
