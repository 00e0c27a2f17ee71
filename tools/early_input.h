// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <convoy/media/input.h>
#include <convoy/segment.h>

namespace convoy::tools {

/// The first input, opened on a thread of its own while something else goes on.
class EarlyInput {
public:
    EarlyInput(std::string path, const media::InputOptions& options);
    ~EarlyInput();
    /// Frames that all `inputs` will have, of which this is the first; 0 when that is not known. Waits until it is
    /// open, but not for long.
    std::int64_t expected_frames(const std::vector<std::string>& inputs);
    /// Decoders that each GPU should make for them, or 0: as many as it can use. To make one more takes so long that a
    /// short video is decoded sooner by fewer. Waits as expected_frames() does.
    int decoders(const std::vector<std::string>& inputs);
    /// EngineOptions::early_reader, for `most` decoders of each GPU at most. Waits as expected_frames() does.
    std::unique_ptr<SegmentReader> reader(const DecodeTarget& target, int most);
    /// The input, or the error that opening it threw. It is cancelled by `cancel` from now on.
    std::unique_ptr<Input> take(std::stop_token cancel);

private:
    // What was opened, and its first segment.
    struct Opened {
        std::shared_ptr<Input> input;
        std::shared_ptr<const Segment> first;
    };
    void open(const std::string& path, const media::InputOptions& options);
    Opened opened();

    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::stop_source stop_;
    // These three are there once opened_ is.
    std::shared_ptr<Input> untaken_;        // nothing keeps it open here once its turn is over
    std::weak_ptr<Input> input_;            // the same, wherever it is
    std::shared_ptr<const Segment> first_;  // its first; also for decoders that are made when it was read already
    std::mutex mutex_;
    std::map<int, int> readers_;  // by GPU
    std::shared_future<void> opened_;
    std::optional<std::stop_callback<std::function<void()>>> link_;
};

}  // namespace convoy::tools
