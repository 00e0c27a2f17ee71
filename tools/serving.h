// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <convoy/engine.h>
#include "tools/metrics.h"
#include "tools/serve/detect_queue.h"
#include "tools/serve/http_server.h"
#include "tools/serve/live_state.h"
#include "tools/serve/site.h"
#include "tools/served_inputs.h"
#include "tools/sinks/drawn_picture.h"

namespace convoy::tools {

/// What --serve and --metrics PORT serve. Their ports are taken when it is made, before the model is loaded; it answers
/// from start() to stop().
class Serving {
public:
    /// Both are [HOST:]PORT, or "". `token` is CONVOY_TOKEN's, or null. Throws Error.
    Serving(const std::string& serve, const std::string& metrics_port, const char* token);

    struct Rules {
        ServeInputs inputs = ServeInputs::none;
        ServedInputs::Tell note = {};  ///< of inputs that come and go
    };
    /// What is named must outlive stop(), or the end.
    void start(const Engine& engine, const EngineOptions& options, const std::vector<std::string>& class_names,
               const DrawOptions& drawing, Metrics& metrics, const Rules& rules);
    void stop();
    /// Where it listens and with which token: a line each, for people.
    std::vector<std::string> addresses() const;
    bool takes_pictures() const { return queue_ != nullptr; }
    /// What gives a run the pictures that are posted.
    RunInput input() { return queue_->input(); }
    /// The observer of a run whose input of that number is input(), beside `others` that it ends with; 0: it goes on
    /// until it is stopped. Tells `told` of the others.
    RunObserver& beside(RunObserver& told, int number, int others);
    /// The inputs of the run that begins: they are shown, and others come and go where that is allowed.
    void begin_run(RunningInputs& running);
    void end_run();
    /// None where no pictures are taken.
    std::optional<DetectQueue::Tally> tally() const { return queue_ ? std::optional(queue_->tally()) : std::nullopt; }

private:
    std::string token_;
    bool token_is_random_ = false;
    std::optional<ListenSocket> socket_, metrics_socket_;
    std::unique_ptr<DetectQueue> queue_;
    std::unique_ptr<LiveState> live_;
    std::unique_ptr<ServedInputs> inputs_;
    std::unique_ptr<RunObserver> observer_;
    std::optional<Site> site_, metrics_site_;
    std::optional<HttpServer> server_, metrics_server_;
};

}  // namespace convoy::tools
