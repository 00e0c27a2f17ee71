// SPDX-License-Identifier: MIT
#include <cstdarg>
#include <cstdio>

#include "engine/plan/graph.h"

namespace convoy {
namespace {

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
    char text[256];
    va_list args;
    va_start(args, pattern);
    std::vsnprintf(text, sizeof text, pattern, args);
    va_end(args);
    return text;
}

std::string shape_text(const Shape& s) { return format("%d x %d x %d", s.h, s.w, s.c); }

std::string epilogue(const ConvOp& op) {
    std::string out;
    if (!op.scale.empty()) out += " +batchnorm";
    if (!op.bias.empty()) out += " +bias";
    if (op.activation != Activation::linear) out += std::string(" +") + to_string(op.activation);
    if (op.residual) out += " +residual";
    if (op.after_residual != Activation::linear) out += std::string(" +") + to_string(op.after_residual);
    if (op.upsample != 1) out += format(" +upsample %d", op.upsample);
    return out;
}

struct Details {
    std::string operator()(const ConvOp& op) const {
        std::string out = format(" %dx%d/%d", op.size, op.size, op.stride_x);
        if (op.stride_y != op.stride_x) out += format(",%d", op.stride_y);
        if (op.groups > 1) out += format(" groups %d", op.groups);
        if (op.dilation > 1) out += format(" dilation %d", op.dilation);
        return out + epilogue(op);
    }
    std::string operator()(const ActivationOp& op) const { return std::string(" ") + to_string(op.activation); }
    std::string operator()(const AddOp& op) const {
        return op.activation == Activation::linear ? "" : std::string(" +") + to_string(op.activation);
    }
    std::string operator()(const MaxpoolOp& op) const {
        return format(" %dx%d/%d pad %d", op.size, op.size, op.stride_x, op.padding);
    }
    std::string operator()(const LocalAvgpoolOp& op) const {
        return format(" %dx%d/%d pad %d", op.size, op.size, op.stride_x, op.padding);
    }
    std::string operator()(const RearrangeOp& op) const {
        constexpr const char* kNames[] = {" reorg", " reorg3d", " flatten", " detection", " crop"};
        return kNames[int(op.how.kind)];
    }
    std::string operator()(const LocalOp& op) const { return format(" %dx%d/%d", op.size, op.size, op.stride); }
    std::string operator()(const MultiplyOp& op) const {
        return op.activation == Activation::linear ? "" : std::string(" +") + to_string(op.activation);
    }
    std::string operator()(const NormalizeOp& op) const { return std::string(" ") + to_string(op.kind); }
    std::string operator()(const UpsampleOp& op) const { return format(" %dx", op.stride); }
    std::string operator()(const SliceOp& op) const { return format(" from channel %d", op.offset); }
    std::string operator()(const YoloOp& op) const {
        return format(" %zu anchors, %d classes", op.head.mask.size(), op.head.classes);
    }
    template <typename Other>
    std::string operator()(const Other&) const {
        return {};
    }
};

std::string tensor_text(const Graph& graph, TensorId t) {
    const TensorInfo& info = graph.tensors[t];
    std::string out = format("%%%d", t);
    if (info.slice_of != kNoTensor)
        out += format(" = %%%d[%d:%d]", info.slice_of, info.channel_offset, info.channel_offset + info.shape.c);
    return out;
}

}  // namespace

std::string print(const Graph& graph) {
    std::string out;
    for (const Node& node : graph.nodes) {
        std::string line = node.layer < 0 ? "      " : format("%5d ", node.layer);
        line += node.name() + std::visit(Details{}, node.op);
        line.resize(std::max<std::size_t>(line.size() + 1, 58), ' ');
        for (std::size_t i = 0; i < node.inputs.size(); ++i)
            line += (i ? ", " : "") + tensor_text(graph, node.inputs[i]);
        if (node.output != kNoTensor)
            line += " -> " + tensor_text(graph, node.output) + "  " + shape_text(graph.tensors[node.output].shape);
        out += line + '\n';
    }
    return out;
}

std::string print_dot(const Graph& graph) {
    std::string out = "digraph convoy {\n  rankdir=TB; node [shape=box, fontname=\"sans-serif\", fontsize=10];\n";
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node& node = graph.nodes[i];
        const Shape s = infer_shape(graph, node);
        out += format("  n%zu [label=\"%s", i, node.layer < 0 ? "" : format("%d ", node.layer).c_str());
        out += node.name() + std::visit(Details{}, node.op) + "\\n" + shape_text(s) + "\"];\n";
    }
    // A reader of a tensor that is written in slices hangs on the writers of all its slices.
    std::vector<std::vector<std::size_t>> writers(graph.tensors.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
        for (TensorId t = graph.nodes[i].output; t != kNoTensor; t = graph.tensors[t].slice_of) writers[t].push_back(i);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
        for (TensorId t : graph.nodes[i].inputs) {
            TensorId from = t;
            while (writers[from].empty() && graph.tensors[from].slice_of != kNoTensor)
                from = graph.tensors[from].slice_of;
            for (std::size_t w : writers[from])
                if (w < i) out += format("  n%zu -> n%zu;\n", w, i);
        }
    return out + "}\n";
}

}  // namespace convoy
