// SPDX-License-Identifier: MIT
//
// A whole-input run as something to iterate over: it goes on in a thread of its own and hands frames through a bounded
// queue, so that it waits where Python is slow.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <optional>
#include <thread>
#include <variant>

#include <convoy/media/input.h>
#include "python/bindings/bindings.h"
#include "python/bindings/run_items.h"
#include "tools/follower.h"

namespace convoy::python {
namespace {

using Item = std::variant<RunFrame, RunEnd>;

struct RunSettings {
    bool track = false, pixels = false;
    std::size_t queue = 64;
};

/// An engine keeps a frame's pixels for somebody's work on them: this one has seen them in order already.
class NoWork final : public SegmentWork {
    void frame(Result&) override {}
};

class Run final : public RunObserver {
public:
    Run(std::shared_ptr<PyEngine> engine, media::RunInputs inputs, const RunSettings& settings)
        : engine_(std::move(engine)), inputs_(std::move(inputs)), settings_(settings) {
        if (settings.track) follower_.emplace(nullptr, engine_->names);
        for (const std::string& path : inputs_.paths()) names_.push_back(media::without_passwords(path));
        thread_ = std::thread([this] { work(); });
    }
    ~Run() override { close(); }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    /// The next frame or end; nothing at the end of the run. With the GIL, from any threads.
    std::optional<Item> next() {
        const bool main = is_main_thread();
        while (true) {
            {
                const WithoutGil without_gil;
                std::unique_lock lock(mutex_);
                there_.wait_for(lock, std::chrono::milliseconds(50), [&] { return !items_.empty() || done_ || stop_; });
                if (std::optional<Item> item = pop()) return item;
                if (done_ || stop_) {
                    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
                    return std::nullopt;
                }
            }
            if (main && PyErr_CheckSignals() != 0) throw nb::python_error();
        }
    }

    /// What is there already, without the detour of a wait.
    std::optional<Item> next_at_once() {
        const std::lock_guard lock(mutex_);
        return pop();
    }

    /// Ends the run and waits for its end. Without the GIL.
    void close() {
        stop();
        const std::lock_guard lock(joining_);
        if (thread_.joinable()) thread_.join();
    }

    /// Once it is over: devices whose work the others have done, and why.
    std::vector<std::string> failed_devices() {
        const std::lock_guard lock(mutex_);
        return failed_devices_;
    }
    const std::vector<std::string>& names() const { return names_; }

    std::unique_ptr<SegmentWork> work(int, const InputInfo&, int) override { return std::make_unique<NoWork>(); }
    bool wants_pixels() const override { return settings_.pixels; }
    bool wants_order() const override { return settings_.pixels || settings_.track; }

    void in_order(int input, const InputInfo& info, Result& result) override {
        if (follower_) follower_->see(input, info, result);
        if (!settings_.pixels) return;
        // Here, not in result(), the pixels are still there; and who waits here holds the decoders up.
        Result copy = result;
        auto pixels = std::make_shared<const Pixels>(result.frame.pixels);
        copy.frame.owner = {};
        push(RunFrame{input, path_of(input), std::move(copy), std::move(pixels)});
    }

    void result(int input, Result& result) override {
        if (!settings_.pixels) push(RunFrame{input, path_of(input), std::move(result), {}});
    }

    void end_input(int input, const InputEnd& end) override {
        if (follower_) follower_->end_input(input);
        push(RunEnd{input, *path_of(input), end});
    }

private:
    void stop() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
            items_.clear();
        }
        room_.notify_all(), there_.notify_all();
    }

    void work() {
        const auto running = engine_->begin_run([this] { stop(); });
        if (!running) return stop();
        compute();
        engine_->end_run(*running);
    }

    void compute() {
        std::exception_ptr failure;
        std::vector<std::string> failed_devices;
        try {
            const RunReport report =
                engine_->engine().run(inputs_.list(), *this, stop_, inputs_.threads(engine_->engine()));
            for (const DeviceReport& device : report.devices)
                if (!device.failure.empty()) failed_devices.push_back(device.name + ": " + device.failure);
            if (!report.failure.empty()) throw Error(ErrorKind::device, "no device is left: " + report.failure);
        } catch (...) {
            failure = std::current_exception();
        }
        const std::lock_guard lock(mutex_);
        failure_ = failure, failed_devices_ = std::move(failed_devices), done_ = true;
        there_.notify_all();
    }

    void push(Item item) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return stop_ || items_.size() < settings_.queue; });
        if (stop_) return;
        items_.push_back(std::move(item));
        if (items_.size() == 1) there_.notify_all();
    }

    // With the mutex.
    std::optional<Item> pop() {
        if (items_.empty()) return std::nullopt;
        std::optional<Item> item = std::move(items_.front());
        items_.pop_front();
        // Whoever waits for room is woken once there is some to work with, not for each frame.
        if (items_.size() == settings_.queue / 2) room_.notify_all();
        return item;
    }

    std::shared_ptr<const std::string> path_of(int input) {
        const std::lock_guard lock(paths_mutex_);
        auto& path = paths_[input];
        if (!path) path = std::make_shared<const std::string>(names_[std::size_t(input)]);
        return path;
    }

    const std::shared_ptr<PyEngine> engine_;
    const media::RunInputs inputs_;
    const RunSettings settings_;
    std::vector<std::string> names_;
    std::optional<tools::Follower> follower_;
    std::mutex paths_mutex_;
    std::map<int, std::shared_ptr<const std::string>> paths_;

    std::mutex mutex_;  // of what follows
    std::condition_variable there_, room_;
    std::deque<Item> items_;
    std::atomic<bool> stop_ = false;
    bool done_ = false;
    std::exception_ptr failure_;
    std::vector<std::string> failed_devices_;

    std::mutex joining_;
    std::thread thread_;
};

