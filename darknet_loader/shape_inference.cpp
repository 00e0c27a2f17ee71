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
        if (conv.share >= 0) check_shared(conv);
        const bool blurred = conv.antialiasing > 0;
        const std::int64_t rows = windows("rows", in_.h, 2 * conv.padding, kernel, blurred ? 1 : conv.stride_y);
        const std::int64_t columns = windows("columns", in_.w, 2 * conv.padding, kernel, blurred ? 1 : conv.stride_x);
        return blurred ? blur(conv, conv.filters, rows, columns) : checked(conv.filters, rows, columns);
    }

    Shape operator()(const MaxpoolLayer& pool) const {
        if (pool.depth > in_.c)
            fail("out_channels=" + std::to_string(pool.depth) + " is more than its " + std::to_string(in_.c) +
                 " input channels");
        if (pool.depth > 0) return {pool.depth, in_.h, in_.w};
        const bool blurred = pool.antialiasing > 0;
        const std::int64_t rows = windows("rows", in_.h, pool.padding, pool.size, blurred ? 1 : pool.stride_y);
        const std::int64_t columns = windows("columns", in_.w, pool.padding, pool.size, blurred ? 1 : pool.stride_x);
        return blurred ? blur(pool, in_.c, rows, columns) : checked(in_.c, rows, columns);
    }

    Shape operator()(const LocalAvgpoolLayer& pool) const {
        return checked(in_.c, windows("rows", in_.h, pool.padding, pool.size, pool.stride_y),
                       windows("columns", in_.w, pool.padding, pool.size, pool.stride_x));
    }

    Shape operator()(const ReorgLayer& reorg) const {
        if (in_.c % (reorg.stride * reorg.stride) != 0)
            fail("stride=" + std::to_string(reorg.stride) + " needs channels in multiples of " +
                 std::to_string(reorg.stride * reorg.stride) + ", but its input has " + std::to_string(in_.c));
        return squares(reorg.stride);
    }

    Shape operator()(const Reorg3dLayer& reorg) const { return squares(reorg.stride); }

    Shape operator()(const SamLayer& sam) const {
        if (output(sam.from) != in_)
            fail("from: layer " + std::to_string(sam.from) + " has " + text(output(sam.from)) +
                 " (width x height x channels), but the layer before has " + text(in_) + "; they must be equal");
        return in_;
    }

    Shape operator()(const ScaleChannelsLayer& scale) const {
        const Shape& from = output(scale.from);
        const Shape needed = scale.scale_wh ? Shape{1, from.h, from.w} : Shape{from.c, 1, 1};
        if (in_ != needed)
            fail("from: layer " + std::to_string(scale.from) + " has " + text(from) +
                 " (width x height x channels), so the layer before must have " + text(needed) + ", but has " +
                 text(in_));
        return from;
    }

    Shape operator()(const ActivationLayer&) const { return in_; }

    Shape operator()(const SoftmaxLayer& softmax) const {
        if (in_.h != 1 || in_.w != 1)
            fail("its input has " + text(in_) +
                     " (width x height x channels); a softmax of more than one pixel is not "
                     "implemented",
                 ErrorKind::unsupported);
        if (in_.c % softmax.groups != 0)
            fail("groups=" + std::to_string(softmax.groups) + " does not divide its " + std::to_string(in_.c) +
                 " input channels");
        return in_;
    }

    Shape operator()(const BatchnormLayer&) const { return in_; }

    Shape operator()(const ConnectedLayer& connected) const {
        if (double(connected.outputs) * double(in_.elements()) > kMaxElements)
            fail("output=" + std::to_string(connected.outputs) + " of " + text(in_) +
                 " (width x height x channels) would need more than 1e9 weights");
        return {connected.outputs, 1, 1};
    }

    Shape operator()(const LocalLayer& local) const {
        const Shape out = checked(local.filters, windows("rows", in_.h, 2 * local.padding, local.size, local.stride),
                                  windows("columns", in_.w, 2 * local.padding, local.size, local.stride));
        if (double(out.elements()) * in_.c * local.size * local.size > kMaxElements)
            fail("filters=" + std::to_string(local.filters) + " with size=" + std::to_string(local.size) + " on " +
                 text(in_) + " (width x height x channels) would need more than 1e9 weights");
        return out;
    }

    Shape operator()(const CropLayer& crop) const {
        if (crop.height > in_.h || crop.width > in_.w)
            fail("crop_width=" + std::to_string(crop.width) + " and crop_height=" + std::to_string(crop.height) +
                 " are more than its input has: " + text(in_) + " (width x height x channels)");
        return {in_.c, crop.height, crop.width};
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
        const int numbers = numbers_of_box(network_.layers[std::size_t(index_)].kind);
        const std::int64_t channels = std::int64_t(yolo.mask.size()) * (numbers + std::int64_t(yolo.classes));
        if (channels != in_.c)
            fail("its input has " + std::to_string(in_.c) + " channels, but mask (" + std::to_string(yolo.mask.size()) +
                 " anchors) and classes=" + std::to_string(yolo.classes) + " need " + std::to_string(channels) +
                 "; set filters=" + std::to_string(channels) +
                 " in the [convolutional] before it, or correct mask and classes");
        return same_classes(yolo);
    }

    Shape operator()(const DetectionLayer& head) {
        const double cells = double(head.side) * head.side;
        const double numbers = cells * (5. * head.boxes() + head.classes);
        if (numbers != double(in_.elements()))
            fail("its input has " + std::to_string(in_.elements()) + " numbers, but side=" + std::to_string(head.side) +
                 ", num=" + std::to_string(head.boxes()) + " and classes=" + std::to_string(head.classes) + " need " +
                 std::to_string(std::int64_t(numbers)));
        return same_classes(head);
    }

