// SPDX-License-Identifier: MIT
#include "tools/run_charts.h"

#include <algorithm>
#include <cmath>

namespace convoy::tools {

void TimeBins::add(double time_s, int class_id) {
    if (!(time_s >= 0 && time_s < 1e9) || class_id < 0) return;
    while (time_s >= bin_s_ * double(kBins)) {
        bin_s_ *= 2;
        for (std::vector<std::int64_t>& bins : counts_) {
            if (bins.empty()) continue;
            for (std::size_t i = 0; i < kBins; ++i) bins[i] = i < kBins / 2 ? bins[2 * i] + bins[2 * i + 1] : 0;
        }
    }
    const std::size_t id = std::min(std::size_t(class_id), kClasses);
    if (id >= counts_.size()) counts_.resize(id + 1);
    if (counts_[id].empty()) counts_[id].resize(kBins);
    ++counts_[id][std::size_t(time_s / bin_s_)];
}

void InputCharts::add(const InputInfo& info, const Result& result) {
    const Frame& frame = result.frame;
    width = frame.pixels.width, height = frame.pixels.height;
    if (width <= 0 || height <= 0) return;
    pixel_shape = frame.pixel_width > 0 ? double(frame.pixel_width) / frame.pixel_height
                                        : double(info.pixel_width) / info.pixel_height;
    if (frame.index <= kLatestView && !frame.undecodable && (!view || frame.index >= 2 * view->index))
        view = {frame.index, frame.pts_s, result.detections};
    for (const Detection& d : result.detections) {
        boxes.add(result.frame.time_s, d.class_id);
        const auto cell = [](float at, int size, int cells) {
            return std::clamp(int(std::lround(double(at) / size * cells)), 0, cells);
        };
        const int left = cell(d.box.x, width, kColumns), right = cell(d.box.x + d.box.w, width, kColumns),
                  top = cell(d.box.y, height, kRows), bottom = cell(d.box.y + d.box.h, height, kRows);
        for (int y = top; y < bottom; ++y)
            for (int x = left; x < right; ++x) ++heat[std::size_t(y * kColumns + x)];
    }
}

void LatencyBins::add(double ms) {
    const int bin = ms > 0 ? int(std::floor(2 * std::log2(std::min(ms, 1e9)))) + kZero : 0;
    ++counts[std::size_t(std::clamp(bin, 0, kBins - 1))];
}

double LatencyBins::end_ms(int bin) { return std::exp2((bin - kZero + 1) / 2.); }

}  // namespace convoy::tools
