// SPDX-License-Identifier: MIT
//
// Random weights whose activations stay spread in any depth. Zero-mean weights of variance 1/Σvar(x) keep the variance
// whatever the correlation of their inputs, and subtracting each channel's expected mean keeps pictures apart. So mean
// and variance of every channel are carried from layer to layer under the assumption of normal pre-activations.
//
// Bits are the same on every machine: only IEEE operations touch the weights, and what goes through the C library's
// exp or log is rounded to 12 bits, far above the last place in which libraries differ.
#include <algorithm>
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
        case Activation::relu6:
            return std::min(std::max(x, 0.), 6.);
        case Activation::hard_mish:
            return x > 0 ? x : x > -2 ? x * x / 2 + x : 0;
        case Activation::ramp:
            return std::max(x, 0.) + .1 * x;
        case Activation::relie:
            return x > 0 ? x : .01 * x;
        case Activation::elu:
            return x >= 0 ? x : std::exp(x) - 1;
        case Activation::selu:
            return 1.0507 * (x >= 0 ? x : 1.6732 * (std::exp(x) - 1));
        case Activation::gelu:
            return x / 2 * (1 + std::tanh(.797885 * x + .035677 * x * x * x));
        case Activation::tanh:
            return std::tanh(x);
        case Activation::loggy:
            return 2 / (1 + std::exp(-x)) - 1;
        case Activation::hardtan:
            return std::min(std::max(x, -1.), 1.);
        case Activation::lhtan:
            return x < 0 ? .001 * x : x > 1 ? .001 * (x - 1) + 1 : x;
        case Activation::plse:
            return x < -4 ? .01 * (x + 4) : x > 4 ? .01 * (x - 4) + 1 : x / 8 + .5;
        case Activation::stair:
            return std::floor(x / 2) + (std::fmod(std::floor(x), 2) != 0 ? x - std::floor(x) : 0);
        case Activation::normalize_channels:
        case Activation::normalize_channels_softmax:
        case Activation::normalize_channels_softmax_maxval:
            break;
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

/// Of all channels of a layer.
void activate(Activation activation, Moments& channels) {
    const double n = double(channels.size());
    for (Moment& m : channels) m = is_of_channels(activation) ? Moment{1 / n, .5 / n / n} : activated(activation, m);
}

