// SPDX-License-Identifier: MIT
//
// A run: inputs are cut, their segments decoded and detected on all devices, results put back in order.
#pragma once

#include <atomic>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <set>
#include <thread>
#include <vector>

#include "engine/run/census.h"
#include "engine/run/decode_rates.h"
#include "engine/run/device_worker.h"
#include "engine/run/dispatcher.h"
#include "engine/run/input_feed.h"
#include "engine/run/order_step.h"
#include "engine/run/reorder_buffer.h"
#include "engine/run/timeline.h"
#include "engine/run/work_row.h"

namespace convoy {

struct SchedulerOptions {
    int decoders = 2;      ///< threads per device that decode and preprocess, on a GPU by its own decoders
    int cpu_decoders = 0;  ///< on a GPU: threads beside them that decode on the CPU for it
    std::chrono::milliseconds first_decoder{2000};  ///< so long they wait to see what the GPU's first decoder can do
    bool as_needed = false;  ///< on a GPU where pixels are kept: as many of these as it takes to occupy work_threads
    int work_threads = 1;    ///< for SegmentWork
    Trace* trace = nullptr;
    std::size_t result_bytes = std::size_t(256) << 20;      ///< of results that wait for their turn
    std::size_t pixel_bytes = kKeptPixelBytes;              ///< of frames on their way through SegmentWork, a device
    std::size_t ordered_pixel_bytes = 4 * kKeptPixelBytes;  ///< the same of all devices where frames are also ordered
    std::size_t segment_bytes = std::size_t(2) << 30;       ///< of segments that are being decoded
};

/// One run over the devices of an engine; used once.
///
///     decoder threads, some a device: dispatcher ─► reader ─► DeviceWorker
///     each device's own thread:       result ─► [order step ─►] [row of work ─►] reorder buffer
///     threads of the work pool:       order step: an observer that wants order; row of work: draw, encode
///     the thread that runs it:        reorder buffer ─► observer
class Scheduler {
public:
    Scheduler(const std::vector<std::unique_ptr<DeviceWorker>>& devices, std::shared_ptr<InputFeed::Impl> feed,
              RunObserver& observer, const std::atomic<bool>& stop, const SchedulerOptions& options);
    Scheduler(const std::vector<std::unique_ptr<DeviceWorker>>& devices, std::vector<RunInput> inputs,
              RunObserver& observer, const std::atomic<bool>& stop, const SchedulerOptions& options)
        : Scheduler(devices, InputFeed::Impl::of(std::move(inputs)), observer, stop, options) {}
    ~Scheduler();
    Scheduler(const Scheduler&) = delete;
    Scheduler& operator=(const Scheduler&) = delete;
    RunReport run();

    // From the feed, one call at a time; before the run, or while it lasts.
    void add_input(int index, RunInput input);
    void end_input_early(int index) { dispatcher_.end(index); }
    void no_more_inputs();

