// SPDX-License-Identifier: MIT
//
// What a report draws of the boxes, counted as they come: the same memory for a minute and for a day.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <convoy/detection.h>
#include <convoy/segment.h>

namespace convoy::tools {

/// Boxes of a class over time, in bins that grow together.
class TimeBins {
public:
    static constexpr std::size_t kBins = 120;

    /// Boxes of classes from kClasses on are counted as that.
    void add(double time_s, int class_id);
    static constexpr std::size_t kClasses = 256;

    double bin_s() const { return bin_s_; }
    /// By class; empty for those that were not seen.
    const std::vector<std::vector<std::int64_t>>& counts() const { return counts_; }

private:
    double bin_s_ = 1;
    std::vector<std::vector<std::int64_t>> counts_;
};

/// Of one input.
struct InputCharts {
    static constexpr int kColumns = 64, kRows = 36;  ///< of the heat map
    static constexpr std::int64_t kLatestView = 64;  ///< a frame that is soon decoded once more

    /// A frame that shows what the input looks at, and what was found on it: a video's first may still be black.
    struct View {
        std::int64_t index = 0;
        double pts_s = 0;
        std::vector<Detection> detections;
    };

    TimeBins boxes;
    std::array<std::int64_t, std::size_t(kColumns)* kRows> heat = {};  ///< boxes that cover a cell's middle
    int width = 0, height = 0;                                         ///< of the last frame
    double pixel_shape = 1;                                            ///< how wide a pixel is against its height
    std::optional<View> view;
    std::string counts;  ///< of zones, in words; "" without

    void add(const InputInfo& info, const Result& result);
};

/// Latencies by powers of the square root of two, in ms: bin i ends at 2^((i - kZero + 1) / 2).
struct LatencyBins {
    static constexpr int kZero = 10, kBins = 48;
    std::array<std::int64_t, kBins> counts = {};

    void add(double ms);
    static double end_ms(int bin);
};

}  // namespace convoy::tools
