// SPDX-License-Identifier: MIT
//
// Random weights whose activations stay spread in any depth. Zero-mean weights of variance 1/Σvar(x) keep the variance
// whatever the correlation of their inputs, and subtracting each channel's expected mean keeps pictures apart. So mean
// and variance of every channel are carried from layer to layer under the assumption of normal pre-activations.
//
// Bits are the same on every machine: only IEEE operations touch the weights, and what goes through the C library's
// exp or log is rounded to 12 bits, far above the last place in which libraries differ.
#include <cmath>
#include <cstdint>

#include <convoy/load.h>
#include "darknet_loader/weights_layout.h"

namespace convoy {
namespace {

class Random {  // splitmix64
public:
    Random(std::uint64_t seed, std::uint64_t stream)
        : state_(seed * 0x9e3779b97f4a7c15u ^ (stream + 1) * 0xd1342543de82ef95u) {}
    /// Uniform in [-1, 1), a multiple of 2^-23.
    float symmetric() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return float((z ^ (z >> 31)) >> 40) * 0x1p-23f - 1.f;
    }
    double between(double low, double high) { return low + (high - low) * (.5 + .5 * symmetric()); }

private:
    std::uint64_t state_;
};

double snapped(double value) {
    int exponent = 0;
    const double fraction = std::frexp(value, &exponent);
    return std::ldexp(std::nearbyint(fraction * 4096), exponent - 12);
}

struct Moment {
    double mean = 0, variance = 1;
};
using Moments = std::vector<Moment>;  // one per channel

double activate(Activation activation, double x) {
    switch (activation) {
        case Activation::linear:
            return x;
        case Activation::leaky:
            return x > 0 ? x : .1 * x;
        case Activation::relu:
            return x > 0 ? x : 0;
        case Activation::logistic:
            return 1 / (1 + std::exp(-x));
        case Activation::mish:
            return x * std::tanh(std::log1p(std::exp(x)));
        case Activation::swish:
            return x / (1 + std::exp(-x));
    }
    return x;
}

/// Moments of activation(x) for normal x.
Moment activated(Activation activation, Moment x) {
    if (activation == Activation::linear) return x;
    constexpr int kPoints = 16;
    constexpr double kReach = 4;  // standard deviations
    const double deviation = std::sqrt(x.variance);
    double total = 0, sum = 0, squares = 0;
    for (int i = -kPoints; i <= kPoints; ++i) {
        const double z = kReach * i / kPoints, weight = std::exp(-z * z / 2);
        const double y = activate(activation, x.mean + deviation * z);
        total += weight;
        sum += weight * y;
        squares += weight * y * y;
    }
    const double mean = sum / total;
    return {snapped(mean), snapped(squares / total - mean * mean)};
}

Moment sum(Moment a, Moment b) { return {a.mean + b.mean, a.variance + b.variance}; }

class Randomizer {
public:
    Randomizer(Network& network, std::uint64_t seed)
        : network_(network), seed_(seed), floats_(std::make_shared<std::vector<float>>(network.weight_count())) {}

    void run() {
        bind_weights(network_, floats_->data());
        for (index_ = 0; index_ < network_.layers.size(); ++index_) {
            in_ = index_ == 0 ? picture() : outputs_[index_ - 1];
            outputs_.push_back(std::visit(*this, network_.layers[index_].kind));
        }
        network_.weights_storage = floats_;
        network_.weights_path.clear();
        network_.seen = 0;
    }

    Moments operator()(const ConvolutionalLayer& conv) {
        const std::size_t channels = in_.size() / std::size_t(conv.groups), area = std::size_t(conv.size) * conv.size;
        const std::size_t per_group = std::size_t(conv.filters / conv.groups);
        double spread = 0;
        for (const Moment& m : in_) spread += m.variance;
        const double reach = std::sqrt(3 / (spread / conv.groups * double(area) + 1e-9));
        Random random(seed_, index_);
        Moments out(std::size_t(conv.filters));
        for (std::size_t f = 0; f < out.size(); ++f) {
            const auto scale = float(snapped(reach * random.between(.6, 1.4)));
            float* weights = writable(conv.weights) + f * channels * area;
            const Moment* x = in_.data() + f / per_group * channels;
            Moment raw{0, 1e-6};
            for (std::size_t c = 0; c < channels; ++c)
                for (std::size_t i = 0; i < area; ++i) {
                    const float w = scale * random.symmetric();
                    weights[c * area + i] = w;
                    raw.mean += w * x[c].mean;
                    raw.variance += double(w) * w * x[c].variance;
                }
            out[f] = activated(conv.activation, finish_filter(conv, f, raw, random));
        }
        return out;
    }

