// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <convoy/media/run_inputs.h>

namespace convoy::tools {

/// The inputs of a run that goes on: those that it begins with, and those that come later. From any threads.
class RunningInputs {
public:
    /// `name_outputs` is called before an input comes to those that there are: with the names of all, its own as the
    /// last, "" where it has none. What it throws keeps the input out.
    using NameOutputs = std::function<void(const std::vector<std::string>& names)>;
    /// `newest`: RunInput::newest.
    RunningInputs(const media::RunInputs& inputs, bool newest, NameOutputs name_outputs);
    /// Of which none is there at first.
    RunningInputs() : newest_(false), first_lane_(0) {}

    /// `entered` is called for each path or address: now for those that there are, later before the run can begin or
    /// end the one that comes, by the thread that adds it.
    using Entered = std::function<void(int input, const std::string& name)>;
    void tell_of_each(Entered entered);

    /// One input more, a path or an address, beside the others: its number. Throws Error where it cannot have outputs.
    /// What is wrong with the input itself is told in its turn. -1 when the run is over.
    int add(const std::string& path);
    /// One that is chosen when its turn in the lane has come: `open` gets its number, and calls name(). Without a name
    /// it has neither begin nor end for people. -1 when the run is over.
    using Open = std::function<std::unique_ptr<convoy::Input>(int number, std::stop_token cancel)>;
    int add(Open open, int lane);
    void name(int input, const std::string& path);
    /// One that has no name and no outputs, in a lane of its own.
    int add_unnamed(RunInput input);
    /// It ends behind what was read of it, and its outputs with it.
    void end(int input);
    /// No others will come: the run ends with the last of them.
    void close() { feed_.close(); }

    // For the run.
    InputFeed& feed() { return feed_; }
    std::size_t count() const;           ///< of those with names
    std::size_t place(int input) const;  ///< among these, from 1 on
    /// As people know it.
    std::string name(int input) const;
    /// Of a file, else 1.
    double bytes(int input) const;
    double all_bytes() const;
    /// Since it was opened, or else since the begin.
    double seconds(int input) const;

private:
    using Clock = std::chrono::steady_clock;
    struct Input {
        std::string name;
        double bytes;
        Clock::time_point opened;
    };

    void enter(const std::string& path);
    void opens(std::size_t input);
    const Input& of(int input) const { return inputs_.at(std::size_t(input)); }

    const media::InputOptions options_;
    const bool newest_;
    const int first_lane_;  // that is free for others
    const NameOutputs name_outputs_;
    std::mutex adding_;
    Entered entered_;           // under adding_
    mutable std::mutex mutex_;  // of what follows
    std::deque<Input> inputs_;
    double all_bytes_ = 0;
    std::optional<std::size_t> unnamed_;  // its number
    InputFeed feed_;
};

}  // namespace convoy::tools
