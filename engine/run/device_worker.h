// SPDX-License-Identifier: MIT
//
// One device: frames into batches, batches through the network, detections out. Shares nothing with another device's.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <convoy/options.h>
#include <convoy/run.h>
#include "engine/backend.h"
#include "engine/run/census.h"
#include "engine/run/memory_budget.h"
#include "engine/stage.h"

namespace convoy {

/// What became of a frame.
struct FrameOutcome {
    Result result;              ///< the frame as it was kept; detections when there is no error
    std::exception_ptr error;   ///< of this frame alone
    bool lost = false;          ///< the device has failed, or the batch was dropped: nothing is known of the frame
    std::uint64_t tag = 0;      ///< as submitted
    MemoryBudget::Hold pixels;  ///< as submitted: what is to be counted as long as the frame's pixels are kept
};

/// Hears of its frames, once each, in the order in which they were submitted by one thread; from the worker's thread,
/// which it must not hold up.
class FrameReceiver {
public:
    virtual ~FrameReceiver() = default;
    virtual void take(FrameOutcome outcome) noexcept = 0;
};

/// A frame under way. Its receiver hears of it once: by settle(), or that it is lost when the ticket goes before that.
class FrameTicket {
public:
    FrameTicket(std::shared_ptr<FrameReceiver> receiver, std::uint64_t tag, MemoryBudget::Hold pixels = {})
        : receiver_(std::move(receiver)), tag_(tag), pixels_(std::move(pixels)) {}
    FrameTicket(FrameTicket&&) noexcept = default;
    FrameTicket& operator=(FrameTicket&&) = delete;
    ~FrameTicket() {
        FrameOutcome lost;
        lost.lost = true;
        settle(std::move(lost));
    }
    /// Adds what the ticket knows. Nothing is left of the frame, and the receiver is let go of, when this returns.
    void settle(FrameOutcome outcome) noexcept {
        const std::shared_ptr<FrameReceiver> receiver = std::move(receiver_);
        if (!receiver) return;
        outcome.tag = tag_;
        outcome.pixels = std::move(pixels_);
        receiver->take(std::move(outcome));
    }

private:
    std::shared_ptr<FrameReceiver> receiver_;
    std::uint64_t tag_;
    MemoryBudget::Hold pixels_;
};

struct WorkerOptions {
    std::string name;  ///< "cuda:0"
    DetectOptions detect;
    int max_batch = 1;
    int slots = 2;               ///< batches in flight
    double max_latency_ms = -1;  ///< see EngineOptions
    std::vector<int> cpus;       ///< where its threads run; empty: anywhere
    Trace* trace = nullptr;      ///< outlives the worker
};

/// Two threads of its own: one runs batches, one waits for them and lists what was found. Frames are scaled into the
/// batch by the threads that submit them. A device that fails is not used again: all frames in it are lost, submit()
/// takes no more.
class DeviceWorker {
public:
    using Clock = StageClock::Clock;

    DeviceWorker(std::unique_ptr<Backend> backend, WorkerOptions options);
    /// Drops what is in flight: receivers hear that it is lost.
    ~DeviceWorker();
    DeviceWorker(const DeviceWorker&) = delete;
    DeviceWorker& operator=(const DeviceWorker&) = delete;

    enum class Keep {
        frame,    ///< the result holds the frame as it came
        pixels,   ///< the result's frame has its pixels in host memory
        nothing,  ///< the frame is let go of as soon as it was read
    };
    /// Puts a frame, or each of its tiles, into the next free place of a batch; waits for one. False, and the frame is
    /// lost, when the device has failed or is being stopped. `seat` belongs to the calling thread. `refresh` may put
    /// another frame of the same shape in its place, once there is one.
    using Refresh = std::function<void(Frame& frame, Clock::time_point& decoded_at)>;
    bool submit(Frame frame, Clock::time_point decoded_at, DecoderSeat& seat, Keep keep, FrameTicket ticket,
                const Refresh& refresh = {});
    /// Runs what was submitted so far without waiting for a full batch.
    void flush();
    /// A thread that is at work on frames, as long as this lives and does not wait itself.
    class Producer {
    public:
        explicit Producer(DeviceWorker& worker) : worker_(worker) { worker_.count_producer(1); }
        ~Producer() { set_waiting(true); }
        Producer(const Producer&) = delete;
        Producer& operator=(const Producer&) = delete;
        void set_waiting(bool waits) {
            if (waits != std::exchange(waits_, waits)) worker_.count_producer(waits ? -1 : 1);
        }

    private:
        DeviceWorker& worker_;
        bool waits_ = false;
    };
    /// Threads that are held up until frames which they have submitted are worked on: `more` of them, or fewer.
    void count_held_up(int more);
    /// Whether frames wait for a batch: the network is what limits the device.
    bool frames_wait() const;
    /// What the network does while it is at work; 0 when no batch is done yet.
    double network_frames_per_second() const;
    /// Eager: as soon as the device has nothing to do and no more producers are at work than threads are held up, a
    /// batch goes as it is. Otherwise it waits until it is full, flushed or as old as max_latency_ms allows.
    void set_eager(bool eager);
    /// Drops the batches that have not reached the network, and all that come, until set_eager().
    void drop_pending();
    /// Waits until all frames that were submitted are settled and nothing of them is left. Batches that nobody flushes
    /// or drops are waited for.
    void wait_for_none() { living_batches_->wait_for_none(); }

