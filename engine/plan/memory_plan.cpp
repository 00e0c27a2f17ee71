// SPDX-License-Identifier: MIT
#include "engine/plan/memory_plan.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <map>
#include <numeric>

namespace convoy {
namespace {

constexpr int kInputPitch = 4;  // a pixel of three colours is one vector of 8 or 16 bytes

/// Bytes of an arena: which of them are taken.
class Bytes {
public:
    void add(std::size_t begin, std::size_t end) {
        auto next = parts_.upper_bound(begin);  // parts that touch are one
        if (next != parts_.begin() && std::prev(next)->second >= begin) begin = (--next)->first;
        for (; next != parts_.end() && next->first <= end; next = parts_.erase(next)) end = std::max(end, next->second);
        parts_[begin] = end;
    }
    /// The lowest offset, not below `from`, at which so many are free.
    std::size_t lowest_gap(std::size_t from, std::size_t bytes) const {
        auto part = parts_.upper_bound(from);
        if (part != parts_.begin() && std::prev(part)->second > from) --part;
        for (; part != parts_.end() && part->first < from + bytes; ++part) from = part->second;
        return from;
    }

private:
    std::map<std::size_t, std::size_t> parts_;  // begin to end
};

/// Who takes which bytes when: a segment tree over the times 0 … times - 1. Blocks are packed densely, so the bytes
/// that are taken at a time are few parts, however many blocks there are.
class Occupied {
public:
    explicit Occupied(std::size_t times) : leaves_(std::bit_ceil(times)), always_(2 * leaves_), ever_(2 * leaves_) {}

    void add(int first, int last, std::size_t offset, std::size_t bytes) {
        if (bytes == 0) return;
        visit(
            first, last,
            [&](std::size_t node) {
                always_[node].add(offset, offset + bytes);
                ever_[node].add(offset, offset + bytes);
            },
            [&](std::size_t node) { ever_[node].add(offset, offset + bytes); });
    }

    /// The lowest offset at which so many bytes are free all the time.
    std::size_t lowest_gap(int first, int last, std::size_t bytes) const {
        std::size_t from = 0;
        for (bool moved = true; moved;) {
            moved = false;
            const auto look = [&](const Bytes& taken) {
                const std::size_t gap = taken.lowest_gap(from, bytes);
                moved = moved || gap != from;
                from = gap;
            };
            visit(
                first, last, [&](std::size_t node) { look(ever_[node]); },
                [&](std::size_t node) { look(always_[node]); });
        }
        return from;
    }

private:
    // The nodes that make up the times, and those above them.
    template <typename Within, typename Above>
    void visit(int first, int last, const Within& within, const Above& above) const {
        std::size_t begin = std::size_t(first) + leaves_, end = std::size_t(last) + 1 + leaves_;
        const std::size_t left = begin, right = end - 1;
        for (; begin < end; begin /= 2, end /= 2) {
            if (begin % 2) within(begin++);
            if (end % 2) within(--end);
        }
        for (std::size_t a = left / 2, b = right / 2; a > 0; a /= 2, b /= 2) {
            above(a);
            if (a != b) above(b);
        }
    }

    const std::size_t leaves_;
    std::vector<Bytes> always_, ever_;  // by node: taken at all of its times; at any of them
};

class Planner {
public:
    Planner(const Graph& graph, int channel_alignment) : graph_(graph), occupied_(graph.nodes.size() + 1) {
        plan_.places = graph.places();
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
                plan_.places[node.output].root == node.output)
                plan_.blocks[plan_.block_of[node.output]].last = end;
    }

    void keep_inputs(const std::vector<ConvPairNodes>& pairs) {
        for (const ConvPairNodes& pair : pairs) {
            const TensorId x = graph_.nodes[std::size_t(pair.first)].inputs[0];
            int& last = plan_.blocks[plan_.block_of[plan_.places[x].root]].last;
            last = std::max(last, pair.second);
        }
    }

    void keep_until_end(const std::vector<NodeRange>& branches) {
        const auto keep = [&](TensorId t) {
            plan_.blocks[plan_.block_of[plan_.places[t].root]].last = int(graph_.nodes.size());
        };
        for (const NodeRange& branch : branches)
            for (int i = branch.first; i <= branch.last; ++i) {
                const Node& node = graph_.nodes[std::size_t(i)];
                for (TensorId t : node.inputs) keep(t);
                if (node.output != kNoTensor) keep(node.output);
            }
    }

    // Until here a block's size is its elements for one picture.
    void size_blocks(int arena_batch, int slot_batch, ElementBytes element) {
        for (MemoryPlan::Block& block : plan_.blocks) {
            const bool in_slot = block.home == MemoryPlan::Home::slot;
            const std::size_t bytes = block.bytes * std::size_t(in_slot ? slot_batch : arena_batch) *
                                      (in_slot ? element.slot : element.arena);
            block.bytes = (bytes + MemoryPlan::kAlignment - 1) / MemoryPlan::kAlignment * MemoryPlan::kAlignment;
        }
    }

    void share_residuals(const std::vector<ConvPairNodes>& pairs) {
        for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
            const auto* conv = std::get_if<ConvOp>(&graph_.nodes[i].op);
            if (!conv || !conv->residual) continue;
            if (std::any_of(pairs.begin(), pairs.end(), [&](const auto& p) { return p.second == int(i); })) continue;
            const TensorId residual = graph_.nodes[i].inputs[1], out = graph_.nodes[i].output;
            if (plan_.places[residual].root != residual || plan_.places[out].root != out) continue;
            // The convolution still reads it, or a part of it.
            if (plan_.places[graph_.nodes[i].inputs[0]].root == residual) continue;
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
        for (int b : order) {
            MemoryPlan::Block& block = plan_.blocks[b];
            if (block.home == MemoryPlan::Home::slot) {
                block.offset = plan_.slot_bytes;
                plan_.slot_bytes += block.bytes;
                continue;
            }
            plan_.unshared_bytes += block.bytes;
            // First fit, largest block first: the lowest offset that no block alive at the same time uses.
            block.offset = keep_all ? plan_.arena_bytes : occupied_.lowest_gap(block.first, block.last, block.bytes);
            plan_.arena_bytes = std::max(plan_.arena_bytes, block.offset + block.bytes);
            occupied_.add(block.first, block.last, block.offset, block.bytes);
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
        const TensorId root = plan_.places[t].root;
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

    const Graph& graph_;
    MemoryPlan plan_;
    Occupied occupied_;
};

}  // namespace

MemoryPlan plan_memory(const Graph& graph, int arena_batch, int slot_batch, ElementBytes bytes, int channel_alignment,
                       bool keep_all, const std::vector<ConvPairNodes>& pairs,
                       const std::vector<NodeRange>& side_branches) {
    Planner planner(graph, channel_alignment);
    planner.keep_inputs(pairs);
    planner.keep_until_end(side_branches);
    planner.size_blocks(arena_batch, slot_batch, bytes);
    if (!keep_all) planner.share_residuals(pairs);
    return planner.place(keep_all);
}

}  // namespace convoy
