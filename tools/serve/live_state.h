// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <convoy/run.h>
#include "tools/analysis/zones_file.h"
#include "tools/sinks/formats/text.h"

namespace convoy::tools {

/// What the page shows of a run: of each input its counts and the newest result that it has taken, at most 15 in a
/// second, and none while nobody looks. From any thread.
class LiveState {
public:
    static constexpr std::size_t kMostInputs = 256;  ///< that are shown: those that were begun last

    struct Sources {
        std::string engine;  ///< Engine::description()
        std::vector<std::string> class_names;
        std::shared_ptr<const analysis::Zones> zones = {};     ///< may be null
        std::function<std::vector<StageStats>()> stages = {};  ///< Engine::stats()
    };
    explicit LiveState(Sources sources);

    void begin_input(int input, const InputInfo& info);
    void result(int input, const Result& result);
    void end_input(int input, const InputEnd& end);
    /// GET /api/live: a JSON object. Until three seconds later somebody looks.
    std::string text();

private:
    using Clock = std::chrono::steady_clock;
    struct Stream {
        std::string name;  // a JSON string
        double pixel_shape = 1;
        bool open = true;
        std::int64_t frames = 0, detections = 0, lost = 0;
        double latency_ms = 0;                           // of the newest frame
        std::shared_ptr<const std::string> newest = {};  // its record and outlines; null for none
        Clock::time_point taken = {};
    };

    std::string outlines(const Result& result) const;

    const Sources sources_;
    const ClassTexts classes_;
    const Clock::time_point start_ = Clock::now();
    std::atomic<Clock::rep> looked_ = Clock::duration::min().count();  // when somebody did
    std::mutex mutex_;
    std::map<int, Stream> streams_;
};

/// The page, its scripts and styles marked with `nonce`.
std::string live_page(const std::string& nonce);

}  // namespace convoy::tools
