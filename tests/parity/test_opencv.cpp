// SPDX-License-Identifier: MIT
//
// Head activations against OpenCV's dnn, an independent reader and runtime of Darknet files, for what darknet itself
// (2018) does not know: yolov4 and its relatives.
#include <filesystem>

#include <convoy/load.h>
#include "tests/parity/opencv_heads.h"
#include "tests/support/catch.h"
#include "tests/support/data.h"

using namespace convoy;

namespace {

void check(const std::string& name, Network network) {
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / ("convoy-opencv-" + name);
    std::filesystem::create_directories(folder);
    randomize_weights(network, 5);
    const std::vector<test::HeadDifference> heads = test::compare_with_opencv(network, folder.string());
    std::filesystem::remove_all(folder);
    CHECK(!heads.empty());
    for (const test::HeadDifference& head : heads) {
        INFO(name << ", layer " << head.layer << ": worst row " << head.row << ", off by " << head.worst);
        CHECK(head.worst < 2e-4);
    }
}

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
TEST_CASE("yolov4-csp's boxes are OpenCV's", "[parity]") { check("yolov4-csp"); }
