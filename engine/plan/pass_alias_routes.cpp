// SPDX-License-Identifier: MIT
#include <algorithm>
#include <unordered_map>

#include "engine/plan/passes.h"

namespace convoy {
namespace {

class Aliasing {
public:
    Aliasing(Graph& graph, const BackendTraits& traits)
        : graph_(graph),
          traits_(traits),
          uses_(graph),
          viewed_(graph.tensors.size(), false),
          dead_(graph.nodes.size(), false) {
        for (const TensorInfo& t : graph.tensors)
            if (t.slice_of != kNoTensor) viewed_[t.slice_of] = true;
    }

    // Nodes stay as they are until the end, so that what is known of their inputs and outputs stays true.
    void run() {
        for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
            if (std::holds_alternative<SliceOp>(graph_.nodes[i].op)) alias_slice(i);
        for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
            if (std::holds_alternative<ConcatOp>(graph_.nodes[i].op)) alias_concat(i);
        graph_.remove_nodes(dead_);
    }

private:
    bool takes_pitch(int node) const {
        return traits_.conv_takes_pitch || !std::holds_alternative<ConvOp>(graph_.nodes[node].op);
    }

    bool readers_take_pitch(TensorId t) const {
        const std::vector<int>& readers = uses_.readers[t];
        return std::all_of(readers.begin(), readers.end(), [&](int r) { return takes_pitch(r); });
    }

    void make_slice(TensorId t, TensorId whole, int offset) {
        graph_.tensors[t].slice_of = whole;
        graph_.tensors[t].channel_offset = offset;
        viewed_[whole] = true;
    }

    // A group of a route is read where it lies.
    void alias_slice(std::size_t i) {
        const Node& node = graph_.nodes[i];
        const int offset = std::get<SliceOp>(node.op).offset;
        if (offset % traits_.channel_alignment != 0 || !readers_take_pitch(node.output)) return;
        make_slice(node.output, node.inputs[0], offset);
        dead_[i] = true;
    }

    // Whether `t` may live inside a concatenated tensor.
    bool can_move(TensorId t) const {
        const int producer = uses_.producer[t];
        if (producer < 0 || graph_.tensors[t].slice_of != kNoTensor) return false;
        if (std::holds_alternative<InputOp>(graph_.nodes[producer].op)) return false;  // the slot owns its memory
        if (!takes_pitch(producer) || !readers_take_pitch(t)) return false;
        for (int r : uses_.readers[t])
            if (std::holds_alternative<YoloOp>(graph_.nodes[r].op))
                return false;  // a head's memory belongs to the slot
        return !viewed_[t] || traits_.conv_takes_pitch;
    }

    void alias_concat(std::size_t i) {
        const Node& node = graph_.nodes[i];
        int offset = 0;
        bool all = true;
        std::unordered_map<TensorId, int> times;
        for (TensorId part : node.inputs) ++times[part];
        for (TensorId part : node.inputs) {
            if (times[part] == 1 && offset % traits_.channel_alignment == 0 && can_move(part))
                make_slice(part, node.output, offset);
            else
                all = false;
            offset += graph_.tensors[part].shape.c;
        }
        if (all) dead_[i] = true;
    }

    Graph& graph_;
    const BackendTraits& traits_;
    const Uses uses_;
    std::vector<bool> viewed_;  // by tensor: a slice of it is read or written
    std::vector<bool> dead_;
};

}  // namespace

void alias_routes(Graph& graph, const PassContext& context) { Aliasing(graph, context.traits).run(); }

}  // namespace convoy
