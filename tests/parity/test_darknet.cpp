// SPDX-License-Identifier: MIT
//
// Our detections against Debian's darknet: the same, in the same order, boxes within 0.01 px, confidences within 1e-4.
#include <algorithm>
#include <filesystem>

#include <convoy/engine.h>
#include <convoy/load.h>
#include <convoy/media/image.h>
#include "tests/parity/compare_detections.h"
#include "tests/parity/darknet_program.h"
#include "tests/support/catch.h"
#include "tests/support/data.h"

using namespace convoy;

namespace {

void check_model(Network network, const std::string& cfg, const std::string& weights,
                 const std::vector<std::string>& pictures, const test::DarknetProgram& darknet,
                 decltype(test::compare_in_order)& comparison = test::compare_in_order) {
    const std::vector<std::vector<Detection>> expected = darknet.valid(cfg, weights, pictures);
    test::forget_newer_keys(network);
    Engine engine(network, test::as_valid());
    test::Tally tally;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
        INFO(cfg << ", " << pictures[i]);
        const media::Image image = media::read_image(pictures[i]);
        const std::string difference =
            comparison(engine.detect(test::frame_of(image)), expected[i], test::box_bound(network), tally);
        if (!difference.empty()) FAIL(difference);
    }
    CHECK(tally.compared > 5 * int(pictures.size()));
    WARN(cfg << ": " << tally.compared << " detections on " << pictures.size() << " pictures agree; worst box "
             << tally.worst_box << " px, worst confidence " << tally.worst_confidence << "; " << tally.borderline
             << " at the threshold itself");
}

std::vector<std::string> pictures(int coco) {
    std::vector<std::string> out = test::DarknetProgram::classic_pictures();
    const std::string folder = test::data_or_skip("coco128/images");
    if (folder.empty()) return out;
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) all.push_back(entry.path().string());
    std::sort(all.begin(), all.end());
    for (int i = 0; i < coco && i < int(all.size()); ++i) out.push_back(all[i * int(all.size()) / coco]);
    return out;
}

bool darknet_missing() {
    // `valid` reads four pictures ahead and past the end of a shorter list.
    if (test::DarknetProgram::available() && test::DarknetProgram::classic_pictures().size() >= 4) return false;
    WARN("skipped: Debian's package darknet is not installed");
    return true;
}

}  // namespace

TEST_CASE("the demo model detects what darknet detects", "[parity]") {
    if (darknet_missing()) return;
    const test::DarknetProgram darknet;
    const std::string stem = test::source_dir() + "/models/yolov3-quarter";
    check_model(load_network(stem + ".cfg", stem + ".weights"), stem + ".cfg", stem + ".weights", pictures(8), darknet);
}

TEST_CASE("public models detect what darknet detects", "[parity]") {
    if (darknet_missing()) return;
    const test::DarknetProgram darknet;
    for (const char* name : {"yolo-fastest-1.1-xl", "MobileNetV2-YOLOv3-Nano-coco"}) {
        const std::string cfg = test::data_or_skip(std::string("models/") + name + ".cfg");
        if (cfg.empty()) return;
        const std::string weights = cfg.substr(0, cfg.size() - 4) + ".weights";
        check_model(load_network(cfg, weights), cfg, weights, pictures(12), darknet);
    }
}

TEST_CASE("random weights in Darknet's own cfgs detect what darknet detects", "[parity][slow]") {
    if (darknet_missing()) return;
    const test::DarknetProgram darknet;
    for (const char* name : {"yolov3-tiny", "yolov3", "yolov3-spp"}) {
        const std::string cfg = test::data_or_skip(std::string("cfgs/") + name + ".cfg");
        if (cfg.empty()) return;
        // A small input: darknet takes 20 s and more for 416 on one core.
        Network network = load_network(cfg, "", "", {128, 128});
        randomize_weights(network, 11);
        const std::string copy = darknet.folder() + "/" + name + ".cfg",
                          weights = darknet.folder() + "/" + name + ".weights";
        write_network(network, copy, weights);
        check_model(load_network(copy, weights), copy, weights, test::DarknetProgram::classic_pictures(), darknet);
    }
}

