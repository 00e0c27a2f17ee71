// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include <convoy/run.h>
#include "tools/serve/detect_queue.h"
#include "tools/serve/live_state.h"

namespace convoy::tools {

/// A run beside which pictures are answered: what comes of them reaches the queue, all else the page and whoever is
/// told of the run.
class ServedRun : public RunObserver {
public:
    /// The queue's input has the number `own`, and is closed when so many others have ended; 0: it goes on until it is
    /// stopped. What is named must outlive it.
    ServedRun(RunObserver& told, int own, int others, DetectQueue& queue, LiveState& live)
        : told_(told), queue_(queue), live_(live), own_(own), others_(others) {}

    std::unique_ptr<SegmentWork> work(int input, const InputInfo& info, int threads) override;
    bool wants_pixels() const override { return told_.wants_pixels(); }
    bool wants_order() const override { return told_.wants_order(); }
    void in_order(int input, const InputInfo& info, Result& result) override;
    bool wants_picture(int input) override { return input != own_ && live_.wants_picture(input); }
    void begin_input(int input, const InputInfo& info) override;
    void result(int input, Result& result) override;
    void work_done(int input, SegmentWork& work) override { told_.work_done(input, work); }
    void end_input(int input, const InputEnd& end) override;

private:
    RunObserver& told_;
    DetectQueue& queue_;
    LiveState& live_;
    const int own_, others_;
    int ended_ = 0;
};

}  // namespace convoy::tools
