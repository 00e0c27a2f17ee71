// SPDX-License-Identifier: MIT
//
// Engines and what happens to their process: forks, threads beside its end.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include <convoy/error.h>
#include "python/bindings/bindings.h"

namespace convoy::python {

namespace {

std::atomic<int> inside = 0;                      // calls that go on without the GIL
std::atomic<std::thread::id> ends_interpreter{};  // the thread that does
std::mutex engines_mutex;
std::set<PyEngine*> engines;  // all that live; guarded by engines_mutex

PyEngine* take_engine() {
    const std::lock_guard lock(engines_mutex);
    return engines.empty() ? nullptr : engines.extract(engines.begin()).value();
}

bool is_ended_by_another() {
    const std::thread::id ends = ends_interpreter;
    return ends != std::thread::id() && ends != std::this_thread::get_id();
}

void sleep_for_ever() {
    while (true) pause();
}

}  // namespace

WithoutGil::WithoutGil() {
    const bool begins = !is_ended_by_another();
    inside += begins;
    state_ = PyEval_SaveThread();
    if (!begins) sleep_for_ever();
}

WithoutGil::~WithoutGil() {
    --inside;
    if (is_ended_by_another()) sleep_for_ever();  // its call has been cancelled, which nobody is to be told
    try {
        PyEval_RestoreThread(state_);
    } catch (...) {
        // Python before 3.14 ends the thread here, which no destructor on the way may be left by: it sleeps instead.
        sleep_for_ever();
    }
}

namespace {
std::atomic<pid_t> engine_process = 0;  // the one that made the first engine
}

bool is_forked() {
    const pid_t process = engine_process;
    return process != 0 && process != getpid();
}

void check_not_forked() {
    if (is_forked())
        throw Error(
            ErrorKind::usage,
            "this process was forked off one that had made an engine, and has none of its threads: make engines "
            "in the child alone, or start it by multiprocessing's \"spawn\"");
}

void Unneeded::add(std::list<nb::ndarray<nb::ro>>& arrays) noexcept {
    {
        const std::lock_guard lock(mutex_);
        arrays_.splice(arrays_.end(), arrays);
    }
    if (Py_IsInitialized() && PyGILState_Check()) let_go();
}

void Unneeded::let_go() {
    std::list<nb::ndarray<nb::ro>> arrays;  // outlives the lock: what is let go of may be a program's own class
    const std::lock_guard lock(mutex_);
    arrays.swap(arrays_);
}

PyEngine::PyEngine(const Network& network, const EngineOptions& options)
    : names(network.names), classes(network.classes()), engine_(std::make_unique<Engine>(network, options)) {
    engine_process = getpid();
}

PyEngine::~PyEngine() {
    if (is_forked()) {                         // engines_mutex might be locked for ever there
        static_cast<void>(engine_.release());  // its end would wait for threads that are not here
        return;
    }
    {
        const std::lock_guard lock(engines_mutex);
        engines.erase(this);
    }
    {
        const WithoutGil without_gil;
        engine_.reset();
    }
    unneeded->let_go();
}

Engine& PyEngine::engine() const {
    if (!engine_) throw Error(ErrorKind::usage, "the interpreter ends, and its engines have ended");
    return *engine_;
}

std::optional<PyEngine::Runs::iterator> PyEngine::begin_run(Stop stop) {
    const std::lock_guard lock(runs_mutex_);
    if (ends_) return std::nullopt;
    return runs_.insert(runs_.end(), std::move(stop));
}

void PyEngine::end_run(Runs::iterator run) {
    const std::lock_guard lock(runs_mutex_);
    runs_.erase(run);
}

void PyEngine::give_up() {
    {
        const std::lock_guard lock(runs_mutex_);
        ends_ = true;
        for (const Stop& stop : runs_) stop();
    }
    if (engine_) engine_->cancel();
}

bool PyEngine::has_runs() {
    const std::lock_guard lock(runs_mutex_);
    return !runs_.empty();
}

void PyEngine::end() {
    engine_.reset();
    unneeded->let_go();
}

void add_engine(PyEngine& engine) {
    const std::lock_guard lock(engines_mutex);
    engines.insert(&engine);
}

void end_engines() {
    if (is_forked()) return;
    ends_interpreter = std::this_thread::get_id();
    {
        const std::lock_guard lock(engines_mutex);
        for (PyEngine* engine : engines) engine->give_up();
    }
    const auto is_busy = [] {
        const std::lock_guard lock(engines_mutex);
        return inside > 0 || std::any_of(engines.begin(), engines.end(), [](PyEngine* e) { return e->has_runs(); });
    };
    PyThreadState* state = PyEval_SaveThread();
    constexpr std::chrono::milliseconds kTick{1};
    constexpr int kMostTicks = 10000;  // of a call that hangs
    for (int tick = 0; is_busy() && tick < kMostTicks; ++tick) std::this_thread::sleep_for(kTick);
    PyEval_RestoreThread(state);
    if (is_busy()) return;
    while (PyEngine* engine = take_engine()) engine->end();
}

}  // namespace convoy::python
