// SPDX-License-Identifier: MIT
//
// The public face of libconvoy: pictures in, boxes out.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <convoy/detection.h>
#include <convoy/network.h>
#include <convoy/options.h>
#include <convoy/run.h>

namespace convoy {

/// One model, ready to run on one set of devices. Owns its threads, memory and device handles; any number of engines
/// live side by side in one process. All methods throw Error and nothing else (besides std::bad_alloc).
///
///     convoy::Network net = convoy::load_network("yolov3.cfg", "yolov3.weights", "coco.names");
///     convoy::Engine engine(net, {});
///     for (const convoy::Detection& d : engine.detect(frame)) …          // synchronous
///
///     engine.submit(frame1); engine.submit(frame2); engine.finish();     // asynchronous: results in order
///     while (auto result = engine.next()) …
///
///     engine.run(inputs, observer, stop);                                      // whole videos, cut and decoded in
///     parallel
///
/// submit()/finish() may be called from one thread while next() is called from another. The three ways must not be
/// used at the same time.
///
/// A device that fails is not used again: its frames and segments go to the others, description() and run()'s report
/// tell. When none is left, calls throw Error(device), but for a run() that had begun: its report tells then. CUDA
/// gives up a whole process, all GPUs of it, when a kernel of any of them has touched memory that it must not.
class Engine {
public:
    /// Packs the weights and allocates everything; later calls allocate nothing but results.
    /// `network` is not needed afterwards. Throws Error(usage | unsupported | model).
    Engine(const Network& network, const EngineOptions& options);
    ~Engine();  ///< drops what is still in flight
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;

    /// One picture, in the calling thread's time. Must not be mixed with results still owed by submit().
    std::vector<Detection> detect(const Frame& frame);

    /// Hands over a frame; blocks while the bounded queue is full. Results come from next() in this order.
    /// Throws Error(input) for a frame whose format, size or pitch is impossible, or that lies in device memory while
    /// the engine has several GPUs; the engine stays usable.
    void submit(Frame frame);
    /// Runs the last batch even if it is not full; no submit() after it until next() has returned nullopt.
    void finish();
    /// The next result, in order of submission; waits for it. nullopt once finish() was called and all are out.
    /// Throws what went wrong with that one frame, if anything did; the results of the others still come.
    std::optional<Result> next();

    /// Whole inputs over all devices; returns when all have ended. Results reach `observer` in each lane's order, the
    /// same ones whatever devices there are (with EngineOptions::same_bits to the bit). What goes wrong with one input
    /// is told in its end; whatever else fails ends the run and is thrown. When `stop` becomes true nothing more is
    /// read, and what comes out ends early: without gaps, at the last frame that the observer has been told of.
    RunReport run(std::vector<RunInput> inputs, RunObserver& observer, const std::atomic<bool>& stop,
                  const RunThreads& threads = {});

    /// Where time went since the engine was made or since run() began: preprocess, network, post-process; with several
    /// devices one after the other, each with its name before.
    std::vector<StageStats> stats() const;
    /// "cpu, fp32, 2 threads, batch 1", for people.
    std::string description() const;
    int devices() const;
    const StartReport& start() const;
    /// What went wrong at the start without harm, a sentence each: a tuning cache that could not be written, say.
    const std::vector<std::string>& notes() const;
    int max_batch() const;
    /// Frames that can be between submit() and next() before submit() blocks. A program that does both in one thread
    /// must not run further ahead.
    int capacity() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace convoy
