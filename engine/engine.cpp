// SPDX-License-Identifier: MIT
#include <convoy/engine.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "engine/before_batch.h"
#include "engine/bind.h"
#include "engine/cores.h"
#include "engine/cpu/cpu.h"
#include "engine/run/check_frame.h"
#include "engine/run/input_feed.h"
#include "engine/run/scheduler.h"
#include "engine/run/submit_queue.h"

namespace convoy {
namespace {

constexpr int kCpuDecoders = 2;  // one preprocesses while the other decodes

// Threads that decode on the CPU for a GPU, which has so many cores to itself: some are left for all else.
int helpers_for(int cores) { return std::clamp(cores - 2, 0, 16); }

[[noreturn]] void usage(const std::string& sentence) { throw Error(ErrorKind::usage, sentence); }

void check_options(const Network& network, const EngineOptions& options) {
    const DetectOptions& d = options.detect;
    if (!(d.confidence > 0 && d.confidence < 1))
        usage("the confidence threshold must lie between 0 and 1, but is " + std::to_string(d.confidence));
    if (!(d.nms >= 0 && d.nms <= 1))
        usage("the NMS threshold must lie between 0 and 1, but is " + std::to_string(d.nms));
    const auto in_range = [](const char* what, int value, int most) {
        if (value < 0 || value > most)
            usage(std::string(what) + " must lie between 1 and " + std::to_string(most) +
                  ", or be 0 for the default, but is " + std::to_string(value));
    };
    if (!(d.min_size >= 0 && d.min_size < 1e9f))
        usage("the smallest size of a box must not be negative, but is " + std::to_string(d.min_size));
    if (!d.class_confidence.empty() && d.class_confidence.size() != std::size_t(network.classes()))
        usage("there are confidence thresholds of " + std::to_string(d.class_confidence.size()) +
              " classes, and the network has " + std::to_string(network.classes()));
    for (float threshold : d.class_confidence)
        if (!(threshold >= 0 && threshold < 1))
            usage("a class's confidence threshold must lie between 0 and 1, but is " + std::to_string(threshold));
    for (const IgnoredRegion& region : d.ignored)
        if (!(region.box.w > 0 && region.box.h > 0 && std::isfinite(region.box.x + region.box.w) &&
              std::isfinite(region.box.y + region.box.h)))
            usage("a region to ignore has no area or is not finite");
    const TileOptions& tiles = d.tiles;
    if (std::min(tiles.columns, tiles.rows) < 1 || std::max(tiles.columns, tiles.rows) > kMostTiles)
        usage("the columns and rows of tiles must lie between 1 and " + std::to_string(kMostTiles) + ", but are " +
              std::to_string(tiles.columns) + " and " + std::to_string(tiles.rows));
    if (!(tiles.overlap >= 0 && tiles.overlap <= kMostTileOverlap))
        usage("the overlap of tiles must lie between 0 and 0.9, but is " + std::to_string(tiles.overlap));
    if (d.max_boxes < 0)
        usage("the largest number of boxes must not be negative, but is " + std::to_string(d.max_boxes));
    in_range("the batch", options.max_batch, 1024);
    in_range("the number of threads", options.threads, 4096);
    if (std::isnan(options.max_latency_ms)) usage("the longest wait for a batch is not a number");
    if (network.layers.empty())
        throw Error(ErrorKind::model, "the network has no layers: load one with load_network()");
    if (network.classes() == 0)
        throw Error(
            ErrorKind::model,
            network.cfg_path + ":" + std::to_string(network.layers.back().line) + ": the network ends with [" +
                network.layers.back().name() +
                "] and has no [yolo], [region], [Gaussian_yolo] or [detection] layer: it cannot detect anything");
    if (const std::string why = network.input_error(); !why.empty()) throw Error(ErrorKind::unsupported, why);
    for (const Layer& layer : network.layers)
        if (const auto* region = std::get_if<RegionLayer>(&layer.kind);
            region && !region->tree.empty() && region->parents.empty())
            throw Error(ErrorKind::model, network.cfg_path + ": the tree of classes '" + region->tree +
                                              "' has not been read; load_network() does that");
    for (int id : d.classes)
        if (id < 0 || id >= network.classes())
            usage("class " + std::to_string(id) + " does not exist: the network has " +
                  std::to_string(network.classes()) + " classes, counted from 0");
}

/// The classes to report: those asked for, without those that the .names file hides.
std::vector<int> shown_classes(const Network& network, std::vector<int> asked) {
    const auto hidden = [&](int id) { return network.is_hidden(id); };
    std::vector<int> all(std::size_t(network.classes()));
    std::iota(all.begin(), all.end(), 0);
    if (std::none_of(all.begin(), all.end(), hidden)) return asked;
    if (asked.empty()) asked = std::move(all);
    std::erase_if(asked, hidden);
    if (asked.empty()) asked = {-1};  // none: an empty list would be all
    return asked;
}

}  // namespace

struct [[gnu::visibility("hidden")]] Engine::Impl {
    std::shared_ptr<Trace> trace;  // before all that writes into it to the end
    BoundEngine bound;
    DetectOptions detect;
    std::vector<std::unique_ptr<DeviceWorker>> workers;
    std::mutex mutex;  // of the next two
    bool running = false;
    std::unique_ptr<SubmitQueue> queue;  // declared after the workers: its threads, which use them, end first
    StartReport start;
    bool gpu = false;

