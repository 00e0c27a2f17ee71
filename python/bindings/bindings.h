// SPDX-License-Identifier: MIT
//
// What the files of the Python module `convoy._convoy` share.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>  // all of them here: a type has one caster in the whole module

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <convoy/engine.h>
#include <convoy/media/run_inputs.h>
#include <convoy/network.h>
#include <convoy/options.h>

namespace convoy::python {

namespace nb = nanobind;

void bind_errors(nb::module_& module);
void bind_model(nb::module_& module);
void bind_engine(nb::module_& module);
void bind_run(nb::module_& module);

/// Python's lock is let go of for as long as this lives. Once the interpreter ends, another thread never gets it back,
/// nor does it begin anything.
class WithoutGil {
public:
    WithoutGil();
    ~WithoutGil();
    WithoutGil(const WithoutGil&) = delete;
    WithoutGil& operator=(const WithoutGil&) = delete;

private:
    PyThreadState* state_;
};

/// Whether this process was forked off one that had made an engine, whose threads are not here: nothing of it can be
/// used or destroyed, nor does OpenMP work.
bool is_forked();
/// Throws Error(usage) where that is so.
void check_not_forked();

/// References to Python objects that threads without the GIL are done with, until somebody who has it lets go of them:
/// an engine's threads never wait for the GIL, which they would not get while the interpreter ends.
class Unneeded {
public:
    /// From any thread.
    void add(std::list<nb::ndarray<nb::ro>>& arrays) noexcept;
    /// With the GIL.
    void let_go();

private:
    std::mutex mutex_;
    std::list<nb::ndarray<nb::ro>> arrays_;
};

/// An engine, and what its results are called.
struct PyEngine {
    PyEngine(const Network& network, const EngineOptions& options);
    ~PyEngine();
    PyEngine(const PyEngine&) = delete;
    PyEngine& operator=(const PyEngine&) = delete;

    using Stop = std::function<void()>;
    using Runs = std::list<Stop>;

    /// Throws Error(usage) once the interpreter ends.
    Engine& engine() const;
    /// Before a run computes: how it is stopped. None once the interpreter ends: it must not begin then.
    std::optional<Runs::iterator> begin_run(Stop stop);
    void end_run(Runs::iterator run);
    /// For the interpreter's end: calls and runs are asked to return; whether there are runs; the end of the engine,
    /// when nobody is in a call.
    void give_up();
    bool has_runs();
    void end();

    std::vector<std::string> names;
    int classes;
    std::mutex detecting;  // detect() is for one thread at a time
    const std::shared_ptr<Unneeded> unneeded = std::make_shared<Unneeded>();

private:
    std::unique_ptr<Engine> engine_;
    std::mutex runs_mutex_;
    Runs runs_;
    bool ends_ = false;
};

/// A new engine, for end_engines(). With the GIL.
void add_engine(PyEngine& engine);
/// When the interpreter begins to end, with the GIL: nothing computes any more from then on. The libraries below keep
/// code in static objects, which go while daemon threads still run.
void end_engines();

/// The inputs of a run. Where its engine is made for them, its options begin as these.
struct PyInputs {
    media::ExpandedInputs expanded;
    media::RunInputs inputs;
    EngineOptions engine;
};

/// Anything with the buffer protocol or __dlpack__, as a picture that the engine takes. Host memory whose pixels lie
/// one behind the other is not copied, nor is a GPU's. `keep` makes the frame own a reference to `picture`, for what
/// outlives the call. Throws TypeError and ValueError, which say what is wrong.
Frame frame_of(nb::handle picture, const PyEngine& engine, bool keep);

/// A structured array, its own memory: convoy.DETECTION.
nb::object array_of(const std::vector<Detection>& detections);

/// (height, width, 3) bytes of RGB, a new array.
nb::object rgb_array_of(const PixelView& pixels);

/// Parameters, shapes and weights of each layer: a list of dicts.
nb::list layers_of(std::shared_ptr<const Network> network);

/// A class by its name or its number. Throws Error(usage) for what the model does not have.
int class_id(const char* argument, nb::handle wanted, const Network& network);

/// A number, which stands for both, or a pair of them. Throws TypeError.
std::pair<int, int> pair_of(const char* argument, nb::handle value);

/// A sentence or a file's name, as Python has them: bytes that are no UTF-8 are those of os.fsdecode().
nb::str text_of(const std::string& text);
/// Several of them.
nb::typed<nb::list, nb::str> texts_of(const std::vector<std::string>& texts);
/// Class names, which are there to be shown: what is no UTF-8 is replaced.
nb::typed<nb::list, nb::str> names_of(const std::vector<std::string>& names);

/// Calls `wait`, which blocks without the GIL; a signal that Python raises an exception for (Ctrl-C) calls `give_up`,
/// which must make `wait` return soon, and is thrown then. Only the main thread is told of signals.
void interruptible(const std::function<void()>& wait, const std::function<void()>& give_up);

/// Whether this is the thread that Python's signal handlers run in. With the GIL.
bool is_main_thread();

}  // namespace convoy::python