    // From the dispatcher, never twice at once for one lane.
    /// The unit to hand out for a segment; null: a thread of its own works on it.
    std::shared_ptr<RunUnit> begin_segment(const std::shared_ptr<OpenInput>& input,
                                           std::shared_ptr<const Segment> segment);
    void end_input(const std::shared_ptr<OpenInput>& input);
    // From a unit.
    /// In the order of its frames.
    void on_result(RunUnit& unit, Result result, MemoryBudget::Hold pixels);
    bool wants_picture(const RunUnit& unit) { return observer_.wants_picture(unit.input->index); }
    /// Once, after the last.
    void on_finished(RunUnit& unit);
    /// Its device has failed; nothing of it is under way any more.
    void on_lost(RunUnit& unit);
    // From the order step.
    void on_ordered(RunUnit& unit, PendingResult result);
    void on_unit_ordered(RunUnit& unit);
    StageScope time_order(const std::string& track);
    // From a row of work.
    void on_worked(std::int64_t unit, PendingResult result);
    void on_unit_worked(std::int64_t unit);
    void on_row_done(std::int64_t end_unit) {
        --rows_;
        output_.close(end_unit);
    }
    StageScope time_work(const std::string& track, const char* name);
    /// Frames are to be dropped.
    bool stopping() const { return stopping_; }
    // From all of them.
    /// Ends the run with this error; the first one counts.
    void fail(std::exception_ptr error);

private:
    using Clock = StageClock::Clock;
    using Waiting = std::function<void(bool)>;
    struct Device {
        Device(DeviceWorker* its_worker, std::size_t pixel_bytes, int readers, std::size_t reserved)
            : worker(its_worker), pixels(pixel_bytes, readers, reserved) {}
        DeviceWorker* const worker;
        MemoryBudget pixels;  // of frames on their way through SegmentWork
        std::atomic<std::int64_t> segments = 0;
        int endless = 0, most_endless = 0;          // segments that it is reading, and was at once
        int decoders = 0;                           // threads that take segment after segment
        int threads = 0;                            // started so far: their numbers in the trace
        std::atomic<int> waiting_for_decoders = 0;  // threads
        std::atomic<int> held_up = 0;               // of those, by the room that drawing leaves for pixels
        std::atomic<int> warm = 0;                  // threads whose decoders on the GPU are made
        DecodeRates rates;
    };
    // A reader, kept for the segments of one input, and of those that adopt it.
    struct Reading {
        Reading(Backend& its_backend, const DecodeTarget& its_target) : backend(its_backend), target(its_target) {}
        ~Reading() { close(); }
        Reading(const Reading&) = delete;
        Reading& operator=(const Reading&) = delete;
        void close();
        Backend& backend;  // that it reads for
        const DecodeTarget target;
        bool warm = false;               // what it takes long to make on the GPU is there
        std::weak_ptr<OpenInput> input;  // whose segments it reads, and which it does not keep open
        std::unique_ptr<SegmentReader> reader;
    };
    // What a thread has read of a segment.
    struct Read {
        std::int64_t frames = 0;
        double decoding_s = 0;
    };
    struct RowOfInput {
        std::shared_ptr<WorkRow> row;
        std::shared_ptr<OpenInput> input;
    };
    // What the observer is told next of an input.
    struct Progress {
        std::shared_ptr<OpenInput> input;
        std::optional<Timeline> timeline;
        InputEnd end;
    };

    void count_running(int more);
    void look_again_for_pixels();
    void let_go_of_all();
    std::shared_ptr<WorkRow> row_for(const std::shared_ptr<OpenInput>& input, const Segment& segment);
    int threads_for(OpenInput& input, const Segment& segment) const;
    void close_row(const RowOfInput& ending);
    void close_open_row(int lane);
    std::int64_t new_id();

    // scheduler_decode.cpp: the decoder threads
    void start_decoders();
    void start_decoder(Device& device, const std::string& seat_name, bool helper);
    void start_decoder_for_lanes();
    void decode(Device& device, const std::string& seat_name, bool helper);
    void warm_up(Device& device, DecoderSeat& seat, Reading& reading);
    bool helps(const Device& device) const;
    std::optional<ReadySeat> ready_seat(Device& device);
    void start_thread(std::function<void()> work);
    void process(Device& device, const std::shared_ptr<RunUnit>& unit, DecoderSeat& seat, Reading& reading,
                 const Waiting& waiting);
    RunUnit::Ending blame(Device& device, std::exception_ptr thrown, std::string& error);
    RunUnit::Ending submit_frames(Device& device, const std::shared_ptr<RunUnit>& unit, DecoderSeat& seat,
                                  SegmentReader& reader, const Waiting& waiting, Read& read);
    static void settle_unseen(Frame frame, FrameTicket ticket);
    static void check(const Frame& frame, const RunUnit& unit, const DecoderSeat& seat, const DeviceWorker& worker);
    std::optional<FrameTicket> admit(Device& device, RunUnit& unit, const Frame& frame, const Waiting& waiting);
    DeviceWorker::Keep keep_of(const RunUnit& unit);
    std::unique_ptr<DecoderSeat> seat_on(DeviceWorker& worker, const std::string& name);
    void let_go(DeviceWorker& worker, DecoderSeat& seat);
    void lose(const std::shared_ptr<RunUnit>& unit);
    void device_lost();
    bool begin_again(RunUnit& unit);
    void give_up(RunUnit& unit);