    void check(const Frame& frame) const;
    int slots() const { return gpu ? kGpuSlots : kCpuSlots; }
    int capacity() const {
        const int pictures = bound.max_batch * (2 * slots() + 1) * int(workers.size()), each = detect.tiles.count();
        return std::max(2, (pictures + each - 1) / each);  // with two, what the first has begun is full
    }
    // One way of working at a time: submit() and next(), by a queue that is made when it is needed, or run().
    SubmitQueue& submit_queue() {
        const std::lock_guard lock(mutex);
        if (running) usage("the engine is in run(): hand over frames when that has returned, or use another engine");
        return made_queue();
    }
    SubmitQueue& made_queue() {
        if (!queue) queue = std::make_unique<SubmitQueue>(workers, capacity());
        return *queue;
    }
    void set_running(bool runs) {
        const std::lock_guard lock(mutex);
        if (runs && running)
            usage("the engine is in run() already: wait until that has returned, or use another engine");
        if (runs && queue && queue->owes())
            usage("run() was called while results are owed to submit(): take them with next() first");
        queue.reset();
        running = runs;
    }
};

Engine::Engine(const Network& network, const EngineOptions& options) : impl_(std::make_unique<Impl>()) {
    const auto begin = StageClock::Clock::now();
    check_options(network, options);
    const TraceScope traced(options.trace.get(), "host", "engine", "make the engine");
    Impl& impl = *impl_;
    impl.trace = options.trace;
    EngineOptions of_devices = options;
    if (options.detect.nms_across_classes) of_devices.detect.nms = 1;  // finish_picture() sees to it
    if (options.expected_frames && options.detect.tiles.count() > 1)
        of_devices.expected_frames = [&options] { return options.expected_frames() * options.detect.tiles.count(); };
    impl.detect = options.detect;
    impl.bound = bind(network, of_devices);
    impl.gpu = impl.bound.devices.front().gpu >= 0;
    for (BoundDevice& device : impl.bound.devices) {
        WorkerOptions worker;
        worker.name = device.name;
        worker.detect = options.detect;
        worker.detect.classes = shown_classes(network, options.detect.classes);
        worker.max_batch = impl.bound.max_batch;
        worker.slots = impl.slots();
        worker.max_latency_ms = options.max_latency_ms;
        worker.cpus = device.cpus;
        worker.trace = options.trace.get();
        try {
            impl.workers.push_back(std::make_unique<DeviceWorker>(std::move(device.backend), std::move(worker)));
        } catch (const Error& error) {
            if (impl.bound.devices.size() == 1) throw;
            impl.bound.failed.push_back({device.name, error.what()});
        }
    }
    if (impl.workers.empty()) throw Error(ErrorKind::device, impl.bound.failed.front().why);
    for (const FailedDevice& failed : impl.bound.failed)
        impl.bound.notes.push_back(failed.name + " is not used: " + failed.why);
    impl.submit_queue();
    impl.start = {std::chrono::duration<double>(StageClock::Clock::now() - begin).count(), impl.bound.replication,
                  impl.bound.replication_s};
}

Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

std::vector<Detection> Engine::detect(const Frame& frame) {
    if (impl_->submit_queue().owes())
        usage(
            "detect() was called while results are owed to submit(), or another thread is in detect(): take them with "
            "next() first, or use an engine per thread");
    if (!submit(frame)) usage("detect() was called after cancel(): call resume() first");
    flush();
    std::optional<Result> result = next();
    return result ? std::move(result->detections) : std::vector<Detection>{};
}

void Engine::Impl::check(const Frame& frame) const {
    check_frame(frame, detect.tiles, gpu);
    if (frame.pixels.on_device && workers.size() > 1)
        throw Error(ErrorKind::input, "frame " + std::to_string(frame.index) +
                                          " lies in device memory, but the engine has several GPUs: make an engine for "
                                          "each, or hand over whole inputs by run()");
}

bool Engine::submit(Frame frame) {
    impl_->check(frame);
    return impl_->submit_queue().submit(std::move(frame), true);
}

bool Engine::try_submit(Frame&& frame) {
    impl_->check(frame);
    return impl_->submit_queue().submit(std::move(frame), false);
}

void Engine::flush() { impl_->submit_queue().flush(); }

void Engine::resume() {
    impl_->set_running(true);  // forgets the queue
    impl_->set_running(false);
}

void Engine::cancel() {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->running) impl_->made_queue().cancel();
}