namespace {

// A network of random weights, in files that darknet reads, too.
void check_random(Network network, const std::string& name, const test::DarknetProgram& darknet,
                  const std::vector<std::string>& pictures = test::DarknetProgram::classic_pictures()) {
    randomize_weights(network, 11);
    const std::string copy = darknet.folder() + "/" + name + ".cfg",
                      weights = darknet.folder() + "/" + name + ".weights";
    write_network(network, copy, weights);
    check_model(load_network(copy, weights), copy, weights, pictures, darknet, test::compare_unordered);
}

}  // namespace

TEST_CASE("YOLOv2's cfgs with random weights detect what darknet detects", "[parity]") {
    if (darknet_missing()) return;
    const test::DarknetProgram darknet;
    for (const char* name : {"yolov2-tiny-voc", "yolov2-tiny", "yolov2-voc", "yolov2"}) {
        const std::string cfg = std::string("/usr/share/darknet/cfg/") + name + ".cfg";
        check_random(load_network(cfg, "", "", {160, 160}), name, darknet);
    }
}

TEST_CASE("YOLOv1's layers detect what darknet detects", "[parity]") {
    if (darknet_missing()) return;
    const test::DarknetProgram darknet;
    const std::vector<std::string> squares = darknet.square_pictures();
    const std::string trunk =
        "[net]\nwidth=64\nheight=64\nchannels=3\n"
        "[convolutional]\nfilters=12\nsize=3\nstride=4\npad=1\nactivation=leaky\n"
        "[maxpool]\nsize=2\nstride=2\n";
    const std::string local = "[local]\nfilters=6\nsize=3\nstride=1\npad=1\nactivation=leaky\n";
    const auto head = [](const std::string& more) {
        return "[connected]\noutput=117\nactivation=linear\n"
               "[detection]\nclasses=3\ncoords=4\nnum=2\nside=3\nsqrt=1\nrescore=1\n" +
               more;
    };
    for (const auto& [name, rest] : {std::pair{"local", local + head("softmax=0\n")},
                                     {"connected", "[connected]\noutput=40\nactivation=relu\n" + head("softmax=0\n")},
                                     {"softmax", head("softmax=1\n")}})
        check_random(parse_network(trunk + rest, "yolov1.cfg"), name, darknet, squares);
}

TEST_CASE("rare layers and activations detect what darknet detects", "[parity]") {
    if (darknet_missing()) return;
    const test::DarknetProgram darknet;
    const std::string net = "[net]\nwidth=96\nheight=96\nchannels=3\n";
    const auto conv = [](int filters, const std::string& more) {
        return "[convolutional]\nfilters=" + std::to_string(filters) + "\nsize=3\npad=1\n" + more;
    };
    const std::string head =
        "[convolutional]\nfilters=24\nactivation=linear\n[region]\nclasses=7\nnum=2\nanchors=1,1.5, 2,1\n";
    check_random(parse_network(net + conv(16, "stride=2\nactivation=leaky\n") +
                                   conv(16, "stride=2\nxnor=1\nbatch_normalize=1\nactivation=leaky\n") +
                                   conv(16, "xnor=1\nactivation=linear\n") + "[reorg]\nstride=2\n" + head,
                               "xnor.cfg"),
                 "xnor", darknet);
    for (const char* activation :
         {"elu", "selu", "relie", "ramp", "plse", "hardtan", "lhtan", "loggy", "tanh", "stair"})
        check_random(
            parse_network(net + conv(12, std::string("stride=4\nactivation=") + activation + "\n") +
                              conv(12, std::string("stride=2\nbatch_normalize=1\nactivation=") + activation + "\n") +
                              "[crop]\ncrop_height=10\ncrop_width=9\n" + head + "softmax=1\n",
                          "activation.cfg"),
            activation, darknet);
}