    /// See engine/before_batch.h.
    void call_before_batches(std::function<void(const std::string&, std::int64_t)> call);
    std::unique_ptr<DecoderSeat> make_seat(const std::string& name) { return backend_->make_seat(name); }
    /// The device is not used again. The first reason counts.
    void fail(const std::string& why) noexcept;
    void fail(const std::exception_ptr& error) noexcept;
    /// Whether an error is the device's own, since it answers nothing any more. Then it has failed of that.
    bool takes_blame(const std::exception_ptr& error);
    bool failed() const;
    std::string failure() const;
    Backend& backend() const { return *backend_; }
    const WorkerOptions& options() const { return options_; }

    void clear_statistics();
    DeviceReport report() const;
    StageClock& decode_clock() { return decode_clock_; }
    StageStats latency() const { return latency_clock_.stats(); }
    StageClock& latency_clock() { return latency_clock_; }

private:
    // A frame under way; shared by the places of its pictures.
    struct Arrival {
        FrameTicket ticket;
        Frame frame;  // gone before the ticket is
        Clock::time_point at;
        std::vector<Area> areas;  // of its pictures
        // The post-process thread's own:
        std::vector<std::vector<Detection>> found = {};  // by picture
        bool lost = false;                               // one of its pictures
        FrameOutcome outcome = {};
    };
    // One picture's, in a batch. A frame's pictures come in order, so that it is done with the last one.
    struct Place {
        std::shared_ptr<Arrival> arrival;
        std::size_t picture;
        std::exception_ptr error = {};  // of it alone
        bool is_last() const { return picture + 1 == arrival->areas.size(); }
    };
    struct Batch {
        Slot* slot = nullptr;
        std::vector<Place> places;  // with room for all that fit
        std::size_t filled = 0;     // of them, those that are scaled
        bool closed = false;        // takes no more
        bool lost = false;
        std::exception_ptr error;  // of the whole batch
    };
    using BatchPtr = std::shared_ptr<Batch>;

    void stop();
    void count_producer(int more);
    // Places in one batch for some of a frame's pictures.
    struct Reserved {
        BatchPtr batch;
        int first = 0;
        std::span<Place> places = {};
    };
    Reserved reserve(const std::shared_ptr<Arrival>& arrival, std::size_t picture, DecoderSeat& seat);
    BatchPtr open_batch(DecoderSeat& seat, std::unique_lock<std::mutex>& lock);
    void fill(const Reserved& reserved, DecoderSeat& seat, Keep keep);
    void filled(const Reserved& reserved);
    BatchPtr next_batch();
    void hand_on(BatchPtr batch);
    BatchPtr next_ran();
    bool is_due(const Batch& batch) const;
    Clock::time_point deadline(const Batch& batch) const;
    void network_loop();
    void run_batch(Batch& batch);
    void postprocess_loop();
    void wait_for(Batch& batch);
    void collect(Batch& batch);
    void look_at(Batch& batch, int index);
    bool find(Slot& slot, int index, const Place& place);
    bool finish(Arrival& arrival);
    std::string seek_not_finite(Slot& slot, int index);
    void let_go(Batch& batch);
    void blame(Batch& batch, std::exception_ptr error);

    const std::unique_ptr<Backend> backend_;
    const WorkerOptions options_;
    std::atomic<bool> dropping_{false};  // written under the mutex; slots look at it
    std::vector<std::unique_ptr<Slot>> slots_;

    mutable std::mutex mutex_;
    std::condition_variable room_, work_, ran_;
    const std::shared_ptr<Census> living_batches_ = std::make_shared<Census>();
    std::deque<BatchPtr> open_;     // not yet with the network, in order
    std::deque<BatchPtr> running_;  // handed to the device, in order; a null is the last
    std::vector<Slot*> free_;
    int producers_ = 0;  // at work
    int held_up_ = 0;    // threads
    int waiting_ = 0;    // threads with a frame for which there is no place
    int in_flight_ = 0;  // batches between the network and their results
    bool eager_ = false, stopping_ = false;
    std::string failure_;
    std::function<void(const std::string&, std::int64_t)> before_batch_;
    std::int64_t pictures_ = 0;  // run so far
    std::mutex network_mutex_;   // held while the network runs, or runs again
    bool sought_ = false;        // whether it has run again to find what is not finite

    StageClock decode_clock_{"decode"}, wait_clock_{"wait for a slot"}, preprocess_clock_{"preprocess"};
    StageClock network_clock_{"network"}, postprocess_clock_{"post-process"}, latency_clock_{"latency"};
    std::vector<std::int64_t> batch_counts_;
    std::int64_t frames_ = 0;
    double network_s_ = 0;  // of batches with so many pictures:
    std::int64_t network_pictures_ = 0;

    std::vector<std::thread> threads_;
};

}  // namespace convoy
