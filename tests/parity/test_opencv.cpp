// SPDX-License-Identifier: MIT
//
// Head activations against OpenCV's dnn, an independent reader and runtime of Darknet files, for what darknet itself
// (2018) does not know: yolov4 and its relatives.
#include <cmath>
#include <filesystem>
#include <opencv2/dnn.hpp>

#include <convoy/load.h>
#include "engine/cpu/backend_cpu.h"
#include "tests/support/catch.h"
#include "tests/support/data.h"
#include "tests/support/random.h"

using namespace convoy;

namespace {

// OpenCV's region layer lists (x, y, w, h, objectness, class …) per cell and anchor, normalised, squashed.
struct Row {
    float x, y, w, h, objectness;
};

std::vector<Row> our_rows(const kernels::ConstTensor& head, const YoloLayer& yolo, const Shape& input) {
    const auto logistic = [](float v) { return 1.f / (1.f + std::exp(-v)); };
    const int entries = 5 + yolo.classes;
    std::vector<Row> rows;
    for (int y = 0; y < head.h; ++y)
        for (int x = 0; x < head.w; ++x)
            for (std::size_t a = 0; a < yolo.mask.size(); ++a) {
                const float* t = head.at(0, y, x) + a * entries;
                const float s = yolo.scale_x_y, half = .5f * (s - 1);
                const Anchor anchor = yolo.anchors[yolo.mask[a]];
                rows.push_back({(float(x) + logistic(t[0]) * s - half) / float(head.w),
                                (float(y) + logistic(t[1]) * s - half) / float(head.h),
                                std::exp(t[2]) * anchor.w / float(input.w), std::exp(t[3]) * anchor.h / float(input.h),
                                logistic(t[4])});
            }
    return rows;
}

void check(const std::string& name, Network made) {
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("convoy-opencv-" + name);
    std::filesystem::create_directories(folder);
    randomize_weights(made, 5);
    const std::string copy = (folder / "model.cfg").string(), weights = (folder / "model.weights").string();
    write_network(made, copy, weights);
    const Network network = load_network(copy, weights);

    CompileOptions options;
    options.passes = {cpu_traits(), BatchNormFormula::opencv};
    CpuBackend backend(compile(network, options), {}, 2);
    CpuSlot slot(backend);
    const kernels::Tensor x = backend.view(0, slot.memory());
    const std::vector<float> noise = test::random_floats(network.input.elements(), 21, 0, 1);
    std::copy(noise.begin(), noise.end(), x.data);
    slot.run(1);

    cv::dnn::Net net = cv::dnn::readNetFromDarknet(copy, weights);
    const int dims[] = {1, 3, network.input.h, network.input.w};
    cv::Mat blob(4, dims, CV_32F);
    for (int c = 0; c < 3; ++c)
        for (int y = 0; y < network.input.h; ++y)
            for (int xx = 0; xx < network.input.w; ++xx) {
                const int at[] = {0, c, y, xx};
                blob.at<float>(at) = noise[(std::size_t(y) * network.input.w + xx) * 3 + c];
            }
    net.setInput(blob);
    std::vector<cv::Mat> outputs;
    net.forward(outputs, net.getUnconnectedOutLayersNames());
    std::filesystem::remove_all(folder);

    std::size_t head_index = 0;
    for (const Node& node : backend.plan().graph.nodes) {
        const auto* yolo = std::get_if<YoloOp>(&node.op);
        if (!yolo) continue;
        const std::vector<Row> ours = our_rows(backend.view(node.inputs[0], slot.memory()), yolo->head, network.input);
        const cv::Mat& theirs = outputs.at(head_index++);
        REQUIRE(theirs.rows == int(ours.size()));
        double worst = 0;
        int worst_row = 0;
        for (int r = 0; r < theirs.rows; ++r) {
            const float* o = theirs.ptr<float>(r);
            const Row& m = ours[r];
            const double error =
                std::max({std::fabs(o[0] - m.x), std::fabs(o[1] - m.y), std::fabs(o[2] - m.w) / (1 + m.w),
                          std::fabs(o[3] - m.h) / (1 + m.h), std::fabs(o[4] - m.objectness)});
            if (!(error <= worst)) worst = error, worst_row = r;
        }
        INFO(name << ", head " << head_index << ": worst row " << worst_row << ", off by " << worst);
        CHECK(worst < 2e-4);
    }
    CHECK(head_index == outputs.size());
}

}  // namespace

namespace {

void check(const std::string& name) {
    const std::string cfg = test::data_or_skip("cfgs/" + name + ".cfg");
    if (!cfg.empty()) check(name, load_network(cfg, "", "", {160, 160}));
}

}  // namespace

TEST_CASE("scale_channels and sam are OpenCV's", "[parity]") {
    check("attention", parse_network("[net]\nwidth=96\nheight=64\nchannels=3\n"
                                     "[convolutional]\nbatch_normalize=1\nfilters=12\nsize=3\nstride=4\npad=1\n"
                                     "activation=leaky\n"
                                     "[avgpool]\n"
                                     "[convolutional]\nfilters=12\nsize=1\nstride=1\nactivation=logistic\n"
                                     "[scale_channels]\nfrom=-3\n"
                                     "[convolutional]\nbatch_normalize=1\nfilters=12\nsize=3\nstride=1\npad=1\n"
                                     "activation=logistic\n"
                                     "[sam]\nfrom=-2\n"
                                     "[convolutional]\nfilters=14\nsize=1\nstride=1\nactivation=linear\n"
                                     "[yolo]\nclasses=2\nnum=2\nmask=0,1\nanchors=10,14, 23,27\n",
                                     "attention.cfg"));
}

TEST_CASE("yolov4's heads are OpenCV's", "[parity]") { check("yolov4"); }
TEST_CASE("yolov4-tiny's heads are OpenCV's", "[parity]") { check("yolov4-tiny"); }
TEST_CASE("yolov3's heads are OpenCV's", "[parity]") { check("yolov3"); }
