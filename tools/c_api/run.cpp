// SPDX-License-Identifier: MIT
//
// convoy_run(): what a run tells its observer, told to C.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include <convoy/convoy.h>
#include <convoy/media/run_inputs.h>
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
    // What is expected comes once: what was opened for it is used up then.
    const bool is_expected = engine.expected && engine.expected->named == named;
    const media::RunInputs inputs =
        is_expected ? engine.expected->inputs : media::RunInputs(media::expand_inputs(named), engine.input_options);
    if (is_expected) engine.expected.reset();
    std::vector<std::string> paths;
    std::transform(inputs.paths().begin(), inputs.paths().end(), std::back_inserter(paths), media::without_passwords);
    Caller caller(callbacks, std::move(paths), engine.stop);
    const RunReport report = engine.engine.run(inputs.list(), caller, engine.stop, inputs.threads(engine.engine));
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
        return run(*engine, convoy::c_api::texts(inputs, count), told);
    });
}

int convoy_stop(convoy_engine* engine) {
    if (!engine) return convoy::c_api::fail(CONVOY_ERROR_USAGE, "engine must not be NULL");
    engine->stop = true;
    return CONVOY_OK;
}