void Engine::finish() { impl_->submit_queue().finish(); }
std::optional<Result> Engine::next() { return impl_->submit_queue().next(); }

RunReport Engine::run(std::vector<RunInput> inputs, RunObserver& observer, const std::atomic<bool>& stop,
                      const RunThreads& threads) {
    InputFeed feed;
    for (RunInput& input : inputs) feed.add(std::move(input));
    feed.close();
    return run(feed, observer, stop, threads);
}

RunReport Engine::run(InputFeed& feed, RunObserver& observer, const std::atomic<bool>& stop,
                      const RunThreads& threads) {
    if (threads.decoders < 0 || threads.work_threads < 0 || threads.cpu_decoders < -1)
        usage("numbers of threads must not be negative");
    impl_->set_running(true);
    struct EndOfRun {
        Impl& impl;
        ~EndOfRun() { impl.set_running(false); }
    } const end_of_run{*impl_};
    SchedulerOptions scheduler;
    const int cores = usable_cores();
    scheduler.decoders = threads.decoders ? threads.decoders : impl_->gpu ? kGpuDecoders : kCpuDecoders;
    scheduler.as_needed = impl_->gpu && threads.cpu_decoders == 0;
    if (impl_->gpu && threads.cpu_decoders >= 0)
        scheduler.cpu_decoders =
            threads.cpu_decoders ? threads.cpu_decoders : helpers_for(cores / int(impl_->workers.size()));
    scheduler.work_threads = threads.work_threads ? threads.work_threads : cores;
    scheduler.trace = impl_->trace.get();
    RunReport report = Scheduler(impl_->workers, InputFeed::Impl::of(feed), observer, stop, scheduler).run();
    for (const FailedDevice& failed : impl_->bound.failed) {
        DeviceReport& device = report.devices.emplace_back();
        device.name = device.description = failed.name;
        device.failure = failed.why;
    }
    return report;
}

std::vector<StageStats> Engine::stats() const {
    std::vector<StageStats> all;
    for (const auto& worker : impl_->workers)
        for (StageStats& stage : worker->report().stages) {
            if (stage.name == "decode" || stage.name == "wait for a slot") continue;
            if (impl_->workers.size() > 1) stage.name = worker->options().name + " " + stage.name;
            all.push_back(std::move(stage));
        }
    return all;
}

void call_before_batches(Engine& engine, const std::function<void(const std::string&, std::int64_t)>& call) {
    for (const auto& worker : engine.impl_->workers) worker->call_before_batches(call);
}

const std::vector<std::string>& Engine::notes() const { return impl_->bound.notes; }
int Engine::max_batch() const { return impl_->bound.max_batch; }
int Engine::capacity() const { return impl_->capacity(); }
const StartReport& Engine::start() const { return impl_->start; }
int Engine::devices() const { return int(impl_->workers.size()); }

std::vector<int> Engine::gpus() const {
    std::vector<int> gpus;
    for (const auto& worker : impl_->workers)
        for (const BoundDevice& device : impl_->bound.devices)
            if (device.gpu >= 0 && device.name == worker->options().name && !worker->failed())
                gpus.push_back(device.gpu);
    return gpus;
}

std::string Engine::description() const {
    std::string text;
    for (const auto& worker : impl_->workers) {
        text += (text.empty() ? "" : " and ") + worker->backend().description();
        if (worker->failed()) text += " (failed)";
    }
    return text + ", batch " + std::to_string(impl_->bound.max_batch);
}

}  // namespace convoy