/// Moments of 1 where x is positive, else -1.
Moment signs(Moment x) {
    const double mean = snapped(std::erf(x.mean / std::sqrt(2 * x.variance)));
    return {mean, std::max(1 - mean * mean, 1e-3)};
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
        Moments out(std::size_t(conv.filters), Moment{0, 1});
        if (conv.xnor)
            for (Moment& m : in_) m = signs(m);
        // One that shares weights has those of its owner, whose input looks about the same.
        if (conv.share < 0) out = fill(conv, conv.filters, conv.groups, std::size_t(conv.size) * conv.size, conv.xnor);
        activate(conv.activation, out);
        if (conv.antialiasing > 0)
            for (Moment& m : out) m.variance *= .7;
        return out;
    }

    Moments operator()(const ConnectedLayer& connected) {
        const Shape& in = network_.layers[index_].in;
        Moments out = fill(connected, connected.outputs, 1, std::size_t(in.h) * in.w, false);
        activate(connected.activation, out);
        return out;
    }

    Moments operator()(const LocalLayer& local) {
        const Shape& out = network_.layers[index_].out;
        const Moments places = fill(local, int(out.elements()), 1, std::size_t(local.size) * local.size, false);
        Moments channels(std::size_t(out.c), Moment{0, 0});
        const double share = 1 / (double(out.h) * out.w);
        for (std::size_t i = 0; i < places.size(); ++i) {
            Moment& m = channels[i % channels.size()];
            m = {m.mean + share * places[i].mean, m.variance + share * places[i].variance};
        }
        activate(local.activation, channels);
        return channels;
    }

    Moments operator()(const BatchnormLayer& norm) {
        Random random(seed_, index_);
        Moments out = in_;
        for (std::size_t c = 0; c < out.size(); ++c) {
            writable(norm.means)[c] = float(snapped(in_[c].mean));
            writable(norm.variances)[c] = float(snapped(std::max(in_[c].variance, 1e-4)));
            writable(norm.scales)[c] = float(snapped(random.between(.6, 1.4)));
            writable(norm.biases)[c] = float(snapped(random.between(-.5, .5)));
            out[c] = {norm.biases[c], double(norm.scales[c]) * norm.scales[c]};
        }
        return out;
    }

    Moments operator()(const ShortcutLayer& shortcut) const {
        Moments out = in_;
        for (const int from : shortcut.from) {
            const Moments& other = outputs_[std::size_t(from)];
            for (std::size_t c = 0; c < std::min(out.size(), other.size()); ++c) out[c] = sum(out[c], other[c]);
        }
        activate(shortcut.activation, out);
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
        if (pool.depth > 0) out.resize(std::size_t(pool.depth));
        const double n = std::log(pool.depth > 0 ? double(in_.size()) / pool.depth : double(pool.size));
        for (Moment& m : out)
            m = {snapped(m.mean + .7 * std::sqrt(n * m.variance)), snapped(m.variance / (1 + .2 * n))};
        return out;
    }

    Moments operator()(const LocalAvgpoolLayer& pool) const {
        Moments out = in_;
        for (Moment& m : out) m.variance = snapped(m.variance / (1 + .2 * std::log(double(pool.size))));
        return out;
    }

    Moments operator()(const ReorgLayer& reorg) const { return dealt_out(reorg.stride); }
    Moments operator()(const Reorg3dLayer& reorg) const { return dealt_out(reorg.stride); }
    Moments operator()(const SamLayer& sam) const { return product(sam.from, sam.activation, false); }
    Moments operator()(const ScaleChannelsLayer& scale) const {
        return product(scale.from, scale.activation, scale.scale_wh);
    }
    Moments operator()(const ActivationLayer& layer) const {
        Moments out = in_;
        activate(layer.activation, out);
        return out;
    }
    Moments operator()(const SoftmaxLayer& softmax) const {
        const double mean = double(softmax.groups) / double(in_.size());
        return Moments(in_.size(), Moment{mean, mean * mean});
    }
    Moments operator()(const CropLayer& crop) const {
        Moments out = in_;
        if (!crop.noadjust)
            for (Moment& m : out) m = {2 * m.mean - 1, 4 * m.variance};
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

    Moments dealt_out(int stride) const {
        Moments out;
        for (int i = 0; i < stride * stride; ++i) out.insert(out.end(), in_.begin(), in_.end());
        return out;
    }

    Moments product(int from, Activation activation, bool one_factor) const {
        Moments out = outputs_[std::size_t(from)];
        for (std::size_t c = 0; c < out.size(); ++c) {
            const Moment a = out[c], b = in_[one_factor ? 0 : c];
            out[c] = {a.mean * b.mean, (a.variance + a.mean * a.mean) * (b.variance + b.mean * b.mean) -
                                           a.mean * a.mean * b.mean * b.mean + 1e-9};
        }
        activate(activation, out);
        return out;
    }

    /// Random weights for `filters` sums over a group's channels and `area` taps each; what the sums are like then.
    template <class WithWeights>
    Moments fill(const WithWeights& layer, int filters, int groups, std::size_t area, bool binary) {
        const std::size_t channels = in_.size() / std::size_t(groups), per_group = std::size_t(filters / groups);
        double spread = 0;
        for (const Moment& m : in_) spread += m.variance;
        const double reach = std::sqrt(3 / (spread / groups * double(area) + 1e-9));
        Random random(seed_, index_);
        Moments out(std::size_t(filters), Moment{});
        for (std::size_t f = 0; f < out.size(); ++f) {
            const auto scale = float(snapped(reach * random.between(.6, 1.4)));
            float* weights = writable(layer.weights) + f * channels * area;
            const Moment* x = in_.data() + f / per_group * channels;
            Moment raw{0, 1e-6};
            for (std::size_t c = 0; c < channels; ++c)
                for (std::size_t i = 0; i < area; ++i) {
                    const float w = scale * random.symmetric();
                    weights[c * area + i] = w;
                    const float used = !binary ? w : w > 0 ? scale / 2 : -scale / 2;
                    raw.mean += used * x[c].mean;
                    raw.variance += double(used) * used * x[c].variance;
                }
            out[f] = finish_filter(layer, f, out.size(), raw, random);
        }
        return out;
    }

    const LayerKind* next_kind(std::size_t after) const {
        for (std::size_t i = after + 1; i < network_.layers.size(); ++i)
            if (!std::holds_alternative<DropoutLayer>(network_.layers[i].kind)) return &network_.layers[i].kind;
        return nullptr;
    }

    /// Mean and variance wanted before the activation.
    Moment target(std::size_t filter, Random& random) const {
        const LayerKind* next = next_kind(index_);
        if (const auto* detection = next ? std::get_if<DetectionLayer>(next) : nullptr) {
            const std::size_t cells = std::size_t(detection->side) * std::size_t(detection->side);
            const std::size_t classes = cells * std::size_t(detection->classes);
            if (filter < classes) return {.2, .09};
            if (filter < classes + cells * std::size_t(detection->boxes())) return {.1, .04};
            return {.5, .04};
        }
        if (const YoloLayer* head = next ? head_of(*next) : nullptr) {
            const std::size_t numbers = std::size_t(numbers_of_box(*next));
            const std::size_t entry = filter % (numbers + std::size_t(head->classes)), spacing = (numbers - 1) / 4;
            if (entry >= numbers) return {-snapped(std::log(double(head->classes))), 2.25};
            if (entry == numbers - 1) return {-5, 4};
            if (entry % spacing != 0) return {-2, 1};  // an uncertainty
            return entry / spacing < 2 ? Moment{0, 1} : Moment{0, .16};
        }
        // A branch that is added back stays small, so that neither values nor rounding errors grow with depth; a mostly
        // positive mean keeps units out of their kink for the same reason.
        const double deviation = next && std::holds_alternative<ShortcutLayer>(*next) ? .5 : 1;
        const double spread = deviation * random.between(.8, 1.2);
        return {spread * random.between(-.5, 1.5), spread * spread};
    }

    template <class WithWeights>
    std::size_t bias_of(const WithWeights&, std::size_t f) const {
        return f;
    }
    /// Its weights stand place by place, its biases filter by filter.
    std::size_t bias_of(const LocalLayer& local, std::size_t f) const {
        const auto filters = std::size_t(local.filters);
        return f % filters * (local.biases.count / filters) + f / filters;
    }

    /// Gives filter `f` of `filters`, whose sums have the moments `raw`, its target; returns what comes of it.
    template <class WithWeights>
    Moment finish_filter(const WithWeights& layer, std::size_t f, std::size_t filters, Moment raw, Random& random) {
        const Moment want = target(f, random);
        if constexpr (requires { layer.batch_normalize; })
            if (layer.batch_normalize) {
                const auto variance = float(snapped(raw.variance * random.between(.8, 1.25)));
                writable(layer.means)[f] = float(snapped(raw.mean));
                writable(layer.variances)[f] = variance;
                writable(layer.scales)[f] = float(snapped(std::sqrt(want.variance)));
                writable(layer.biases)[f] = float(snapped(want.mean));
                return {want.mean, want.variance * raw.variance / variance};
            }
        const auto gain = float(snapped(std::sqrt(want.variance / raw.variance)));
        const std::size_t row = layer.weights.count / filters;
        for (std::size_t i = 0; i < row; ++i) writable(layer.weights)[f * row + i] *= gain;
        writable(layer.biases)[bias_of(layer, f)] = float(snapped(want.mean - raw.mean * gain));
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
