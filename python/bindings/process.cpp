// SPDX-License-Identifier: MIT
//
// Engines and what happens to their process: forks, threads beside its end.
#include <unistd.h>

#include <convoy/error.h>
#include "python/bindings/bindings.h"

namespace convoy::python {

WithoutGil::~WithoutGil() {
    try {
        PyEval_RestoreThread(state_);
    } catch (...) {
        // Python before 3.14 ends the thread here, which no destructor on the way may be left by: it sleeps instead.
        while (true) pause();
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
    : names(network.names), classes(network.classes()), engine(network, options) {
    engine_process = getpid();
}

PyEngine::~PyEngine() {
    if (is_forked()) {
        new Engine(std::move(engine));  // its end would wait for threads that are not here
        return;
    }
    {
        const WithoutGil without_gil;
        const Engine gone = std::move(engine);
    }
    unneeded->let_go();
}

}  // namespace convoy::python
