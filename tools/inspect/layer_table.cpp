// SPDX-License-Identifier: MIT
#include "tools/inspect/layer_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>

namespace convoy::inspect {
namespace {

std::string filters_text(const Layer& layer) {
    if (const auto* conv = std::get_if<ConvolutionalLayer>(&layer.kind)) return fmt::format("{}", conv->filters);
    const auto* connected = std::get_if<ConnectedLayer>(&layer.kind);
    return connected ? fmt::format("{}", connected->outputs) : "";
}

std::string strided(const std::string& what, int stride_x, int stride_y) {
    return stride_x == stride_y ? fmt::format("{}/{}", what, stride_x)
                                : fmt::format("{}/{}x{}", what, stride_x, stride_y);
}

struct SizeText {
    std::string operator()(const ConvolutionalLayer& l) const {
        return strided(fmt::format("{0}x{0}", l.size), l.stride_x, l.stride_y);
    }
    std::string operator()(const MaxpoolLayer& l) const {
        return strided(fmt::format("{0}x{0}", l.size), l.stride_x, l.stride_y);
    }
    std::string operator()(const LocalAvgpoolLayer& l) const {
        return strided(fmt::format("{0}x{0}", l.size), l.stride_x, l.stride_y);
    }
    std::string operator()(const LocalLayer& l) const {
        return strided(fmt::format("{0}x{0}", l.size), l.stride, l.stride);
    }
    std::string operator()(const ReorgLayer& l) const { return fmt::format("/{}", l.stride); }
    std::string operator()(const Reorg3dLayer& l) const { return fmt::format("/{}", l.stride); }
    std::string operator()(const UpsampleLayer& l) const { return fmt::format("{}x", l.stride); }
    template <typename Other>
    std::string operator()(const Other&) const {
        return {};
    }
};

struct Details {
    std::string operator()(const ConvolutionalLayer& l) const {
        std::string out = l.batch_normalize ? "batch norm, " : "";
        out += to_string(l.activation);
        if (l.groups > 1) out += fmt::format(", {} groups", l.groups);
        if (l.dilation > 1) out += fmt::format(", dilation {}", l.dilation);
        if (l.padding != l.size / 2) out += fmt::format(", padding {}", l.padding);
        if (l.xnor) out += ", xnor";
        if (l.antialiasing) out += ", blurred";
        if (l.share >= 0) out += fmt::format(", weights of {}", l.share);
        return out;
    }
    std::string operator()(const ShortcutLayer& l) const {
        const std::string out = fmt::format("adds {}", fmt::join(l.from, ", "));
        return l.activation == Activation::linear ? out : out + ", " + to_string(l.activation);
    }
    std::string operator()(const RouteLayer& l) const {
        const std::string out = fmt::format("{}{}", l.layers.size() > 1 ? "joins " : "", fmt::join(l.layers, ", "));
        return l.groups > 1 ? fmt::format("{}, part {} of {}", out, l.group_id + 1, l.groups) : out;
    }
    std::string operator()(const UpsampleLayer& l) const {
        return l.scale == 1.f ? "" : fmt::format("times {}", l.scale);
    }
    std::string operator()(const MaxpoolLayer& l) const {
        if (l.depth > 0) return "over channels";
        return fmt::format("padding {}{}", l.padding, l.antialiasing ? ", blurred" : "");
    }
    std::string operator()(const LocalAvgpoolLayer& l) const { return fmt::format("padding {}", l.padding); }
    std::string operator()(const SamLayer& l) const { return product(l.from, l.activation); }
    std::string operator()(const ScaleChannelsLayer& l) const { return product(l.from, l.activation); }
    std::string operator()(const ActivationLayer& l) const { return to_string(l.activation); }
    std::string operator()(const ConnectedLayer& l) const {
        return (l.batch_normalize ? "batch norm, " : "") + std::string(to_string(l.activation));
    }
    std::string operator()(const DropoutLayer&) const { return "nothing at inference"; }
    std::string operator()(const RegionLayer& l) const {
        return (*this)(static_cast<const YoloLayer&>(l)) + (l.softmax ? ", softmax" : "");
    }
    std::string operator()(const LocalLayer& l) const { return to_string(l.activation); }
    std::string operator()(const DetectionLayer& l) const {
        return fmt::format("{} classes, {} boxes in each of {}x{} cells", l.classes, l.boxes(), l.side, l.side);
    }
    std::string operator()(const GaussianYoloLayer& l) const { return (*this)(static_cast<const YoloLayer&>(l)); }
    std::string operator()(const YoloLayer& l) const {
        std::string out = fmt::format("{} classes, anchors", l.classes);
        for (const int m : l.mask) out += fmt::format(" {}x{}", l.anchors[m].w, l.anchors[m].h);
        return out;
    }
    template <typename Other>
    std::string operator()(const Other&) const {
        return {};
    }

private:
    static std::string product(int from, Activation activation) {
        const std::string out = fmt::format("times {}", from);
        return activation == Activation::linear ? out : out + ", " + to_string(activation);
    }
};

nlohmann::ordered_json shape_json(const Shape& s) { return {s.c, s.h, s.w}; }

}  // namespace

LayerCost cost(const Layer& layer) {
    if (const auto* connected = std::get_if<ConnectedLayer>(&layer.kind)) {
        const std::size_t per_output = layer.in.elements() + (connected->batch_normalize ? 4 : 1);
        return {std::size_t(connected->outputs) * per_output,
                2. * double(layer.in.elements()) * double(layer.out.elements())};
    }
    if (const auto* local = std::get_if<LocalLayer>(&layer.kind)) {
        const std::size_t taps = std::size_t(layer.in.c) * std::size_t(local->size) * std::size_t(local->size);
        return {layer.out.elements() * (taps + 1), 2. * double(taps) * double(layer.out.elements())};
    }
    if (std::holds_alternative<BatchnormLayer>(layer.kind)) return {std::size_t(layer.in.c) * 4, 0};
    const auto* conv = std::get_if<ConvolutionalLayer>(&layer.kind);
    if (!conv) return {};
    const std::size_t taps = std::size_t(layer.in.c / conv->groups) * std::size_t(conv->size) * std::size_t(conv->size);
    const std::size_t per_filter = taps + (conv->batch_normalize ? 4 : 1);
    return {conv->share >= 0 ? 0 : std::size_t(conv->filters) * per_filter,
            2. * double(taps) * double(layer.out.elements())};
}

LayerCost total_cost(const Network& network) {
    LayerCost total;
    for (const Layer& layer : network.layers) {
        const LayerCost c = cost(layer);
        total.parameters += c.parameters;
        total.flops += c.flops;
    }
    return total;
}

std::vector<int> inputs_of(const Network& network, int index) {
    const LayerKind& kind = network.layers[std::size_t(index)].kind;
    if (const auto* route = std::get_if<RouteLayer>(&kind)) return route->layers;
    std::vector<int> out = {index - 1};
    if (const auto* shortcut = std::get_if<ShortcutLayer>(&kind))
        out.insert(out.end(), shortcut->from.begin(), shortcut->from.end());
    if (const auto* sam = std::get_if<SamLayer>(&kind)) out.push_back(sam->from);
    if (const auto* scale = std::get_if<ScaleChannelsLayer>(&kind)) out.push_back(scale->from);
    return out;
}

std::string details(const Layer& layer) { return std::visit(Details{}, layer.kind); }

std::string shape_text(const Shape& s) { return fmt::format("{} x {} x {}", s.w, s.h, s.c); }

std::string layer_table(const Network& network) {
    std::string out = fmt::format("{:>5}  {:<13} {:>7}  {:<8} {:<18}    {:<18} {:>11} {:>8}  {}\n", "layer", "type",
                                  "filters", "size", "input w x h x c", "output", "parameters", "BFLOPs", "details");
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
        const Layer& l = network.layers[i];
        const LayerCost c = cost(l);
        std::string line = fmt::format("{:>5}  {:<13} {:>7}  {:<8} {:<18} -> {:<18} {:>11} {:>8}  {}", i, l.name(),
                                       filters_text(l), std::visit(SizeText{}, l.kind), shape_text(l.in),
                                       shape_text(l.out), c.parameters ? fmt::format("{}", c.parameters) : "",
                                       c.flops > 0 ? fmt::format("{:.3f}", c.flops / 1e9) : "", details(l));
        line.erase(line.find_last_not_of(' ') + 1);
        out += line + '\n';
    }
    const LayerCost total = total_cost(network);
    return out + fmt::format("{} layers, {} parameters, {:.3f} BFLOPs a picture of {} x {}\n", network.layers.size(),
                             total.parameters, total.flops / 1e9, network.input.w, network.input.h);
}

