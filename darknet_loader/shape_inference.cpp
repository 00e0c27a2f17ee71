// SPDX-License-Identifier: MIT
#include "darknet_loader/shape_inference.h"

#include <cstdint>

namespace convoy {
namespace {

constexpr double kMaxElements = 1e9;  // of one picture's activations, or of one layer's weights

std::string text(const Shape& s) { return std::to_string(s.w) + "x" + std::to_string(s.h) + "x" + std::to_string(s.c); }

class Inference {
public:
    explicit Inference(Network& network) : network_(network) {}

    void run() {
        for (index_ = 0; index_ < int(network_.layers.size()); ++index_) {
            Layer& layer = network_.layers[std::size_t(index_)];
            if (const auto* route = std::get_if<RouteLayer>(&layer.kind))
                layer.in = output(route->layers.front());
            else
                layer.in = index_ == 0 ? network_.input : output(index_ - 1);
            in_ = layer.in;
            layer.out = std::visit(*this, layer.kind);
        }
    }

    Shape operator()(const ConvolutionalLayer& conv) const {
        if (in_.c % conv.groups != 0)
            fail("groups=" + std::to_string(conv.groups) + " does not divide its " + std::to_string(in_.c) +
                 " input channels");
        const std::int64_t kernel = std::int64_t(conv.dilation) * (conv.size - 1) + 1;
        if (double(conv.filters) * (in_.c / conv.groups) * conv.size * conv.size > kMaxElements)
            fail("filters=" + std::to_string(conv.filters) + " with size=" + std::to_string(conv.size) + " on " +
                 std::to_string(in_.c) + " channels would need more than 1e9 weights");
        const std::int64_t rows = windows("rows", in_.h, 2 * conv.padding, kernel, conv.stride_y);
        const std::int64_t columns = windows("columns", in_.w, 2 * conv.padding, kernel, conv.stride_x);
        return checked(conv.filters, rows, columns);
    }

    Shape operator()(const MaxpoolLayer& pool) const {
        const std::int64_t rows = windows("rows", in_.h, pool.padding, pool.size, pool.stride_y);
        const std::int64_t columns = windows("columns", in_.w, pool.padding, pool.size, pool.stride_x);
        return checked(in_.c, rows, columns);
    }

    Shape operator()(const ShortcutLayer& shortcut) const {
        for (const int from : shortcut.from)
            if (const Shape& other = output(from); other.h != in_.h || other.w != in_.w)
                fail("from: layer " + std::to_string(from) + " has " + text(other) +
                     " (width x height x channels), but the " + "layer before has " + text(in_) +
                     "; width and height must be equal");
        return in_;
    }

    Shape operator()(const RouteLayer& route) const {
        std::int64_t channels = 0;
        for (const int from : route.layers) {
            const Shape& other = output(from);
            if (other.h != in_.h || other.w != in_.w)
                fail("layers: layer " + std::to_string(from) + " has " + text(other) +
                     " (width x height x channels), but layer " + std::to_string(route.layers.front()) + " has " +
                     text(in_) + "; width and height must be equal");
            if (other.c % route.groups != 0)
                fail("groups=" + std::to_string(route.groups) + " does not divide the " + std::to_string(other.c) +
                     " channels of layer " + std::to_string(from));
            channels += other.c / route.groups;
        }
        return checked(channels, in_.h, in_.w);
    }

    Shape operator()(const UpsampleLayer& upsample) const {
        return checked(in_.c, std::int64_t(in_.h) * upsample.stride, std::int64_t(in_.w) * upsample.stride);
    }

    Shape operator()(const AvgpoolLayer&) const { return {in_.c, 1, 1}; }
    Shape operator()(const DropoutLayer&) const { return in_; }

    Shape operator()(const YoloLayer& yolo) {
        const std::int64_t channels = std::int64_t(yolo.mask.size()) * (5 + std::int64_t(yolo.classes));
        if (channels != in_.c)
            fail("its input has " + std::to_string(in_.c) + " channels, but mask (" + std::to_string(yolo.mask.size()) +
                 " anchors) and classes=" + std::to_string(yolo.classes) + " need " + std::to_string(channels) +
                 "; set filters=" + std::to_string(channels) +
                 " in the [convolutional] before it, or correct mask and classes");
        if (yolo.classes != network_.classes())
            fail("classes=" + std::to_string(yolo.classes) + ", but the first [yolo] has " +
                 std::to_string(network_.classes()) + "; all heads must have the same classes");
        return in_;
    }

private:
    [[noreturn]] void fail(const std::string& what, ErrorKind kind = ErrorKind::model) const {
        const Layer& layer = network_.layers[std::size_t(index_)];
        throw Error(kind, network_.cfg_path + ":" + std::to_string(layer.line) + ": [" + layer.name() + "] (layer " +
                              std::to_string(index_) + ") " + what);
    }

    const Shape& output(int from) const {
        const Layer& layer = network_.layers[std::size_t(from)];
        if (std::holds_alternative<YoloLayer>(layer.kind))
            fail("reads the output of layer " + std::to_string(from) +
                     ", a [yolo] head, which is not implemented; heads end their branch",
                 ErrorKind::unsupported);
        return layer.out;
    }

    /// Positions of a window along one side.
    std::int64_t windows(const char* side, std::int64_t in, std::int64_t padding, std::int64_t size, int stride) const {
        if (in + padding < size)
            fail("size: its window of " + std::to_string(size) + " does not fit into " + std::to_string(in) + " " +
                 side + " with padding " + std::to_string(padding) + " in total; its output would be empty");
        return (in + padding - size) / stride + 1;
    }

    Shape checked(std::int64_t c, std::int64_t h, std::int64_t w) const {
        if (double(c) * double(h) * double(w) > kMaxElements)
            fail("its output of " + std::to_string(w) + "x" + std::to_string(h) + "x" + std::to_string(c) +
                 " (width x height x channels) has more than 1e9 elements");
        return {int(c), int(h), int(w)};
    }

    Network& network_;
    Shape in_;
    int index_ = 0;
};

}  // namespace

void infer_shapes(Network& network) { Inference(network).run(); }

}  // namespace convoy
