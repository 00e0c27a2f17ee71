// SPDX-License-Identifier: MIT
//
// compare_cfg loops|opencv|darknet CFG SIDE: a network of random weights beside a reference, and how far the worst
// number is from it, as one line; docs/models.py makes a table of them. SIDE 0 is the cfg's own size.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>

#include <convoy/load.h>
#include "engine/cpu/backend_cpu.h"
#include "tests/parity/compare_detections.h"
#include "tests/parity/darknet_program.h"
#ifdef CONVOY_WITH_OPENCV
#include "tests/parity/opencv_heads.h"
#endif
#include "tests/support/compare.h"
#include "tests/support/reference_network.h"

using namespace convoy;

namespace {

/// Every head against the plain loops, in their root mean square.
void with_loops(const Network& network) {
    CompileOptions options;
    options.passes.traits = cpu_traits();
    CpuBackend backend(compile(network, options), {}, 0);
    CpuSlot slot(backend);
    const test::OwnedTensor x = test::noise_input(network, 0);
    std::copy_n(x.view().data, network.input.elements(), backend.view(0, slot.memory()).data);
    slot.run(1);
    slot.wait();
    const std::vector<test::OwnedTensor> expected = test::run_reference(network, x);
    double worst = 0;
    for (const Node& node : backend.plan().graph.nodes) {
        if (!std::holds_alternative<YoloOp>(node.op)) continue;
        const test::OwnedTensor& e = expected[std::size_t(node.layer)];
        const double error =
            test::compare(backend.view(node.inputs[0], slot.memory()), e.view(), test::root_mean_square(e.view()), 0)
                .worst_share;
        if (!(error <= worst)) worst = error;
    }
    std::printf("%.1g\n", worst);
}

void with_opencv([[maybe_unused]] const Network& network) {
#ifdef CONVOY_WITH_OPENCV
    const test::DarknetProgram files;  // for its folder
    double worst = 0;
    for (const test::HeadDifference& head : test::compare_with_opencv(network, files.folder()))
        if (!(head.worst <= worst)) worst = head.worst;
    std::printf("%.1g\n", worst);
#else
    throw std::runtime_error("this build has no OpenCV");
#endif
}

void with_darknet(Network network) {
    const test::DarknetProgram darknet;
    const bool first = std::any_of(network.layers.begin(), network.layers.end(), [](const Layer& layer) {
        return std::holds_alternative<DetectionLayer>(layer.kind);
    });
    std::vector<std::string> pictures = first ? darknet.square_pictures() : darknet.classic_pictures();
    pictures.resize(std::min<std::size_t>(pictures.size(), 4));
    const std::string cfg = darknet.folder() + "/model.cfg", weights = darknet.folder() + "/model.weights";
    write_network(network, cfg, weights);
    const std::vector<std::vector<Detection>> expected = darknet.valid(cfg, weights, pictures);
    test::forget_newer_keys(network);
    Engine engine(network, test::as_valid());
    test::Tally tally;
    for (std::size_t i = 0; i < pictures.size(); ++i) {
        const media::Image image = media::read_image(pictures[i]);
        const std::string difference =
            test::compare_unordered(engine.detect(test::frame_of(image)), expected[i], test::box_bound(network), tally);
        if (!difference.empty()) throw std::runtime_error(difference);
    }
    if (tally.compared == 0) throw std::runtime_error("there is no box to compare");
    std::printf("%d boxes, %.1g px, %.1g\n", tally.compared, tally.worst_box, tally.worst_confidence);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    try {
        const int side = std::atoi(argv[3]);
        Network network = load_network(argv[2], "", "", {side, side});
        randomize_weights(network, 11);
        if (std::strcmp(argv[1], "loops") == 0)
            with_loops(network);
        else if (std::strcmp(argv[1], "opencv") == 0)
            with_opencv(network);
        else
            with_darknet(network);
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "error: %s\n", e.what());
        return 1;
    }
}