struct PyRun {
    std::unique_ptr<Run> run;
    ~PyRun() {
        if (is_forked()) static_cast<void>(run.release());  // its thread is not here to be waited for
        const WithoutGil without_gil;                       // the run's thread may be letting go of Python objects
        run.reset();
    }
};

nb::object next(PyRun& self) {
    check_not_forked();
    std::optional<Item> item = self.run->next_at_once();
    if (!item) item = self.run->next();
    if (!item) throw nb::stop_iteration();
    return std::visit([](auto& what) { return nb::cast(std::move(what)); }, *item);
}

void require(bool holds, const char* sentence) {
    if (!holds) throw Error(ErrorKind::usage, sentence);
}

void read(PyInputs* self, const std::vector<nb::bytes>& names, bool open_first, int at_once, std::int64_t frames,
          std::int64_t every, double start_s, double stop_s, int stream, bool deinterlace, double give_up_s) {
    require(!names.empty(), "run: there is no input");
    std::vector<std::string> paths;
    for (const nb::bytes& name : names) paths.emplace_back(name.c_str(), name.size());
    require(std::none_of(paths.begin(), paths.end(), [](const std::string& p) { return p.find('\0') != p.npos; }),
            "run: an input's path has a null byte in it");
    require(frames >= 0 && every >= 1, "frames is 0 (all) or more, every is 1 or more");
    require(stream >= -1, "stream is a stream's number, or -1 for the best");
    require(start_s >= 0 && stop_s >= 0 && (stop_s == 0 || stop_s > start_s),
            "start_s and stop_s: 0 <= start_s < stop_s");
    media::InputOptions options;
    options.frames = frames, options.every = every, options.start_s = start_s, options.stop_s = stop_s;
    options.stream = stream, options.deinterlace = deinterlace, options.give_up_s = give_up_s;
    const WithoutGil without_gil;
    const media::ExpandedInputs expanded = media::expand_inputs(paths);
    PyInputs inputs{expanded, media::RunInputs(expanded, options, at_once), {}};
    if (open_first) inputs.inputs.open_first(inputs.engine);
    new (self) PyInputs(std::move(inputs));
}

bool any_live(const PyInputs& self) {
    const std::vector<std::string>& paths = self.inputs.paths();
    return std::any_of(paths.begin(), paths.end(), media::is_live);
}

bool any_address(const PyInputs& self) {
    const std::vector<std::string>& paths = self.inputs.paths();
    return std::any_of(paths.begin(), paths.end(),
                       [](const std::string& path) { return path.find("://") != std::string::npos; });
}

void start(PyRun* self, std::shared_ptr<PyEngine> engine, const PyInputs& inputs, bool track, bool pixels, int queue) {
    require(queue >= 1, "queue: 1 frame or more");
    check_not_forked();
    const RunSettings settings{track, pixels, std::size_t(queue)};
    const WithoutGil without_gil;
    new (self) PyRun{std::make_unique<Run>(std::move(engine), inputs.inputs, settings)};
}

}  // namespace

void bind_run(nb::module_& module) {
    bind_frames(module);
    nb::class_<PyInputs>(module, "_Inputs")
        .def("__init__", &read, nb::arg("paths"), nb::kw_only(), nb::arg("open_first"), nb::arg("at_once"),
             nb::arg("frames"), nb::arg("every"), nb::arg("start_s"), nb::arg("stop_s"), nb::arg("stream"),
             nb::arg("deinterlace"), nb::arg("give_up_s"))
        .def_prop_ro("any_live", &any_live)
        .def_prop_ro("any_address", &any_address)
        .def_prop_ro("left_out", [](const PyInputs& self) { return texts_of(self.expanded.left_out); });
    nb::class_<PyRun>(module, "_Run")
        .def("__init__", &start, nb::arg("engine"), nb::arg("inputs"), nb::kw_only(), nb::arg("track"),
             nb::arg("pixels"), nb::arg("queue"))
        .def("__iter__", [](nb::handle self) { return nb::borrow(self); })
        .def("__next__", &next, nb::sig("def __next__(self) -> Frame | InputEnd"))
        .def(
            "close",
            [](PyRun& self) {
                if (!is_forked()) self.run->close();
            },
            nb::call_guard<WithoutGil>())
        .def_prop_ro("failed_devices", [](PyRun& self) { return texts_of(self.run->failed_devices()); })
        .def_prop_ro("inputs", [](PyRun& self) { return texts_of(self.run->names()); });
}

}  // namespace convoy::python
