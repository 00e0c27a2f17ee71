// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include <convoy/engine.h>
#include <convoy/media/input.h>

struct convoy_engine {
    convoy_engine(const convoy::Network& network, const convoy::EngineOptions& options,
                  const convoy::media::InputOptions& inputs)
        : engine(network, options),
          description(engine.description()),
          names(network.names),
          classes(network.classes()),
          width(network.input.w),
          height(network.input.h),
          input_options(inputs) {}

    convoy::Engine engine;
    const std::string description;
    const std::vector<std::string> names;
    const int classes, width, height;
    const convoy::media::InputOptions input_options;
    std::mutex detecting;  ///< detect() is for one thread at a time
    std::atomic<bool> running = false, stop = false;
};
