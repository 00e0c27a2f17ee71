// SPDX-License-Identifier: MIT
//
// The engine's graph of a network, before, between and after its passes.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/plan/compile.h"

namespace convoy::inspect {

struct Stage {
    std::string name;  ///< "lowered", or the pass that has just run
    Graph graph;
};

struct Compiled {
    std::vector<Stage> stages;  ///< "lowered" first
    MemoryPlan memory;
    int max_batch = 1;
};

/// Compiles for the CPU backend and keeps every stage.
Compiled compile_stages(const Network& network, int max_batch);

/// The stage of that name; "final" is the last. Throws Error(usage) that lists the names.
const Stage& find_stage(const Compiled& compiled, const std::string& name);

/// The stage's name, its nodes and how many there are.
std::string stage_text(const Stage& stage);
nlohmann::ordered_json stage_json(const Stage& stage);

/// Weights and activations in bytes, for people.
std::string memory_text(const Compiled& compiled, const Network& network);
nlohmann::ordered_json memory_json(const Compiled& compiled, const Network& network);

}  // namespace convoy::inspect
