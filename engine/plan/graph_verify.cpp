// SPDX-License-Identifier: MIT
#include <map>
#include <stdexcept>

#include "engine/plan/graph.h"

namespace convoy {
namespace {

class Verifier {
public:
    explicit Verifier(const Graph& graph)
        : graph_(graph),
          slices_(graph.tensors.size()),
          produced_(graph.tensors.size(), false),
          written_(graph.tensors.size(), false),
          filled_(graph.tensors.size(), false),
          claims_(graph.tensors.size()) {}

    void run() {
        check_slices();
        places_ = graph_.places();
        for (const Node& node : graph_.nodes)
            if (exists(node.output)) produced_[node.output] = true;
        for (std::size_t i = 0; i < graph_.nodes.size(); ++i) check_node(i);
        for (TensorId t : graph_.layer_output)
            if (t != kNoTensor && !is_written(t)) fail("layer output " + graph_.tensors[t].name + " is never written");
    }

private:
    struct Claim {
        int count;    // channels
        TensorId by;  // the tensor that they were written as
    };

    [[noreturn]] void fail(const std::string& what) const { throw std::logic_error("graph: " + what); }
    [[noreturn]] void fail(std::size_t node, const std::string& what) const {
        fail("node " + std::to_string(node) + " (" + graph_.nodes[node].name() + " of layer " +
             std::to_string(graph_.nodes[node].layer) + ") " + what);
    }

    bool exists(TensorId t) const { return t >= 0 && t < TensorId(graph_.tensors.size()); }

    // Written by a node of its own, or all over by the writers of its slices: then for good.
    bool is_filled(TensorId t) {
        if (filled_[t]) return true;
        int covered = 0;
        for (TensorId s : slices_[t])
            if (is_filled(s)) covered += graph_.tensors[s].shape.c;
        filled_[t] = covered == graph_.tensors[t].shape.c;
        return filled_[t];
    }

    // Filled, or a read-only view of something that is.
    bool is_written(TensorId t) {
        for (; t != kNoTensor; t = graph_.tensors[t].slice_of) {
            if (is_filled(t)) return true;
            if (produced_[t]) return false;
        }
        return false;
    }

    void check_slices() {
        for (std::size_t i = 0; i < graph_.tensors.size(); ++i) {
            const TensorInfo& t = graph_.tensors[i];
            if (t.slice_of == kNoTensor) continue;
            const Shape whole = graph_.tensors.at(t.slice_of).shape;
            if (t.channel_offset < 0 || t.channel_offset + t.shape.c > whole.c || t.shape.h != whole.h ||
                t.shape.w != whole.w)
                fail("slice " + t.name + " leaves " + graph_.tensors[t.slice_of].name);
            slices_[t.slice_of].push_back(TensorId(i));
        }
    }

    // The channels [begin, begin + count) of the root that a node's output lies in belong to that node from now on.
    void claim(std::size_t node, TensorId root, int begin, int count) {
        std::map<int, Claim>& claims = claims_[root];
        auto at = claims.lower_bound(begin + count);  // the last one that begins before the end is the nearest
        if (at != claims.begin() && (--at)->first + at->second.count > begin)
            fail(node, "writes over " + graph_.tensors[at->second.by].name);
        claims[begin] = {count, graph_.nodes[node].output};
    }

    // No two nodes write the same channels. A concatenation leaves parts alone that were written where they belong.
    void claim_output(std::size_t i) {
        const Node& node = graph_.nodes[i];
        const auto [root, first] = places_[node.output];
        if (!std::holds_alternative<ConcatOp>(node.op)) {
            claim(i, root, first, graph_.tensors[node.output].shape.c);
            return;
        }
        int channel = first;
        for (TensorId part : node.inputs) {
            const Graph::Place place = places_[part];
            const int count = graph_.tensors[part].shape.c;
            if (place.root != root || place.channel_offset != channel) claim(i, root, channel, count);
            channel += count;
        }
    }

    void check_node(std::size_t i) {
        const Node& node = graph_.nodes[i];
        for (TensorId t : node.inputs) {
            if (!exists(t)) fail(i, "reads a tensor that does not exist");
            if (!is_written(t)) fail(i, "reads " + graph_.tensors[t].name + " before it is written");
        }
        if (!std::holds_alternative<InputOp>(node.op) && node.inputs.empty()) fail(i, "has no input");
        check_operands(i);
        if (std::holds_alternative<YoloOp>(node.op)) {
            if (node.output != kNoTensor) fail(i, "has an output");
            return;
        }
        if (!exists(node.output)) fail(i, "has no output");
        if (written_[node.output]) fail(i, "writes " + graph_.tensors[node.output].name + " a second time");
        if (infer_shape(graph_, node) != graph_.tensors[node.output].shape) fail(i, "has an output of another shape");
        claim_output(i);
        written_[node.output] = filled_[node.output] = true;
    }

    void check_operands(std::size_t i) const {
        const Node& node = graph_.nodes[i];
        const auto shape = [&](std::size_t n) { return graph_.tensors[node.inputs[n]].shape; };
        std::size_t arity = 1;
        if (std::holds_alternative<InputOp>(node.op)) arity = 0;
        if (std::holds_alternative<AddOp>(node.op) || std::holds_alternative<MultiplyOp>(node.op)) arity = 2;
        if (std::holds_alternative<ConcatOp>(node.op)) arity = node.inputs.size();
        if (const auto* conv = std::get_if<ConvOp>(&node.op)) {
            arity = conv->residual ? 2 : 1;
            if (conv->residual && node.inputs.size() == 2 && shape(1) != infer_shape(graph_, node))
                fail(i, "adds a residual of another shape");
            if (!conv->bias.empty() && int(conv->bias.size()) != conv->k) fail(i, "has a bias of another length");
            if (!conv->scale.empty() && int(conv->scale.size()) != conv->k) fail(i, "has a scale of another length");
        }
        if (node.inputs.size() != arity) fail(i, "has " + std::to_string(node.inputs.size()) + " inputs");
        if (std::holds_alternative<AddOp>(node.op) && (shape(0).h != shape(1).h || shape(0).w != shape(1).w))
            fail(i, "adds tensors of different height or width");
        if (std::holds_alternative<MultiplyOp>(node.op) && shape(1) != shape(0) &&
            shape(1) != Shape{shape(0).c, 1, 1} && shape(1) != Shape{1, shape(0).h, shape(0).w})
            fail(i, "multiplies tensors of shapes that do not go together");
        if (std::holds_alternative<ConcatOp>(node.op))
            for (std::size_t n = 1; n < node.inputs.size(); ++n)
                if (shape(n).h != shape(0).h || shape(n).w != shape(0).w)
                    fail(i, "joins tensors of different height or width");
        if (const auto* slice = std::get_if<SliceOp>(&node.op))
            if (slice->offset < 0 || slice->offset + graph_.tensors[node.output].shape.c > shape(0).c)
                fail(i, "takes channels that its input does not have");
    }

    const Graph& graph_;
    std::vector<std::vector<TensorId>> slices_;  // by tensor: what lies directly in it
    std::vector<Graph::Place> places_;           // by tensor
    std::vector<bool> produced_;                 // by tensor: a node writes it, sooner or later
    std::vector<bool> written_, filled_;         // by tensor, so far
    std::vector<std::map<int, Claim>> claims_;   // by root and first channel
};

}  // namespace

void verify(const Graph& graph) { Verifier(graph).run(); }

}  // namespace convoy
