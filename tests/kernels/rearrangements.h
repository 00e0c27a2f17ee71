// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "kernels/rearrange.h"
#include "tests/support/random.h"

namespace convoy::test {

struct RearrangeCase {
    std::string name;
    kernels::Rearrange how;
    kernels::Element x, y;
};

inline std::vector<RearrangeCase> rearrange_cases() {
    using kernels::Rearrangement;
    const auto crop = [](int top, int left, float scale, float bias) {
        return kernels::Rearrange{Rearrangement::crop, 1, top, left, scale, bias};
    };
    return {{"reorg, the published one", {Rearrangement::reorg, 2}, {64, 26, 26}, {256, 13, 13}},
            {"reorg by 2, oblong", {Rearrangement::reorg, 2}, {12, 6, 10}, {48, 3, 5}},
            {"reorg by 3", {Rearrangement::reorg, 3}, {18, 9, 3}, {162, 3, 1}},
            {"reorg by 1", {Rearrangement::reorg, 1}, {5, 3, 4}, {5, 3, 4}},
            {"reorg3d by 2", {Rearrangement::reorg3d, 2}, {13, 6, 10}, {52, 3, 5}},
            {"reorg3d by 3", {Rearrangement::reorg3d, 3}, {1, 9, 3}, {9, 3, 1}},
            {"flatten", {Rearrangement::flatten}, {7, 3, 5}, {105, 1, 1}},
            {"flatten one pixel", {Rearrangement::flatten}, {9, 1, 1}, {9, 1, 1}},
            {"detection", {Rearrangement::detection, 1, 0, 0, 1.f, 0.f, 2, 3}, {117, 1, 1}, {16, 3, 3}},
            {"detection of more pixels than one",
             {Rearrangement::detection, 1, 0, 0, 1.f, 0.f, 1, 1},
             {6, 2, 2},
             {6, 2, 2}},
            {"crop", crop(1, 2, 2.f, -1.f), {5, 8, 9}, {5, 6, 5}},
            {"crop nothing", crop(0, 0, 1.f, 0.f), {3, 2, 2}, {3, 2, 2}}};
}

/// With the loops of blas.c, crop_layer.c and NCHW itself.
inline OwnedTensor rearranged_by_darknet(const RearrangeCase& c, const OwnedTensor& x) {
    using kernels::Rearrangement;
    OwnedTensor out(x.view().n, c.y.h, c.y.w, c.y.c);
    for (int n = 0; n < x.view().n; ++n) {
        std::vector<float> in, y;
        for (int k = 0; k < c.x.c; ++k)
            for (int i = 0; i < c.x.h; ++i)
                for (int j = 0; j < c.x.w; ++j) in.push_back(x.view().at(n, i, j)[k]);
        y.resize(std::size_t(c.y.c) * c.y.h * c.y.w);
        if (c.how.kind == Rearrangement::flatten) y = in;
        if (c.how.kind == Rearrangement::detection) {
            // get_detection_detections: predictions by cell.
            const int cells = c.y.h * c.y.w, boxes = c.how.boxes, classes = c.how.classes;
            for (int i = 0; i < cells; ++i)
                for (int b = 0; b < boxes; ++b) {
                    const auto at = [&](int entry) -> float& {
                        return y[std::size_t((b * (5 + classes) + entry) * cells + i)];
                    };
                    const int p_index = cells * classes + i * boxes + b;
                    const int box_index = cells * (classes + boxes) + (i * boxes + b) * 4;
                    for (int k = 0; k < 4; ++k) at(k) = in[std::size_t(box_index + k)];
                    at(4) = in[std::size_t(p_index)];
                    for (int k = 0; k < classes; ++k) at(5 + k) = in[std::size_t(i * classes + k)];
                }
        }
        if (c.how.kind == Rearrangement::crop) {
            std::size_t count = 0;
            for (int k = 0; k < c.y.c; ++k)
                for (int i = 0; i < c.y.h; ++i)
                    for (int j = 0; j < c.y.w; ++j)
                        y[count++] =
                            in[std::size_t(j + c.how.left + c.x.w * (i + c.how.top + c.x.h * k))] * c.how.scale +
                            c.how.bias;
        }
        if (c.how.kind == Rearrangement::reorg || c.how.kind == Rearrangement::reorg3d) {
            // forward_reorg_old_layer calls the input's extents the output's.
            const kernels::Element e = c.how.kind == Rearrangement::reorg ? c.x : c.y;
            const int stride = c.how.stride, parts = e.c / (stride * stride);
            for (int k = 0; k < e.c; ++k)
                for (int j = 0; j < e.h; ++j)
                    for (int i = 0; i < e.w; ++i) {
                        const int c2 = k % parts, offset = k / parts;
                        const int w2 = i * stride + offset % stride, h2 = j * stride + offset / stride;
                        y[std::size_t(i + e.w * (j + e.h * k))] =
                            in[std::size_t(w2 + e.w * stride * (h2 + e.h * stride * c2))];
                    }
        }
        for (int k = 0; k < c.y.c; ++k)
            for (int i = 0; i < c.y.h; ++i)
                for (int j = 0; j < c.y.w; ++j) out.view().at(n, i, j)[k] = y[std::size_t(j + c.y.w * (i + c.y.h * k))];
    }
    return out;
}

}  // namespace convoy::test
