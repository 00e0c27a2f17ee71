// SPDX-License-Identifier: MIT
//
// A whole-input run as something to iterate over: it goes on in a thread of its own and hands frames through a bounded
// queue, so that it waits where Python is slow.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <optional>
#include <thread>
#include <variant>

#include <convoy/media/image.h>
#include <convoy/media/input.h>
#include "python/bindings/bindings.h"
#include "tools/follower.h"

namespace convoy::python {
namespace {

/// Pixels that a frame keeps for Python: a copy, since those of the engine are counted and few.
struct Pixels {
    std::variant<media::Nv12Image, media::Image> image;

    explicit Pixels(const PixelView& view) {
        if (view.format == PixelFormat::nv12) {
            media::copy_nv12(view, image.emplace<media::Nv12Image>());
            return;
        }
        media::Image& rgb = image.emplace<media::Image>();
        rgb.width = view.width, rgb.height = view.height;
        for (int y = 0; y < view.height; ++y) {
            const std::uint8_t* row = view.plane[0] + std::int64_t(y) * view.pitch[0];
            rgb.rgb.insert(rgb.rgb.end(), row, row + std::int64_t(3) * view.width);
        }
    }

    PixelView view() const {
        if (const auto* nv12 = std::get_if<media::Nv12Image>(&image)) return nv12->view();
        const auto& rgb = std::get<media::Image>(image);
        return rgb_frame(rgb.rgb.data(), rgb.width, rgb.height).pixels;
    }
};

struct RunFrame {
    int input = 0;
    std::shared_ptr<const std::string> path;
    Result result;
    std::shared_ptr<const Pixels> pixels;
};

struct RunEnd {
    int input = 0;
    std::string path;
    InputEnd end;
};

using Item = std::variant<RunFrame, RunEnd>;

struct RunSettings {
    bool track = false, pixels = false;
    std::size_t queue = 64;
    int at_once = 1;
    media::InputOptions input;
    RunThreads threads;
};

/// An engine keeps a frame's pixels for somebody's work on them: this one has seen them in order already.
class NoWork final : public SegmentWork {
    void frame(Result&) override {}
};

class Run final : public RunObserver {
public:
    Run(std::shared_ptr<PyEngine> engine, const std::vector<std::string>& inputs, const RunSettings& settings)
        : engine_(std::move(engine)), settings_(settings), expanded_(media::expand_inputs(inputs)) {
        if (settings.track) follower_.emplace(nullptr, engine_->names);
        for (const std::string& path : expanded_.paths) names_.push_back(media::without_passwords(path));
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
                const nb::gil_scoped_release without_gil;
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
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
            items_.clear();
        }
        room_.notify_all(), there_.notify_all();
        const std::lock_guard lock(joining_);
        if (thread_.joinable()) thread_.join();
    }

    const std::vector<std::string>& left_out() const { return expanded_.left_out; }
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
    // Recordings share `at_once` lanes; what is or may be live has one of its own, since nothing may wait for its end.
    std::vector<RunInput> run_inputs() {
        std::vector<RunInput> inputs;
        int recordings = 0, lane = settings_.at_once;
        for (const std::string& path : expanded_.paths) {
            const bool alone = media::is_live(path) || media::is_address(path);
            inputs.push_back({[this, path, number = inputs.size()](std::stop_token cancel) {
                                  if (const auto why = expanded_.refused.find(number); why != expanded_.refused.end())
                                      throw Error(ErrorKind::input, why->second);
                                  return media::open_input(path, settings_.input, cancel);
                              },
                              alone ? lane++ : recordings++ % settings_.at_once});
        }
        return inputs;
    }

