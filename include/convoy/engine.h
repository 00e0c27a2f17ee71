// SPDX-License-Identifier: MIT
//
// The public face of libconvoy: pictures in, boxes out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <convoy/detection.h>
#include <convoy/export.h>
#include <convoy/network.h>
#include <convoy/options.h>
#include <convoy/run.h>

namespace convoy {

/// One model, ready to run on one set of devices. Owns its threads, memory and device handles; any number of engines
/// live side by side in one process. All methods throw Error, std::bad_alloc, and what the caller's
/// own callbacks throw; nothing else.
///
///     convoy::Network net = convoy::load_network("yolov3.cfg", "yolov3.weights");
///     convoy::Engine engine(net, {});
///     for (const convoy::Detection& d : engine.detect(frame)) ...      // one picture, at once
///
///     engine.submit(frame1), engine.submit(frame2), engine.finish();   // many: results in order
///     while (auto result = engine.next()) ...
///
///     engine.run(inputs, observer, stop);                              // whole videos, cut and decoded in parallel
///
/// These are three ways of working, one at a time: while a run() goes on, or results are owed to submit(), what belongs
/// to another way throws Error(usage). submit(), try_submit(), flush() and cancel() may be called from any threads at
/// once, next() from one more; detect() from one thread at a time.
///
/// A device that fails is not used again: its frames and segments go to the others, description() and run()'s report
/// tell. When none is left, calls throw Error(device), but for a run() that had begun: its report tells then. CUDA
/// gives up a whole process, all GPUs of it, when a kernel of any of them has touched memory that it must not.
class CONVOY_API Engine {
public:
    /// Packs the weights and allocates what the network needs; `network` is not needed afterwards. Later on memory is
    /// taken for results, and for pictures that are larger than all before. Throws Error(usage | unsupported | model |
    /// device).
    Engine(const Network& network, const EngineOptions& options);
    ~Engine();  ///< drops what is still in flight
    Engine(Engine&&) noexcept;
    Engine& operator=(Engine&&) noexcept;

    /// One picture, in the calling thread's time. Throws Error(usage) while results are owed to submit(), and what
    /// submit() throws.
    std::vector<Detection> detect(const Frame& frame);

    /// Hands over a frame; waits while capacity() frames are owed. Results come from next() in the order in which
    /// frames were handed over. False, and the frame is dropped, once cancel() was called. Throws Error(input) for a
    /// frame whose format, size or pitch is impossible, or that lies in device memory while the engine has several
    /// GPUs; the engine stays usable.
    bool submit(Frame frame);
    /// The same without waiting: false, too, when there is no room; `frame` is as it was then. For live frames, where
    /// one that is late is better dropped; beside threads that wait in submit() it hardly ever finds room.
    bool try_submit(Frame&& frame);
    /// What was submitted so far is not to wait for a full batch: for live frames, when none is expected soon.
    /// EngineOptions::max_latency_ms does it by time.
    void flush();
    /// Runs the last batch even if it is not full, and lets next() return nullopt once behind the last result. What is
    /// submitted after it comes out after that nullopt, and needs another finish().
    void finish();
    /// Gives up all that is between submit() and next(), from any thread: whoever waits in submit() gets false, whoever
    /// waits in next() nullopt, and so does everybody who comes later, until resume(). A run() is ended by `stop`
    /// instead.
    void cancel();
    /// Takes frames again after cancel(). For when no other thread is in a call.
    void resume();
    /// The next result, in order of submission; waits for it: without flush(), finish() or a bound on latency for ever,
    /// where the last batch is not full. nullopt once finish() was called and all are out, or
    /// after cancel(). Throws what went wrong with that one frame, if anything did; the results of the others still
    /// come.
    std::optional<Result> next();

    /// Whole inputs over all devices; returns when all have ended. Results reach `observer` in each lane's order, the
    /// same ones whatever devices there are (with EngineOptions::same_bits to the bit). What goes wrong with one input
    /// is reported at its end; whatever else fails ends the run and is thrown. When `stop` becomes true nothing more is
    /// read, and what comes out ends early: without gaps, at the last frame that the observer has been told of. A
    /// signal handler may set it.
    RunReport run(std::vector<RunInput> inputs, RunObserver& observer, const std::atomic<bool>& stop,
                  const RunThreads& threads = {});

    /// The same for inputs that come and go while it lasts. It returns once `feed` was closed and all have ended, or
    /// after a stop. Throws Error(usage) for a feed that has had its run.
    RunReport run(InputFeed& feed, RunObserver& observer, const std::atomic<bool>& stop,
                  const RunThreads& threads = {});

    /// Where time went since the engine was made or since run() began: preprocess, network, post-process; with several
    /// devices one after the other, each with its name before.
    std::vector<StageStats> stats() const;
    /// "cpu, fp32, 2 threads, batch 1", for people.
    std::string description() const;
    int devices() const;
    /// The GPUs among its devices that have not failed, by CUDA's numbers.
    std::vector<int> gpus() const;
    const StartReport& start() const;
    /// What went wrong at the start without harm, a sentence each: a tuning cache that could not be written, say.
    const std::vector<std::string>& notes() const;
    int max_batch() const;
    /// Frames that can be between submit() and next() before submit() waits. A program that does both in one thread
    /// must not run further ahead.
    int capacity() const;

private:
    // For tests: engine/before_batch.h.
    friend void call_before_batches(Engine& engine,
                                    const std::function<void(const std::string& device, std::int64_t pictures)>& call);
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace convoy
