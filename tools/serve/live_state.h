// SPDX-License-Identifier: MIT
#pragma once

#include <array>
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
#include "tools/serve/gpu_sensors.h"
#include "tools/serve/live_pictures.h"
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
        std::vector<int> blurred = {};                         ///< classes that are unrecognisable in pictures
        bool takes_inputs = false;                             ///< whether POST /api/inputs is there
        std::function<std::vector<GpuReading>()> gpus = {};    ///< GpuSensors::read()
    };
    explicit LiveState(Sources sources);

    /// One that is going to be opened, under the name that people know it by.
    void add_input(int input, const std::string& name);
    void begin_input(int input, const InputInfo& info);
    void result(int input, const Result& result);
    void end_input(int input, const InputEnd& end);
    bool wants_picture(int input) { return pictures_.wants(input); }

    enum class Phase { unknown, opening, open, ended };
    Phase phase(int input);
    /// Those that have not ended.
    std::size_t count();

    /// GET /api/live: a JSON object. Until three seconds later somebody looks.
    std::string text();
    /// GET /api/inputs/N/picture
    void picture(const HttpRequest& request, HttpAnswer answer);
    /// GET /api/inputs/N/stream
    void stream(const HttpRequest& request, HttpAnswer answer);

private:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t kLatencies = 256;
    struct Recent {  // the newest of some durations
        void add(double ms) { values[std::size_t(count++) % kLatencies] = float(ms); }
        std::string text(const char* name) const;

        std::array<float, kLatencies> values = {};  // a ring
        std::int64_t count = 0;
    };
    struct Stream {
        std::string name;  // a JSON string
        double pixel_shape = 1;
        std::int64_t frame_step = 1;
        Phase phase = Phase::opening;
        std::string error = {};
        std::int64_t frames = 0, dropped = 0, detections = 0, lost = 0;
        Recent latencies = {}, from_packets = {};
        std::shared_ptr<const std::string> newest = {};  // its record and outlines; null for none
        Clock::time_point taken = {};
    };

    Phase phase_of(int input) const;
    Stream& stream_of(int input);
    std::string stages_text() const;
    std::string gpus_text() const;

    const Sources sources_;
    const ClassTexts classes_;
    const Clock::time_point start_ = Clock::now();
    std::atomic<Clock::rep> looked_ = Clock::duration::min().count();  // when somebody did
    std::mutex mutex_;
    std::map<int, Stream> streams_;
    LivePictures pictures_;
};

/// The page, its scripts and styles marked with `nonce`.
std::string live_page(const std::string& nonce);

}  // namespace convoy::tools
