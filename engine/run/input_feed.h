// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include <convoy/run.h>

namespace convoy {

class Scheduler;

/// What an InputFeed and its run share.
struct [[gnu::visibility("hidden")]] InputFeed::Impl {
    static std::shared_ptr<Impl> of(InputFeed & feed) { return feed.impl_; }
    /// Of a run that gets no others.
    static std::shared_ptr<Impl> of(std::vector<RunInput> inputs);

    /// The run begins: gets what has been added so far, and is told of the rest. Throws Error(usage) the second time.
    void attach(Scheduler & scheduler);
    /// It is over, if it is this one.
    void detach(const Scheduler& scheduler);

    std::mutex mutex;  // held while the run is told
    Scheduler* run = nullptr;
    std::vector<RunInput> waiting;  // for the run
    std::vector<int> ended;         // of those
    int count = 0;
    bool closed = false, used = false;
};

}  // namespace convoy
