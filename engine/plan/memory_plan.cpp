// SPDX-License-Identifier: MIT
#include "engine/plan/memory_plan.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace convoy {
namespace {

constexpr int kInputPitch = 4;  // a pixel of three colours is one vector of 8 or 16 bytes

class Planner {
public:
    Planner(const Graph& graph, int channel_alignment) : graph_(graph) {
        set_pitches(channel_alignment);
        plan_.block_of.assign(graph.tensors.size(), -1);
        for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
            for (TensorId t : graph.nodes[i].inputs) touch(t, int(i));
            if (graph.nodes[i].output != kNoTensor) touch(graph.nodes[i].output, int(i));
        }
        // What no node reads is a result: it stays until the end.
        const int end = int(graph.nodes.size());
        const Uses uses(graph);
        for (const Node& node : graph.nodes)
            if (node.output != kNoTensor && uses.readers[node.output].empty() &&
                graph.place(node.output).root == node.output)
                plan_.blocks[plan_.block_of[node.output]].last = end;
    }

    // Until here a block's size is its elements for one picture.
    void size_blocks(int arena_batch, int slot_batch, std::size_t element_bytes) {
        for (MemoryPlan::Block& block : plan_.blocks) {
            const int batch = block.home == MemoryPlan::Home::slot ? slot_batch : arena_batch;
            const std::size_t bytes = block.bytes * std::size_t(batch) * element_bytes;
            block.bytes = (bytes + MemoryPlan::kAlignment - 1) / MemoryPlan::kAlignment * MemoryPlan::kAlignment;
        }
    }

    void share_residuals() {
        for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
            const auto* conv = std::get_if<ConvOp>(&graph_.nodes[i].op);
            if (!conv || !conv->residual) continue;
            const TensorId residual = graph_.nodes[i].inputs[1], out = graph_.nodes[i].output;
            if (graph_.place(residual).root != residual || graph_.place(out).root != out) continue;
            // The convolution still reads it, or a part of it.
            if (graph_.place(graph_.nodes[i].inputs[0]).root == residual) continue;
            const int from = plan_.block_of[residual], to = plan_.block_of[out];
            if (plan_.blocks[from].last != int(i) || plan_.blocks[from].bytes != plan_.blocks[to].bytes) continue;
            if (plan_.blocks[from].home != plan_.blocks[to].home) continue;
            plan_.blocks[from].last = plan_.blocks[to].last;
            plan_.blocks[to].bytes = 0;
            plan_.block_of[out] = from;
        }
    }

    MemoryPlan place(bool keep_all) {
        std::vector<int> order(plan_.blocks.size());
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(),
                         [&](int a, int b) { return plan_.blocks[a].bytes > plan_.blocks[b].bytes; });
        alive_.resize(2 * (graph_.nodes.size() + 1));
        for (int b : order) {
            MemoryPlan::Block& block = plan_.blocks[b];
            if (block.home == MemoryPlan::Home::slot) {
                block.offset = plan_.slot_bytes;
                plan_.slot_bytes += block.bytes;
                continue;
            }
            plan_.unshared_bytes += block.bytes;
            block.offset = keep_all ? plan_.arena_bytes : lowest_gap(block);
            plan_.arena_bytes = std::max(plan_.arena_bytes, block.offset + block.bytes);
            remember(b);
        }
        return std::move(plan_);
    }

private:
    void set_pitches(int alignment) {
        const auto rounded = [](int c, int to) { return (c + to - 1) / to * to; };
        for (const TensorInfo& t : graph_.tensors) plan_.pitch.push_back(rounded(t.shape.c, alignment));
        for (const Node& node : graph_.nodes)
            if (std::holds_alternative<InputOp>(node.op)) {
                const int c = graph_.tensors[node.output].shape.c;
                if (c <= kInputPitch) plan_.pitch[node.output] = rounded(c, std::min(alignment, kInputPitch));
            }
    }

    void touch(TensorId t, int node) {
        const TensorId root = graph_.place(t).root;
        if (plan_.block_of[root] < 0) {
            plan_.block_of[root] = int(plan_.blocks.size());
            const Shape s = graph_.tensors[root].shape;
            const std::size_t elements = std::size_t(s.h) * std::size_t(s.w) * std::size_t(plan_.pitch[root]);
            plan_.blocks.push_back({MemoryPlan::Home::arena, 0, elements, node, node});
        }
        MemoryPlan::Block& block = plan_.blocks[plan_.block_of[root]];
        block.last = node;
        const Op& op = graph_.nodes[node].op;
        if (std::holds_alternative<InputOp>(op) || std::holds_alternative<YoloOp>(op))
            block.home = MemoryPlan::Home::slot;
    }

    void remember(int b) {
        begun_.emplace(plan_.blocks[b].first, b);
        std::size_t begin = std::size_t(plan_.blocks[b].first) + alive_.size() / 2;
        std::size_t end = std::size_t(plan_.blocks[b].last) + 1 + alive_.size() / 2;
        for (; begin < end; begin /= 2, end /= 2) {
            if (begin % 2) alive_[begin++].push_back(b);
            if (end % 2) alive_[--end].push_back(b);
        }
    }

    // First fit, largest block first: the lowest offset that no block alive at the same time uses.
    std::size_t lowest_gap(const MemoryPlan::Block& block) const {
        std::vector<std::pair<std::size_t, std::size_t>> busy;
        const auto add = [&](int b) {
            busy.emplace_back(plan_.blocks[b].offset, plan_.blocks[b].offset + plan_.blocks[b].bytes);
        };
        for (std::size_t i = std::size_t(block.first) + alive_.size() / 2; i > 0; i /= 2)
            for (int b : alive_[i]) add(b);
        for (auto it = begun_.upper_bound(block.first); it != begun_.end() && it->first <= block.last; ++it)
            add(it->second);
        std::sort(busy.begin(), busy.end());
        std::size_t offset = 0;
        for (const auto& [begin, end] : busy) {
            if (offset + block.bytes <= begin) break;
            offset = std::max(offset, end);
        }
        return offset;
    }

    const Graph& graph_;
    MemoryPlan plan_;
    // Placed blocks: by the node that writes them first, and as a segment tree over the nodes at which they are alive.
    std::multimap<int, int> begun_;
    std::vector<std::vector<int>> alive_;
};

}  // namespace

MemoryPlan plan_memory(const Graph& graph, int arena_batch, int slot_batch, std::size_t element_bytes,
                       int channel_alignment, bool keep_all) {
    Planner planner(graph, channel_alignment);
    planner.size_blocks(arena_batch, slot_batch, element_bytes);
    if (!keep_all) planner.share_residuals();
    return planner.place(keep_all);
}

}  // namespace convoy
