// SPDX-License-Identifier: MIT
//
// A text file of inputs that is looked at while the run lasts: --watch-list.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tools/running_inputs.h"

namespace convoy::tools {

class WatchList {
public:
    using Tell = std::function<void(const std::string& sentence)>;
    /// `warn` is told of a line that names no input, once as long as it stands there; `note` of inputs that come and
    /// go. From whatever thread.
    WatchList(std::string path, Tell warn, Tell note);
    ~WatchList() { stop(); }
    WatchList(const WatchList&) = delete;
    WatchList& operator=(const WatchList&) = delete;

    /// What it names now. Throws Error(input) where it cannot be read.
    std::vector<std::string> read();
    /// From now on what it names comes and goes. The inputs that read() has given have the numbers from `first` on.
    void follow(RunningInputs& running, int first);
    /// Nothing comes or goes any more.
    void stop();

private:
    // What tells that the file is another one.
    struct Look {
        std::uintmax_t file = 0, size = 0, changed_ns = 0;
        bool there = false;
        bool operator==(const Look&) const = default;
    };

    Look look() const;
    void run(std::stop_token stop);
    void apply(RunningInputs& running);

    const std::string path_;
    const Tell warn_, note_;
    Look read_;                        // what was read
    std::map<std::string, int> open_;  // inputs' numbers, by path
    std::vector<std::string> first_;   // what was read first
    std::set<std::string> told_;       // warnings of lines that are still there
    std::set<std::string> refused_;    // paths that were told of
    RunningInputs* running_ = nullptr;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::jthread thread_;
};

}  // namespace convoy::tools
