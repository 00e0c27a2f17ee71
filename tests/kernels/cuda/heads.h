// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <deque>
#include <vector>

#include "kernels/yolo_decode.h"
#include "tests/kernels/cuda/device_slice.h"

namespace convoy::test {

/// Random activations of several heads, on the host as the device sees them and on the device.
class Heads {
public:
    void add(const kernels::YoloHead& head, kernels::DataType type, int n, int h, int w, float low, float high) {
        const int channels = int(head.anchors.size() / 2) * (head.numbers() + head.classes);
        device_.emplace_back(type, n, h, w, channels, (channels + 7) / 8 * 8 + 8);
        host_.push_back(device_.back().fill_random(host_.size() + 1, low, high));
        heads_.push_back({head, device_.back().tensor()});
    }
    const std::vector<kernels::cuda::DeviceHead>& device() const { return heads_; }

    kernels::Candidates on_host(int picture, float threshold, const kernels::BoxTransform& transform) const {
        kernels::Candidates out;
        for (std::size_t i = 0; i < heads_.size(); ++i)
            kernels::cpu::yolo_decode(heads_[i].head, host_[i].view(), picture, threshold, transform, out);
        return out;
    }

private:
    std::vector<kernels::cuda::DeviceHead> heads_;
    std::vector<OwnedTensor> host_;
    std::deque<DeviceSlice> device_;
};

inline kernels::YoloHead make_head(int classes, std::vector<float> anchors, bool new_coords = false, float scale = 1) {
    kernels::YoloHead head;
    head.classes = classes;
    head.anchors = std::move(anchors);
    head.new_coords = new_coords;
    head.scale_x_y = scale;
    head.net_w = 416, head.net_h = 320;
    return head;
}

/// One letterboxed and one stretched picture after the other, each of another size.
inline std::vector<kernels::BoxTransform> transforms(int n) {
    std::vector<kernels::BoxTransform> out;
    for (int i = 0; i < n; ++i) {
        const int width = 768 - 57 * i, height = 200 + 91 * i;
        const auto fit = i % 2 ? Fit::stretch : Fit::letterbox;
        out.push_back({kernels::place(fit, width, height, 416, 320), width, height});
    }
    return out;
}

/// The lists of one picture as the device left them.
struct DeviceCandidates {
    int boxes_found, probs_found;
    std::vector<kernels::cuda::CandidateBox> boxes;  // what was stored, by order
    std::vector<kernels::Candidates::ClassProb> probs;

    DeviceCandidates(void* memory, kernels::cuda::CandidateCapacity capacity, int n, int picture) {
        const auto at = kernels::cuda::candidate_picture(memory, capacity, n, picture);
        const std::vector<int> counts = download<int>(at.counts, 2);
        boxes_found = counts[0], probs_found = counts[1];
        boxes = download<kernels::cuda::CandidateBox>(at.boxes, std::size_t(std::min(boxes_found, capacity.boxes)));
        probs = download<kernels::Candidates::ClassProb>(at.probs, std::size_t(std::min(probs_found, capacity.probs)));
        std::sort(boxes.begin(), boxes.end(), [](const auto& a, const auto& b) { return a.order < b.order; });
    }

    /// As cpu::yolo_decode would list them; only when all were stored.
    kernels::Candidates list() const {
        kernels::Candidates out;
        for (const auto& b : boxes) {
            out.boxes.push_back({b.x, b.y, b.w, b.h});
            out.objectness.push_back(b.objectness);
            out.probs.insert(out.probs.end(), probs.begin() + b.first_prob, probs.begin() + b.first_prob + b.probs);
            out.first_prob.push_back(out.probs.size());
        }
        return out;
    }
};

}  // namespace convoy::test
