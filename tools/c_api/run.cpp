// SPDX-License-Identifier: MIT
//
// convoy_run(): what a run tells its observer, told to C.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <convoy/convoy.h>
#include <convoy/media/input.h>
#include <convoy/run.h>
#include "tools/c_api/engine.h"
#include "tools/c_api/guard.h"
#include "tools/c_api/results.h"

namespace convoy::c_api {
namespace {

// Members that every version of the struct has.
constexpr std::size_t kCallbacks = offsetof(convoy_callbacks, end) + sizeof(void*);

class Caller : public RunObserver {
public:
    Caller(const convoy_callbacks& callbacks, std::vector<std::string> paths, std::atomic<bool>& stop)
        : callbacks_(callbacks), paths_(std::move(paths)), told_(paths_.size()), stop_(stop) {}

    void begin_input(int input, const InputInfo& info) override {
        if (!callbacks_.begin) return;
        const double rate = info.fps_den > 0 ? double(info.fps_num) / info.fps_den : 0;
        call_back("begin",
                  [&] { callbacks_.begin(callbacks_.data, input, info.path.c_str(), info.width, info.height, rate); });
    }

    void result(int input, Result& result) override {
        if (refused_) return;
        ++told_[std::size_t(input)];
        if (!callbacks_.frame) return;
        assign(now_, result);
        now_.stream = input;
        if (call_back("frame", [&] { return callbacks_.frame(callbacks_.data, &now_); }) != 0) refused_ = stop_ = true;
    }

    void end_input(int input, const InputEnd& end) override {
        if (!callbacks_.end) return;
        const auto i = std::size_t(input);
        call_back("end",
                  [&] { callbacks_.end(callbacks_.data, input, paths_[i].c_str(), told_[i], end.error.c_str()); });
    }

private:
    const convoy_callbacks& callbacks_;
    const std::vector<std::string> paths_;  // for people
    std::vector<std::int64_t> told_;        // frames, by input
    std::atomic<bool>& stop_;
    convoy_result now_;
    bool refused_ = false;  // the program wants no more
};

/// For as long as a run goes on.
class Running {
public:
    explicit Running(convoy_engine& engine) : engine_(engine) {
        if (engine.running.exchange(true))
            throw Error(ErrorKind::usage, "this engine's convoy_run() goes on: one at a time");
        engine.stop = false;
    }
    ~Running() { engine_.running = false; }
    Running(const Running&) = delete;

private:
    convoy_engine& engine_;
};

int run(convoy_engine& engine, const std::vector<std::string>& named, const convoy_callbacks& callbacks) {
    const Running running(engine);
    const media::ExpandedInputs expanded = media::expand_inputs(named);
    std::vector<RunInput> inputs;
    std::vector<std::string> paths;
    int lane = 1;  // of those for whose end nothing may wait; recordings share lane 0
    for (const std::string& path : expanded.paths) {
        const auto refused = expanded.refused.find(inputs.size());
        const std::string why = refused == expanded.refused.end() ? "" : refused->second;
        RunInput& input = inputs.emplace_back();
        input.open = [path, why, &options = engine.input_options](std::stop_token cancel) {
            if (!why.empty()) throw Error(ErrorKind::input, why);
            return media::open_input(path, options, cancel);
        };
        if (media::is_live(path) || media::is_address(path)) input.lane = lane++;
        paths.push_back(media::without_passwords(path));
    }
    Caller caller(callbacks, std::move(paths), engine.stop);
    const RunReport report = engine.engine.run(std::move(inputs), caller, engine.stop);
    if (!report.failure.empty()) throw Error(ErrorKind::device, report.failure);
    return report.stopped || engine.stop ? CONVOY_STOPPED : CONVOY_OK;
}

}  // namespace
}  // namespace convoy::c_api

int convoy_run(convoy_engine* engine, const char* const* inputs, std::size_t count, const convoy_callbacks* callbacks) {
    using namespace convoy::c_api;
    return guarded([&] {
        needed(engine, "engine");
        const auto told = callbacks ? known_part(callbacks, kCallbacks, "callbacks") : convoy_callbacks{};
        if (count == 0) throw convoy::Error(convoy::ErrorKind::usage, "there are no inputs");
        needed(inputs, "inputs");
        std::vector<std::string> named;
        for (std::size_t i = 0; i < count; ++i) named.emplace_back(&needed(inputs[i], "an input's path"));
        return run(*engine, named, told);
    });
}

int convoy_stop(convoy_engine* engine) {
    if (!engine) return convoy::c_api::fail(CONVOY_ERROR_USAGE, "engine must not be NULL");
    engine->stop = true;
    return CONVOY_OK;
}
