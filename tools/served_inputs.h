// SPDX-License-Identifier: MIT
//
// Inputs that come and go by requests while the run lasts: --serve-inputs.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "tools/running_inputs.h"
#include "tools/serve/http_server.h"
#include "tools/serve/live_state.h"

namespace convoy::tools {

/// What whoever has the token may have opened.
enum class ServeInputs {
    none,
    addresses,  ///< of streams, and http(s)
    all,        ///< files and cameras of this machine, too
};

/// From any threads.
class ServedInputs {
public:
    static constexpr std::size_t kMostOpen = LiveState::kMostInputs;  ///< at once, however they came
    static constexpr std::size_t kLongest = 4096;                     ///< bytes of an input
    /// `note` is told of inputs that come and go, by the thread of the server or of begin().
    using Tell = std::function<void(const std::string& sentence)>;
    ServedInputs(ServeInputs allowed, LiveState& live, Tell note);

    /// Between these there is a run, whose inputs these are: each tells the LiveState that it comes, whoever adds it
    /// (RunningInputs::tell_of_each()). What is posted before begin() is answered there.
    void begin(RunningInputs& running);
    void end();

    /// POST /api/inputs: {"input": "rtsp://…"}
    void add(const HttpRequest& request, HttpAnswer answer);
    /// DELETE /api/inputs/N
    void remove(const HttpRequest& request, HttpAnswer answer);

private:
    struct Waiting {
        std::string input;
        HttpAnswer answer;
    };

    std::string refusal(const std::string& input) const;
    HttpReply added(const std::string& input);

    const ServeInputs allowed_;
    LiveState& live_;
    const Tell note_;
    std::mutex mutex_;
    std::vector<Waiting> early_;  // until begin()
    RunningInputs* running_ = nullptr;
    bool is_over_ = false;
};

}  // namespace convoy::tools