    void work() {
        std::exception_ptr failure;
        try {
            const RunReport report = engine_->engine.run(run_inputs(), *this, stop_, settings_.threads);
            if (!report.failure.empty()) throw Error(ErrorKind::device, "no device is left: " + report.failure);
        } catch (...) {
            failure = std::current_exception();
        }
        const std::lock_guard lock(mutex_);
        failure_ = failure, done_ = true;
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
    const RunSettings settings_;
    const media::ExpandedInputs expanded_;
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

    std::mutex joining_;
    std::thread thread_;
};

struct PyRun {
    std::unique_ptr<Run> run;
    ~PyRun() {
        const nb::gil_scoped_release without_gil;  // the run's thread may be letting go of Python objects
        run.reset();
    }
};

nb::object next(PyRun& self) {
    std::optional<Item> item = self.run->next_at_once();
    if (!item) item = self.run->next();
    if (!item) throw nb::stop_iteration();
    return std::visit([](auto& what) { return nb::cast(std::move(what)); }, *item);
}

void start(PyRun* self, std::shared_ptr<PyEngine> engine, const std::vector<std::string>& inputs, bool track,
           bool pixels, int queue, int at_once, std::int64_t frames, std::int64_t every, double start_s, double stop_s,
           int stream, bool deinterlace, double give_up_s) {
    const auto require = [](bool holds, const char* sentence) {
        if (!holds) throw Error(ErrorKind::usage, sentence);
    };
    require(!inputs.empty(), "run: there is no input");
    require(queue >= 1, "queue: 1 frame or more");
    require(at_once >= 1, "at_once: 1 input or more");
    require(frames >= 0 && every >= 1, "frames is 0 (all) or more, every is 1 or more");
    require(start_s >= 0 && stop_s >= 0 && (stop_s == 0 || stop_s > start_s),
            "start_s and stop_s: 0 <= start_s < stop_s");
    RunSettings settings{track, pixels, std::size_t(queue), at_once, {}, {}};
    settings.input.frames = frames, settings.input.every = every;
    settings.input.start_s = start_s, settings.input.stop_s = stop_s;
    settings.input.stream = stream, settings.input.deinterlace = deinterlace, settings.input.give_up_s = give_up_s;
    const nb::gil_scoped_release without_gil;
    new (self) PyRun{std::make_unique<Run>(std::move(engine), inputs, settings)};
}

nb::object image_of(const RunFrame& frame) {
    if (!frame.pixels)
        throw nb::attribute_error("a frame has its pixels only if the run was asked for them: pixels=True");
    return rgb_array_of(frame.pixels->view());
}

void bind_frame(nb::module_& module) {
    nb::class_<RunFrame>(module, "Frame", "One frame of a run, and what was found on it.", nb::dynamic_attr())
        .def_ro("input", &RunFrame::input, "Which of the run's inputs it belongs to, counted from 0.")
        .def_prop_ro(
            "path", [](const RunFrame& f) { return *f.path; }, "That input's name; passwords are ***.")
        .def_prop_ro(
            "index", [](const RunFrame& f) { return f.result.frame.index; }, "Its number in its input, from 0 on.")
        .def_prop_ro(
            "time_s", [](const RunFrame& f) { return f.result.frame.time_s; }, "Seconds after the first frame.")
        .def_prop_ro(
            "pts_s", [](const RunFrame& f) { return f.result.frame.pts_s; },
            "The container's own stamp, seconds; NaN where it has none.")
        .def_prop_ro(
            "width", [](const RunFrame& f) { return f.result.frame.pixels.width; }, "Pixels, upright.")
        .def_prop_ro(
            "height", [](const RunFrame& f) { return f.result.frame.pixels.height; }, "Pixels, upright.")
        .def_prop_ro(
            "latency_ms", [](const RunFrame& f) { return f.result.latency_ms; },
            "From decoded to detections, milliseconds.")
        .def_prop_ro(
            "undecodable", [](const RunFrame& f) { return f.result.frame.undecodable; },
            "A place before a recording's first keyframe, which no decoder can know: nothing is detected on it.")
        .def_prop_ro(
            "not_finite", [](const RunFrame& f) { return f.result.not_finite; },
            "Boxes left out since they are NaN or infinite.")
        .def_prop_ro(
            "detections", [](const RunFrame& f) { return array_of(f.result.detections); },
            nb::sig("def detections(self) -> numpy.ndarray"),
            "A new structured array of convoy.DETECTION, in Darknet's order.")
        .def_prop_ro("image", &image_of, nb::sig("def image(self) -> numpy.ndarray"),
                     "Its pixels, RGB, a new array (height, width, 3), where the run was started with pixels=True.")
        .def("__len__", [](const RunFrame& f) { return f.result.detections.size(); })
        .def("__repr__", [](const RunFrame& f) {
            return "<convoy.Frame " + std::to_string(f.result.frame.index) + " of " + *f.path + ", " +
                   std::to_string(f.result.detections.size()) + " detections>";
        });
}

void bind_end(nb::module_& module) {
    nb::class_<RunEnd>(module, "InputEnd", "How an input of a run ended.")
        .def_ro("input", &RunEnd::input, "Which of the run's inputs, counted from 0.")
        .def_ro("path", &RunEnd::path)
        .def_prop_ro("frames", [](const RunEnd& e) { return e.end.frames; })
        .def_prop_ro(
            "damaged", [](const RunEnd& e) { return e.end.damaged; },
            "Packets and frames that could not be decoded, frames that were in part.")
        .def_prop_ro("first_damage", [](const RunEnd& e) { return e.end.first_damage; })
        .def_prop_ro("undecodable", [](const RunEnd& e) { return e.end.undecodable; })
        .def_prop_ro("not_finite", [](const RunEnd& e) { return e.end.not_finite; })
        .def_prop_ro(
            "error", [](const RunEnd& e) { return e.end.error; },
            "Why it could not be opened or read to its end; empty when it could.")
        .def_prop_ro(
            "remark", [](const RunEnd& e) { return e.end.remark; }, "How it was read where that is not usual.");
}

}  // namespace

void bind_run(nb::module_& module) {
    bind_frame(module);
    bind_end(module);
    nb::class_<PyRun>(module, "_Run")
        .def("__init__", &start, nb::arg("engine"), nb::arg("inputs"), nb::kw_only(), nb::arg("track"),
             nb::arg("pixels"), nb::arg("queue"), nb::arg("at_once"), nb::arg("frames"), nb::arg("every"),
             nb::arg("start_s"), nb::arg("stop_s"), nb::arg("stream"), nb::arg("deinterlace"), nb::arg("give_up_s"))
        .def("__iter__", [](nb::handle self) { return nb::borrow(self); })
        .def("__next__", &next, nb::sig("def __next__(self) -> Frame | InputEnd"))
        .def(
            "close", [](PyRun& self) { self.run->close(); }, nb::call_guard<nb::gil_scoped_release>())
        .def_prop_ro("left_out", [](PyRun& self) { return self.run->left_out(); })
        .def_prop_ro("inputs", [](PyRun& self) { return self.run->names(); });
    module.def("is_live", &media::is_live, nb::arg("path"),
               "Whether an input is a camera or a stream that carries no recording.");
}

}  // namespace convoy::python