    Moments operator()(const ShortcutLayer& shortcut) const {
        Moments out = in_;
        for (const int from : shortcut.from) {
            const Moments& other = outputs_[std::size_t(from)];
            for (std::size_t c = 0; c < std::min(out.size(), other.size()); ++c) out[c] = sum(out[c], other[c]);
        }
        for (Moment& m : out) m = activated(shortcut.activation, m);
        return out;
    }

    Moments operator()(const RouteLayer& route) const {
        Moments out;
        for (const int from : route.layers) {
            const Moments& other = outputs_[std::size_t(from)];
            const std::size_t slice = other.size() / std::size_t(route.groups);
            const auto first = other.begin() + std::ptrdiff_t(slice * std::size_t(route.group_id));
            out.insert(out.end(), first, first + std::ptrdiff_t(slice));
        }
        return out;
    }

    Moments operator()(const UpsampleLayer& upsample) const {
        Moments out = in_;
        for (Moment& m : out) m = {m.mean * upsample.scale, m.variance * upsample.scale * upsample.scale};
        return out;
    }

    /// Neighbours are alike: a larger window raises the mean slowly and hardly narrows the spread.
    Moments operator()(const MaxpoolLayer& pool) const {
        Moments out = in_;
        const double n = std::log(double(pool.size));
        for (Moment& m : out)
            m = {snapped(m.mean + .7 * std::sqrt(n * m.variance)), snapped(m.variance / (1 + .2 * n))};
        return out;
    }

    Moments operator()(const AvgpoolLayer&) const {
        const Shape& in = network_.layers[index_].in;
        Moments out = in_;
        for (Moment& m : out) m.variance /= std::sqrt(double(in.h) * in.w);
        return out;
    }

    Moments operator()(const DropoutLayer&) const { return in_; }
    Moments operator()(const YoloLayer&) const { return {}; }

private:
    Moments picture() const { return Moments(std::size_t(network_.input.c), Moment{.45, .12}); }

    static float* writable(const WeightView& view) { return const_cast<float*>(view.data); }

    const LayerKind* next_kind(std::size_t after) const {
        for (std::size_t i = after + 1; i < network_.layers.size(); ++i)
            if (!std::holds_alternative<DropoutLayer>(network_.layers[i].kind)) return &network_.layers[i].kind;
        return nullptr;
    }

    /// Mean and variance wanted before the activation.
    Moment target(std::size_t filter, Random& random) const {
        const LayerKind* next = next_kind(index_);
        if (const auto* yolo = next ? std::get_if<YoloLayer>(next) : nullptr) {
            const std::size_t entry = filter % std::size_t(5 + yolo->classes);
            if (entry < 2) return {0, 1};
            if (entry < 4) return {0, .16};
            if (entry == 4) return {-5, 4};
            return {-snapped(std::log(double(yolo->classes))), 2.25};
        }
        // A branch that is added back stays small, so that neither values nor rounding errors grow with depth; a mostly
        // positive mean keeps units out of their kink for the same reason.
        const double deviation = next && std::holds_alternative<ShortcutLayer>(*next) ? .5 : 1;
        const double spread = deviation * random.between(.8, 1.2);
        return {spread * random.between(-.5, 1.5), spread * spread};
    }

    /// Gives filter `f`, whose convolution has the moments `raw`, its target; returns what comes of it.
    Moment finish_filter(const ConvolutionalLayer& conv, std::size_t f, Moment raw, Random& random) {
        const Moment want = target(f, random);
        if (conv.batch_normalize) {
            const auto variance = float(snapped(raw.variance * random.between(.8, 1.25)));
            writable(conv.means)[f] = float(snapped(raw.mean));
            writable(conv.variances)[f] = variance;
            writable(conv.scales)[f] = float(snapped(std::sqrt(want.variance)));
            writable(conv.biases)[f] = float(snapped(want.mean));
            return {want.mean, want.variance * raw.variance / variance};
        }
        const auto gain = float(snapped(std::sqrt(want.variance / raw.variance)));
        const std::size_t row = conv.weights.count / std::size_t(conv.filters);
        for (std::size_t i = 0; i < row; ++i) writable(conv.weights)[f * row + i] *= gain;
        writable(conv.biases)[f] = float(snapped(want.mean - raw.mean * gain));
        return want;
    }

    Network& network_;
    std::uint64_t seed_;
    std::shared_ptr<std::vector<float>> floats_;
    std::vector<Moments> outputs_;
    Moments in_;
    std::size_t index_ = 0;
};

}  // namespace

void randomize_weights(Network& network, std::uint64_t seed) { Randomizer(network, seed).run(); }

}  // namespace convoy
