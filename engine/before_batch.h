// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <convoy/engine.h>

namespace convoy {

/// For tests: `call` comes on a device's own thread before each of its batches, with the device's name ("cuda:0") and
/// the number of pictures that it has run. What it throws counts as that device's failure. To be set before frames.
void call_before_batches(Engine& engine,
                         const std::function<void(const std::string& device, std::int64_t pictures)>& call);

}  // namespace convoy
