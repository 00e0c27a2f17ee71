// SPDX-License-Identifier: MIT
//
// Our detections against Debian's darknet: the same, in the same order, boxes within 0.01 px, confidences within 1e-4.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <convoy/engine.h>
#include <convoy/load.h>
#include <convoy/media/image.h>
#include "tests/parity/darknet_program.h"
#include "tests/support/catch.h"
#include "tests/support/data.h"
#include "tests/support/random.h"

using namespace convoy;

namespace {

constexpr float kThreshold = .005f;  // of `darknet detector valid`
constexpr float kConfidenceBound = 1e-4f;
// Rounding happens in network pixels and grows with the picture: .01 px is for a network of 416.
float box_bound(const Network& network) { return .01f * std::max(1.f, 416.f / float(network.input.w)); }

EngineOptions as_valid() {
    EngineOptions o;
    o.batch_norm = BatchNormFormula::pjreddie;
    o.detect.confidence = kThreshold;
    o.detect.nms = .45f;
    o.detect.resize = Resize::darknet;
    return o;
}

Frame frame_of(const media::Image& image) {
    Frame f;
    f.pixels.plane[0] = image.rgb.data();
    f.pixels.pitch[0] = 3 * image.width;
    f.pixels.width = image.width;
    f.pixels.height = image.height;
    return f;
}

float box_error(const Box& a, const Box& b) {
    return std::max({std::fabs(a.x - b.x), std::fabs(a.y - b.y), std::fabs(a.w - b.w), std::fabs(a.h - b.h)});
}

bool same(const Detection& a, const Detection& b, float bound) {
    return a.class_id == b.class_id && std::fabs(a.confidence - b.confidence) <= kConfidenceBound &&
           box_error(a.box, b.box) <= bound;
}

std::string text(const Detection& d) {
    char out[120];
    std::snprintf(out, sizeof out, "class %d %.6f [%.4f %.4f %.4f %.4f]", d.class_id, d.confidence, d.box.x, d.box.y,
                  d.box.w, d.box.h);
    return out;
}

// A confidence so close to the threshold that rounding alone decides whether it is listed.
bool borderline(const Detection& d) { return std::fabs(d.confidence - kThreshold) < 2e-6f; }

struct Tally {
    int compared = 0, borderline = 0;
    float worst_box = 0, worst_confidence = 0;
};

void compare(const std::vector<Detection>& ours, const std::vector<Detection>& darknet, float bound, Tally& tally) {
    std::size_t i = 0, j = 0;
    while (i < ours.size() || j < darknet.size()) {
        if (i < ours.size() && j < darknet.size() && same(ours[i], darknet[j], bound)) {
            tally.worst_box = std::max(tally.worst_box, box_error(ours[i].box, darknet[j].box));
            tally.worst_confidence =
                std::max(tally.worst_confidence, std::fabs(ours[i].confidence - darknet[j].confidence));
            ++tally.compared, ++i, ++j;
        } else if (i < ours.size() && borderline(ours[i])) {
            ++tally.borderline, ++i;
        } else if (j < darknet.size() && borderline(darknet[j])) {
            ++tally.borderline, ++j;
        } else {
            FAIL("place " << i << ": ours " << (i < ours.size() ? text(ours[i]) : "none") << ", darknet's "
                          << (j < darknet.size() ? text(darknet[j]) : "none"));
        }
    }
}

// The same detections in any order: what has no objectness leaves gaps in a region's list, which darknet fills from its
// end, so that boxes of the same class stand elsewhere.
void compare_unordered(const std::vector<Detection>& all_ours, const std::vector<Detection>& all_darknets, float bound,
                       Tally& tally) {
    std::vector<Detection> ours = all_ours, darknet = all_darknets;
    std::erase_if(ours, [&](const Detection& d) {
        const auto match =
            std::find_if(darknet.begin(), darknet.end(), [&](const Detection& e) { return same(d, e, bound); });
        if (match == darknet.end()) return false;
        tally.worst_box = std::max(tally.worst_box, box_error(d.box, match->box));
        tally.worst_confidence = std::max(tally.worst_confidence, std::fabs(d.confidence - match->confidence));
        ++tally.compared;
        darknet.erase(match);
        return true;
    });
    for (const std::vector<Detection>* rest : {&ours, &darknet})
        for (const Detection& d : *rest) {
            if (!borderline(d)) FAIL((rest == &ours ? "only ours: " : "only darknet's: ") << text(d));
            ++tally.borderline;
        }
}

// What pjreddie's darknet of 2018 does with a newer cfg: it does not know these keys.
void forget_newer_keys(Network& network) {
    for (Layer& layer : network.layers)
        if (auto* yolo = std::get_if<YoloLayer>(&layer.kind)) {
            yolo->nms_kind = NmsKind::iou;
            yolo->scale_x_y = 1;
        }
}

void check_model(Network network, const std::string& cfg, const std::string& weights,
                 const std::vector<std::string>& pictures, const test::DarknetProgram& darknet,
                 decltype(compare)& comparison = compare) {
    const std::vector<std::vector<Detection>> expected = darknet.valid(cfg, weights, pictures);
    forget_newer_keys(network);
    Engine engine(network, as_valid());
    Tally tally;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
        INFO(cfg << ", " << pictures[i]);
        comparison(engine.detect(frame_of(media::read_image(pictures[i]))), expected[i], box_bound(network), tally);
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
    check_model(load_network(copy, weights), copy, weights, pictures, darknet, compare_unordered);
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

namespace {

// Square, so that darknet's letterbox, which it forgets for YOLOv1's boxes, is none.
std::vector<std::string> square_pictures(const std::string& folder) {
    constexpr int kSide = 96;
    std::vector<std::string> out;
    for (unsigned picture = 0; picture < 4; ++picture) {
        out.push_back(folder + "/square" + std::to_string(picture) + ".bmp");
        std::ofstream file(out.back(), std::ios::binary);
        const auto number = [&](std::uint32_t value, int bytes) {
            for (int i = 0; i < bytes; ++i) file.put(char(value >> 8 * i & 255));
        };
        file << "BM";
        for (std::uint32_t value : {54u + 3u * kSide * kSide, 0u, 54u, 40u, unsigned(kSide), unsigned(kSide)})
            number(value, 4);
        number(1, 2), number(24, 2);
        for (int i = 0; i < 6; ++i) number(0, 4);
        const std::vector<float> noise = test::random_floats(std::size_t(3 * kSide * kSide), picture + 1, 0, 255.9f);
        for (float v : noise) file.put(char(int(v)));
    }
    return out;
}

}  // namespace

TEST_CASE("YOLOv1's layers detect what darknet detects", "[parity]") {
    if (darknet_missing()) return;
    const test::DarknetProgram darknet;
    const std::vector<std::string> squares = square_pictures(darknet.folder());
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
