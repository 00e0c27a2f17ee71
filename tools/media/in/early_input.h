// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
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

#include <convoy/media/input.h>
#include <convoy/segment.h>

namespace convoy::media {

/// An input, opened on a thread of its own while something else goes on.
class EarlyInput {
public:
    EarlyInput(std::string path, const InputOptions& options);
    ~EarlyInput();
    /// Frames that a video will have; 0 when that is not known, and for a picture. Waits until it is open, but not for
    /// long.
    std::int64_t frames();
    /// EngineOptions::early_reader, for `most` decoders of each GPU at most. Waits as frames() does.
    std::unique_ptr<SegmentReader> reader(const DecodeTarget& target, int most);
    /// The input, or the error that opening it threw; null where it was taken before. It is cancelled by `cancel` from
    /// now on.
    std::unique_ptr<Input> take(std::stop_token cancel);

private:
    // What was opened, and its first segment.
    struct Opened {
        std::shared_ptr<Input> input;
        std::shared_ptr<const Segment> first;
    };
    void open(const std::string& path, const InputOptions& options);
    Opened opened();

    const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::stop_source stop_;
    // These three are there once opened_ is.
    std::shared_ptr<Input> untaken_;        // nothing keeps it open here once its turn is over
    std::weak_ptr<Input> input_;            // the same, wherever it is
    std::shared_ptr<const Segment> first_;  // its first; also for decoders that are made when it was read already
    std::atomic<bool> taken_ = false;
    std::mutex mutex_;
    std::map<int, int> readers_;  // by GPU
    std::shared_future<void> opened_;
    std::optional<std::stop_callback<std::function<void()>>> link_;
};

}  // namespace convoy::media
