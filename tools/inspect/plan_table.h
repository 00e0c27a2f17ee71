// SPDX-License-Identifier: MIT
//
// A plan bound to a GPU: which kernel computes each layer, and how far it is from what the card can do.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/cuda/gpu.h"

namespace convoy::inspect {

struct BoundPlan {
    std::string device;
    int batch = 1;
    DeviceMemory predicted;          ///< for one slot
    std::size_t measured_bytes = 0;  ///< what binding it took
    PlanTiming timing;
};

/// Compiles for the GPU that `options` names, binds, and times every layer. Random weights where the network has none:
/// speed does not depend on them. Throws Error(unsupported | device).
BoundPlan bind_plan(Network network, const EngineOptions& options);

std::string plan_text(const BoundPlan& plan);
nlohmann::ordered_json plan_json(const BoundPlan& plan);

}  // namespace convoy::inspect