nlohmann::ordered_json layers_json(const Network& network) {
    nlohmann::ordered_json layers = nlohmann::ordered_json::array();
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
        const Layer& l = network.layers[i];
        const LayerCost c = cost(l);
        layers.push_back({{"index", i},
                          {"type", l.name()},
                          {"line", l.line},
                          {"size", std::visit(SizeText{}, l.kind)},
                          {"details", details(l)},
                          {"inputs", inputs_of(network, int(i))},
                          {"input", shape_json(l.in)},
                          {"output", shape_json(l.out)},
                          {"parameters", c.parameters},
                          {"bflops", c.flops / 1e9}});
    }
    const LayerCost total = total_cost(network);
    return {{"cfg", network.cfg_path},      {"weights", network.weights_path}, {"input", shape_json(network.input)},
            {"classes", network.classes()}, {"layers", std::move(layers)},     {"parameters", total.parameters},
            {"bflops", total.flops / 1e9}};
}

std::string network_dot(const Network& network) {
    std::string out = "digraph network {\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n";
    const auto print = [&](const char* format, const auto&... args) {
        fmt::format_to(std::back_inserter(out), fmt::runtime(format), args...);
    };
    print("  input [label=\"picture\\n{}\"];\n", shape_text(network.input));
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
        const Layer& l = network.layers[i];
        const bool head = head_of(l.kind) != nullptr;
        print("  l{} [label=\"{} {} {}\\n{}\\n{}\"{}];\n", i, i, l.name(), std::visit(SizeText{}, l.kind), details(l),
              shape_text(l.out), head ? ", style=filled, fillcolor=\"#cfe8cf\"" : "");
        for (const int from : inputs_of(network, int(i)))
            from < 0 ? print("  input -> l{};\n", i) : print("  l{} -> l{};\n", from, i);
    }
    return out + "}\n";
}

}  // namespace convoy::inspect