private:
    Shape same_classes(const YoloLayer& yolo) const {
        if (yolo.classes != network_.classes())
            fail("classes=" + std::to_string(yolo.classes) + ", but the first head has " +
                 std::to_string(network_.classes()) + "; all heads must have the same classes");
        return in_;
    }

    [[noreturn]] void fail(const std::string& what, ErrorKind kind = ErrorKind::model) const {
        const Layer& layer = network_.layers[std::size_t(index_)];
        throw Error(kind, network_.cfg_path + ":" + std::to_string(layer.line) + ": [" + layer.name() + "] (layer " +
                              std::to_string(index_) + ") " + what);
    }

    const Shape& output(int from) const {
        const Layer& layer = network_.layers[std::size_t(from)];
        if (head_of(layer.kind))
            fail("reads the output of layer " + std::to_string(from) + ", a [" + layer.name() +
                     "] head, which is not implemented; heads end their branch",
                 ErrorKind::unsupported);
        return layer.out;
    }

    /// What comes of the h × w pixels before the blur of antialiasing.
    template <class Blurred>
    Shape blur(const Blurred& layer, int c, std::int64_t h, std::int64_t w) const {
        checked(c, h, w);
        const int size = layer.antialiasing == 2 ? 2 : 3, padding = layer.antialiasing == 2 ? 0 : 2;
        return checked(c, windows("rows", h, padding, size, layer.stride_y),
                       windows("columns", w, padding, size, layer.stride_x));
    }

    Shape squares(int stride) const {
        if (in_.h % stride != 0 || in_.w % stride != 0)
            fail("stride=" + std::to_string(stride) + " does not divide width and height of its input, " + text(in_) +
                 " (width x height x channels)");
        return checked(std::int64_t(in_.c) * stride * stride, in_.h / stride, in_.w / stride);
    }

    void check_shared(const ConvolutionalLayer& conv) const {
        const Layer& layer = network_.layers[std::size_t(conv.share)];
        const auto& owner = std::get<ConvolutionalLayer>(layer.kind);
        if (owner.filters != conv.filters || owner.size != conv.size || owner.groups != conv.groups ||
            layer.in.c != in_.c)
            fail("share_index: layer " + std::to_string(conv.share) +
                 " has weights of another shape; filters, size, groups and input channels must be equal");
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
