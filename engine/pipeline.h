// SPDX-License-Identifier: MIT
//
// One device: preprocess → network → post-process, a thread each, overlapped through slots.
#pragma once

#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "engine/backend.h"
#include "engine/bounded_queue.h"
#include "engine/options.h"
#include "engine/stage_stats.h"

namespace convoy {

class Pipeline {
public:
    /// `slots` batches are in flight at most, one more waits before them: room enough, and no frame grows old in a
    /// queue.
    Pipeline(Backend& backend, const DetectOptions& detect, int max_batch, int slots, double max_latency_ms);
    /// Drops what is in flight and joins the threads.
    ~Pipeline();
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    void submit(Frame frame);
    /// Runs what was submitted so far without waiting for a full batch.
    void flush();
    /// Flushes, and makes next() return nullopt after the last result.
    void finish();
    std::optional<Result> next();
    std::vector<StageStats> stats() const;
    /// Frames that fit between submit() and next() before submit() blocks.
    int capacity() const;

private:
    using Clock = StageClock::Clock;
    struct Arrival {
        Frame frame;
        Clock::time_point at;
        std::exception_ptr error;  // of its preprocessing or batch
    };
    struct Flush {};
    struct Finish {};
    using Request = std::variant<Arrival, Flush, Finish>;
    struct Batch {
        Slot* slot = nullptr;  // null: the end of the stream
        std::vector<Arrival> arrivals;
    };
    struct Outcome {
        Result result;
        std::exception_ptr error;
        bool end = false;
    };

    void preprocess_loop();
    bool preprocess(Batch& batch, Arrival arrival);
    bool launch(Batch& batch);
    void network_loop();
    void postprocess_loop();
    bool postprocess(Batch& batch);
    void cancel();

    const Backend& backend_;
    const DetectOptions detect_;
    const std::size_t max_batch_;
    const double max_latency_ms_;
    std::vector<std::unique_ptr<Slot>> slots_;
    StageClock preprocess_clock_{"preprocess"}, network_clock_{"network"}, postprocess_clock_{"post-process"};
    BoundedQueue<Request> requests_;
    BoundedQueue<Slot*> free_;
    BoundedQueue<Batch> ready_, done_;
    BoundedQueue<Outcome> outcomes_;
    std::vector<std::thread> threads_;
};

}  // namespace convoy
