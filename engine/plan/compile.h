// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>

#include "engine/plan/conv_pairs.h"
#include "engine/plan/memory_plan.h"
#include "engine/plan/passes.h"

namespace convoy {

/// Everything that a backend needs to run a network, independent of any device's state. Immutable once compiled.
struct Plan {
    Graph graph;
    MemoryPlan memory;
    std::vector<ConvPairNodes> pairs;      ///< what `memory` lets one kernel compute; none where every tensor is kept
    std::vector<NodeRange> side_branches;  ///< what `memory` lets run beside all that comes behind
    int max_batch = 1;
    Shape input;  ///< what pictures are made into: three channels also where the network takes their grey
    int classes = 0;
    NmsKind nms_kind = NmsKind::iou;  ///< of the last head, as in Darknet
    float beta_nms = .6f;
    BatchNormFormula batch_norm = BatchNormFormula::alexeyab;  ///< for batch norms that no convolution took in
    std::shared_ptr<const void> weights_storage;  ///< keeps the graph's weight views mapped until they are packed
};

struct CompileOptions {
    PassContext passes;
    int max_batch = 1;
    bool keep_all = false;  ///< memory of its own for every tensor (see plan_memory)
    std::function<void(const char* stage, const Graph&)> trace;  ///< sees the graph after every pass
};

/// Lower, rewrite, plan. Throws Error(model) for a network without layers.
Plan compile(const Network& network, const CompileOptions& options);

}  // namespace convoy
