// SPDX-License-Identifier: MIT
#include "tests/parity/opencv_heads.h"

#include <algorithm>
#include <cmath>
#include <opencv2/dnn.hpp>
#include <stdexcept>

#include <convoy/load.h>
#include "engine/cpu/backend_cpu.h"
#include "tests/support/random.h"

namespace convoy::test {
namespace {

// OpenCV's region layer lists (x, y, w, h, objectness, class …) per cell and anchor, normalised, squashed.
struct Row {
    float x, y, w, h, objectness;
};

std::vector<Row> our_rows(const kernels::ConstTensor& head, const YoloLayer& yolo, const Shape& input) {
    const auto logistic = [&](float v) { return yolo.new_coords ? v : 1.f / (1.f + std::exp(-v)); };
    const auto size = [&](float v) { return yolo.new_coords ? 4 * v * v : std::exp(v); };
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
                                size(t[2]) * anchor.w / float(input.w), size(t[3]) * anchor.h / float(input.h),
                                logistic(t[4])});
            }
    return rows;
}

std::vector<cv::Mat> opencv_outputs(const Network& network, const std::string& folder,
                                    const std::vector<float>& picture) {
    const std::string cfg = folder + "/model.cfg", weights = folder + "/model.weights";
    write_network(network, cfg, weights);
    cv::dnn::Net net = cv::dnn::readNetFromDarknet(cfg, weights);
    const Shape in = network.input;
    const int dims[] = {1, in.c, in.h, in.w};
    cv::Mat blob(4, dims, CV_32F);
    for (int c = 0; c < in.c; ++c)
        for (int y = 0; y < in.h; ++y)
            for (int x = 0; x < in.w; ++x) {
                const int at[] = {0, c, y, x};
                blob.at<float>(at) = picture[std::size_t((y * in.w + x) * in.c + c)];
            }
    net.setInput(blob);
    std::vector<cv::Mat> outputs;
    net.forward(outputs, net.getUnconnectedOutLayersNames());
    return outputs;
}

HeadDifference compare_rows(const std::vector<Row>& ours, const cv::Mat& theirs, int layer, bool new_coords) {
    if (theirs.rows != int(ours.size())) throw std::runtime_error("OpenCV's head has another size");
    HeadDifference out{layer, 0, 0};
    for (int r = 0; r < theirs.rows; ++r) {
        const float* o = theirs.ptr<float>(r);
        const Row& m = ours[std::size_t(r)];
        // OpenCV 4.6 takes the objectness of new_coords from elsewhere.
        const double objectness = new_coords ? 0 : std::fabs(o[4] - m.objectness);
        const double error = std::max({double(std::fabs(o[0] - m.x)), double(std::fabs(o[1] - m.y)),
                                       double(std::fabs(o[2] - m.w) / (1 + m.w)),
                                       double(std::fabs(o[3] - m.h) / (1 + m.h)), objectness});
        if (!(error <= out.worst)) out.worst = error, out.row = r;
    }
    return out;
}

}  // namespace

std::vector<HeadDifference> compare_with_opencv(const Network& network, const std::string& folder) {
    CompileOptions options;
    options.passes = {cpu_traits(), BatchNormFormula::opencv};
    CpuBackend backend(compile(network, options), {}, 2);
    CpuSlot slot(backend);
    const std::vector<float> noise = random_floats(network.input.elements(), 21, 0, 1);
    std::copy(noise.begin(), noise.end(), backend.view(0, slot.memory()).data);
    slot.run(1);
    slot.wait();
    const std::vector<cv::Mat> theirs = opencv_outputs(network, folder, noise);
    std::vector<HeadDifference> out;
    for (const Node& node : backend.plan().graph.nodes) {
        const auto* yolo = std::get_if<YoloOp>(&node.op);
        if (!yolo) continue;
        if (out.size() == theirs.size()) throw std::runtime_error("OpenCV has fewer heads");
        const kernels::ConstTensor raw = backend.view(node.inputs[0], slot.memory());
        out.push_back(compare_rows(our_rows(raw, yolo->head, network.input), theirs[out.size()], node.layer,
                                   yolo->head.new_coords));
    }
    if (out.size() != theirs.size()) throw std::runtime_error("OpenCV has more heads");
    return out;
}

}  // namespace convoy::test