    // scheduler_live.cpp: endless segments
    void start_endless(std::shared_ptr<RunUnit> unit);
    void look_for_newest();
    RunUnit::Ending submit_newest(Device& device, const std::shared_ptr<RunUnit>& unit, DecoderSeat& seat,
                                  SegmentReader& reader, Read& read);

    void consume();
    void take_item(ReorderBuffer<PendingResult>::Item item);
    void take_result(RunUnit& unit, PendingResult pending);
    void take_unit_end(RunUnit& unit);
    void take_input_end(Progress& progress);
    Progress& progress_of(const std::shared_ptr<OpenInput>& input);
    void end_what_was_stopped();
    void begin_stop();
    void join_threads();
    bool settled();
    RunReport report() const;

    RunObserver& observer_;
    const std::atomic<bool>& stop_;
    const bool wants_pixels_, wants_order_;
    const SchedulerOptions options_;
    const std::shared_ptr<InputFeed::Impl> feed_;
    std::deque<Device> devices_;
    Dispatcher dispatcher_;
    ReorderBuffer<PendingResult> output_;
    std::unique_ptr<WorkPool> pool_;
    std::shared_ptr<OrderStep> order_;      // where pixels wait for it; else the consumer sees to it
    std::shared_ptr<Census> living_units_;  // a device's thread may be the last to let go of one

    std::mutex mutex_;
    std::int64_t next_id_ = 0;
    std::map<std::int64_t, std::shared_ptr<RunUnit>> units_;  // begun and not yet taken by the observer
    std::map<std::int64_t, RowOfInput> row_ends_;             // by their place in the output
    std::map<std::int64_t, std::shared_ptr<OpenInput>> input_ends_;
    std::map<int, RowOfInput> open_rows_;  // by lane: parts that may go on
    int running_ = 0;                      // units that a thread reads or that have frames under way
    int decoding_ = 0;                     // threads that have not ended
    std::condition_variable settled_;
    struct Started {
        std::vector<std::thread> thread;  // one
        bool ended = false;               // guarded by the mutex; nothing but its return is left
    };
    std::list<Started> threads_;
    bool decoders_started_ = false;
    std::exception_ptr error_;
    std::string failure_;  // of the last device
    std::int64_t repeated_ = 0;
    std::atomic<bool> stopping_ = false;
    std::counting_semaphore<> warming_{4};  // what the driver does at once; more would only wait, in vain at the end
    std::atomic<std::int64_t> expected_ = 0, read_ = 0;  // frames of the inputs that were opened
    std::atomic<int> rows_ = 0;                          // of work that have not ended
    std::atomic<int> helping_ = 0;                       // threads that read a segment on the CPU for a GPU
    std::atomic<bool> endless_length_ = false;           // of one of them, nobody knows how many

    std::atomic<int> inputs_ = 0;       // that were added
    std::atomic<bool> feeding_ = true;  // and more may be

    // The consumer's own.
    std::map<int, Progress> progress_;  // by input
    std::set<int> cut_lanes_;           // in which nothing more comes out
    int inputs_ended_ = 0;

    StageClock demux_clock_{"demux"}, order_clock_{"in order"}, work_clock_{"draw and encode"}, output_clock_{"output"};
    StageClock latency_clock_{"latency"}, reorder_clock_{"wait for its turn"}, age_clock_{"age of live frames"};
    StageClock packet_clock_{"packet to result"};
    const Clock::time_point start_ = Clock::now();
};

}  // namespace convoy
