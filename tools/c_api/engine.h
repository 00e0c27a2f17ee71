// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <convoy/engine.h>
#include <convoy/media/run_inputs.h>

namespace convoy::c_api {

/// The inputs of a run that is still to come, and how they were named.
struct ExpectedRun {
    std::vector<std::string> named;
    media::RunInputs inputs;
};

}  // namespace convoy::c_api

struct convoy_engine {
    convoy_engine(const convoy::Network& network, const convoy::EngineOptions& options,
                  const convoy::media::InputOptions& inputs, std::optional<convoy::c_api::ExpectedRun> run)
        : engine(network, options),
          description(engine.description()),
          names(network.names),
          classes(network.classes()),
          width(network.input.w),
          height(network.input.h),
          input_options(inputs),
          expected(std::move(run)) {}

    convoy::Engine engine;
    const std::string description;
    const std::vector<std::string> names;
    const int classes, width, height;
    const convoy::media::InputOptions input_options;
    std::optional<convoy::c_api::ExpectedRun> expected;  ///< until it comes
    std::mutex detecting;                                ///< detect() is for one thread at a time
    std::atomic<bool> running = false, stop = false;
};
