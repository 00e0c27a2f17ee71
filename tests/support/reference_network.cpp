// SPDX-License-Identifier: MIT
#include "tests/support/reference_network.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "kernels/conv.h"
#include "tests/support/activation.h"

namespace convoy::test {
namespace {

double deviation(double variance, BatchNormFormula formula) {
    if (formula == BatchNormFormula::pjreddie) return std::sqrt(variance) + 1e-6;
    return std::sqrt(variance + (formula == BatchNormFormula::opencv ? 1e-6 : 1e-5));
}

struct Runner {
    const Network& network;
    const OwnedTensor& input;
    BatchNormFormula formula;
    std::vector<OwnedTensor> outputs{};

    OwnedTensor make(const Shape& s) const { return OwnedTensor(1, s.h, s.w, s.c); }
    const OwnedTensor& before(std::size_t i) const { return i == 0 ? input : outputs[i - 1]; }

    OwnedTensor run(const ConvolutionalLayer& l, const Layer& layer, std::size_t i) const {
        kernels::ConvProblem p;
        p.h = layer.in.h, p.w = layer.in.w, p.c = layer.in.c, p.k = l.filters, p.r = p.s = l.size;
        p.stride_h = l.antialiasing ? 1 : l.stride_y, p.stride_w = l.antialiasing ? 1 : l.stride_x;
        p.pad_h = p.pad_w = l.padding;
        p.dilation = l.dilation, p.groups = l.groups;
        OwnedTensor x = before(i), y = make({l.filters, p.p(), p.q()});
        std::vector<float> weights(l.weights.begin(), l.weights.end());
        if (l.xnor) {
            const kernels::Tensor in = x.view();
            for (std::size_t k = 0; k < in.pixels() * std::size_t(in.c); ++k)
                in.pixel(k / in.c)[k % in.c] = in.pixel(k / in.c)[k % in.c] > 0 ? 1.f : -1.f;
            const std::size_t row = weights.size() / std::size_t(l.filters);
            for (std::size_t f = 0; f < weights.size(); f += row) {
                double sum = 0;
                for (std::size_t k = f; k < f + row; ++k) sum += std::fabs(weights[k]);
                for (std::size_t k = f; k < f + row; ++k) weights[k] = float(weights[k] > 0 ? sum / row : -sum / row);
            }
        }
        const std::vector<float> zero(l.filters, 0.f);
        kernels::cpu::conv_reference(p, x.view(), weights.data(), zero.data(), y.view());
        normalize(y, l);
        activate(y, l.activation);
        return l.antialiasing ? blurred(y, l.antialiasing, l.stride_x, l.stride_y, layer.out) : y;
    }

    template <typename WithBatchNorm>
    void normalize(OwnedTensor& y, const WithBatchNorm& l) const {
        const kernels::Tensor v = y.view();
        bool normalized = true;
        if constexpr (!std::is_same_v<WithBatchNorm, BatchnormLayer>) normalized = l.batch_normalize;
        for (std::size_t pixel = 0; pixel < v.pixels(); ++pixel)
            for (int k = 0; k < v.c; ++k) {
                double x = v.pixel(pixel)[k];
                if (normalized) x = (x - l.means[k]) / deviation(l.variances[k], formula) * l.scales[k];
                v.pixel(pixel)[k] = float(x + l.biases[k]);
            }
    }

    // activations.c, of one value and of all channels.
    static void activate(OwnedTensor& y, Activation a) {
        const kernels::Tensor v = y.view();
        for (std::size_t pixel = 0; pixel < v.pixels(); ++pixel) {
            float* x = v.pixel(pixel);
            if (!is_of_channels(a)) {
                for (int c = 0; c < v.c; ++c) x[c] = float(activation_by_definition(a, double(x[c])));
                continue;
            }
            const double largest =
                a == Activation::normalize_channels_softmax_maxval ? *std::max_element(x, x + v.c) : 0;
            const auto term = [&](float t) {
                return a == Activation::normalize_channels ? std::max(double(t), 0.) : std::exp(t - largest);
            };
            double sum = 1e-4;
            for (int c = 0; c < v.c; ++c) sum += term(x[c]);
            for (int c = 0; c < v.c; ++c) x[c] = float(term(x[c]) / sum);
        }
    }

    // The convolution of each channel with 1 2 1 or 1 1 (make_convolutional_layer, antialiasing).
    OwnedTensor blurred(const OwnedTensor& x, int kind, int stride_x, int stride_y, const Shape& out) const {
        OwnedTensor y = make(out);
        const kernels::Tensor v = y.view();
        const kernels::ConstTensor in = x.view();
        const int size = kind == 2 ? 2 : 3, padding = kind == 2 ? 0 : 1;
        for (int row = 0; row < v.h; ++row)
            for (int column = 0; column < v.w; ++column)
                for (int c = 0; c < v.c; ++c) {
                    double sum = 0;
                    for (int r = 0; r < size; ++r)
                        for (int s = 0; s < size; ++s) {
                            const int iy = row * stride_y - padding + r, ix = column * stride_x - padding + s;
                            if (iy < 0 || iy >= in.h || ix < 0 || ix >= in.w) continue;
                            sum += in.at(0, iy, ix)[c] * (kind == 2 ? .25 : (r == 1 ? 2 : 1) * (s == 1 ? 2 : 1) / 16.);
                        }
                    v.at(0, row, column)[c] = float(sum);
                }
        return y;
    }

    // A picture as Darknet has it: channel by channel.
    static std::vector<float> planar(const OwnedTensor& x) {
        const kernels::ConstTensor v = x.view();
        std::vector<float> out;
        for (int c = 0; c < v.c; ++c)
            for (std::size_t pixel = 0; pixel < v.pixels(); ++pixel) out.push_back(v.pixel(pixel)[c]);
        return out;
    }
    OwnedTensor from_planar(const std::vector<float>& x, const Shape& shape) const {
        OwnedTensor y = make(shape);
        const kernels::Tensor v = y.view();
        for (int c = 0; c < v.c; ++c)
            for (std::size_t pixel = 0; pixel < v.pixels(); ++pixel)
                v.pixel(pixel)[c] = x[std::size_t(c) * v.pixels() + pixel];
        return y;
    }

    // blas.c, reorg_cpu, not forward: `w`, `h` and `c` are what it calls out_w, out_h and out_c.
    OwnedTensor reorg(const OwnedTensor& from, int w, int h, int c, int stride, const Shape& out) const {
        const std::vector<float> x = planar(from);
        std::vector<float> y(x.size());
        const int in_c = c / (stride * stride);
        for (int k = 0; k < c; ++k)
            for (int j = 0; j < h; ++j)
                for (int i = 0; i < w; ++i) {
                    const int c2 = k % in_c, offset = k / in_c;
                    const int w2 = i * stride + offset % stride, h2 = j * stride + offset / stride;
                    y[std::size_t(i + w * (j + h * k))] = x[std::size_t(w2 + w * stride * (h2 + h * stride * c2))];
                }
        return from_planar(y, out);
    }
    OwnedTensor run(const ReorgLayer& l, const Layer& layer, std::size_t i) const {
        return reorg(before(i), layer.in.w, layer.in.h, layer.in.c, l.stride, layer.out);
    }
    OwnedTensor run(const Reorg3dLayer& l, const Layer& layer, std::size_t i) const {
        return reorg(before(i), layer.out.w, layer.out.h, layer.out.c, l.stride, layer.out);
    }
    OwnedTensor run(const CropLayer& l, const Layer& layer, std::size_t i) const {
        OwnedTensor y = make(layer.out);
        const kernels::Tensor v = y.view();
        const kernels::ConstTensor x = before(i).view();
        for (int row = 0; row < v.h; ++row)
            for (int column = 0; column < v.w; ++column)
                for (int c = 0; c < v.c; ++c) {
                    const float value = x.at(0, row + (x.h - v.h) / 2, column + (x.w - v.w) / 2)[c];
                    v.at(0, row, column)[c] = l.noadjust ? value : value * 2 - 1;
                }
        return y;
    }
    // sam_layer.c, scale_channels_layer.c.
    OwnedTensor product(int from, std::size_t i, Activation activation) const {
        OwnedTensor y = outputs[from];
        const kernels::Tensor v = y.view();
        const kernels::ConstTensor b = before(i).view();
        for (std::size_t pixel = 0; pixel < v.pixels(); ++pixel)
            for (int c = 0; c < v.c; ++c) v.pixel(pixel)[c] *= b.pixel(b.pixels() == 1 ? 0 : pixel)[b.c == 1 ? 0 : c];
        activate(y, activation);
        return y;
    }
    OwnedTensor run(const SamLayer& l, const Layer&, std::size_t i) const { return product(l.from, i, l.activation); }
    OwnedTensor run(const ScaleChannelsLayer& l, const Layer&, std::size_t i) const {
        return product(l.from, i, l.activation);
    }
    OwnedTensor run(const ActivationLayer& l, const Layer&, std::size_t i) const {
        OwnedTensor y = before(i);
        activate(y, l.activation);
        return y;
    }
    OwnedTensor run(const SoftmaxLayer& l, const Layer&, std::size_t i) const {
        OwnedTensor y = before(i);
        float* x = y.view().data;
        const int count = y.view().c / l.groups;
        for (int g = 0; g < l.groups; ++g) {
            double sum = 0;
            for (int c = g * count; c < (g + 1) * count; ++c) sum += std::exp(double(x[c]) / l.temperature);
            for (int c = g * count; c < (g + 1) * count; ++c)
                x[c] = float(std::exp(double(x[c]) / l.temperature) / sum);
        }
        return y;
    }
    OwnedTensor run(const BatchnormLayer& l, const Layer&, std::size_t i) const {
        OwnedTensor y = before(i);
        normalize(y, l);
        return y;
    }
    OwnedTensor run(const ConnectedLayer& l, const Layer& layer, std::size_t i) const {
        OwnedTensor y = make(layer.out);
        const std::vector<float> x = planar(before(i));
        for (int k = 0; k < l.outputs; ++k) {
            double sum = 0;
            for (std::size_t n = 0; n < x.size(); ++n) sum += double(x[n]) * l.weights[std::size_t(k) * x.size() + n];
            y.view().data[k] = float(sum);
        }
        normalize(y, l);
        activate(y, l.activation);
        return y;
    }
    OwnedTensor run(const LocalLayer& l, const Layer& layer, std::size_t i) const {
        OwnedTensor y = make(layer.out);
        const kernels::Tensor v = y.view();
        const kernels::ConstTensor x = before(i).view();
        for (int row = 0; row < v.h; ++row)
            for (int column = 0; column < v.w; ++column)
                for (int k = 0; k < v.c; ++k) {
                    double sum = l.biases[std::size_t((k * v.h + row) * v.w + column)];
                    for (int c = 0; c < x.c; ++c)
                        for (int r = 0; r < l.size; ++r)
                            for (int s = 0; s < l.size; ++s) {
                                const int iy = row * l.stride - l.padding + r, ix = column * l.stride - l.padding + s;
                                if (iy < 0 || iy >= x.h || ix < 0 || ix >= x.w) continue;
                                const std::size_t place = std::size_t(row * v.w + column);
                                sum += double(x.at(0, iy, ix)[c]) *
                                       l.weights[(((place * v.c + k) * x.c + c) * l.size + r) * l.size + s];
                            }
                    v.at(0, row, column)[k] = float(sum);
                }
        activate(y, l.activation);
        return y;
    }
    OwnedTensor run(const DetectionLayer& l, const Layer&, std::size_t i) const {
        const std::vector<float> x = planar(before(i));
        OwnedTensor y = make({l.boxes() * (5 + l.classes), l.side, l.side});
        const int cells = l.side * l.side;
        for (int cell = 0; cell < cells; ++cell)
            for (int n = 0; n < l.boxes(); ++n) {
                float* out = y.view().pixel(std::size_t(cell)) + n * (5 + l.classes);
                for (int k = 0; k < 4; ++k)
                    out[k] = x[std::size_t(cells * (l.classes + l.boxes()) + (cell * l.boxes() + n) * 4 + k)];
                out[4] = x[std::size_t(cells * l.classes + cell * l.boxes() + n)];
                for (int k = 0; k < l.classes; ++k) out[5 + k] = x[std::size_t(cell * l.classes + k)];
            }
        return y;
    }
    OwnedTensor run(const LocalAvgpoolLayer& l, const Layer& layer, std::size_t i) const {
        OwnedTensor y = make(layer.out);
        const kernels::Tensor v = y.view();
        const kernels::ConstTensor x = before(i).view();
        for (int row = 0; row < v.h; ++row)
            for (int column = 0; column < v.w; ++column)
                for (int c = 0; c < v.c; ++c) {
                    double sum = 0;
                    int count = 0;
                    for (int r = 0; r < l.size; ++r)
                        for (int s = 0; s < l.size; ++s) {
                            const int iy = row * l.stride_y - l.padding / 2 + r;
                            const int ix = column * l.stride_x - l.padding / 2 + s;
                            if (iy < 0 || iy >= x.h || ix < 0 || ix >= x.w) continue;
                            sum += x.at(0, iy, ix)[c];
                            ++count;
                        }
                    v.at(0, row, column)[c] = float(sum / count);
                }
        return y;
    }
    OwnedTensor run(const ShortcutLayer& l, const Layer&, std::size_t i) const {
        OwnedTensor y = before(i);
        const kernels::Tensor v = y.view();
        for (int from : l.from) {
            const kernels::ConstTensor b = outputs[from].view();
            for (std::size_t pixel = 0; pixel < v.pixels(); ++pixel)
                for (int c = 0; c < std::min(v.c, b.c); ++c) v.pixel(pixel)[c] += b.pixel(pixel)[c];
        }
        activate(y, l.activation);
        return y;
    }
    OwnedTensor run(const RouteLayer& l, const Layer& layer, std::size_t) const {
        OwnedTensor y = make(layer.out);
        const kernels::Tensor v = y.view();
        int at = 0;
        for (int from : l.layers) {
            const kernels::ConstTensor x = outputs[from].view();
            const int count = x.c / l.groups;
            for (std::size_t pixel = 0; pixel < v.pixels(); ++pixel)
                std::memcpy(v.pixel(pixel) + at, x.pixel(pixel) + count * l.group_id, sizeof(float) * count);
            at += count;
        }
        return y;
    }
    OwnedTensor run(const UpsampleLayer& l, const Layer& layer, std::size_t i) const {
        OwnedTensor y = make(layer.out);
        const kernels::Tensor v = y.view();
        for (int row = 0; row < v.h; ++row)
            for (int column = 0; column < v.w; ++column)
                for (int c = 0; c < v.c; ++c)
                    v.at(0, row, column)[c] = l.scale * before(i).view().at(0, row / l.stride, column / l.stride)[c];
        return y;
    }
    OwnedTensor run(const MaxpoolLayer& l, const Layer& layer, std::size_t i) const {
        const kernels::ConstTensor x = before(i).view();
        if (l.depth > 0) {
            OwnedTensor y = make(layer.out);
            for (std::size_t pixel = 0; pixel < x.pixels(); ++pixel)
                for (int g = 0; g < l.depth; ++g) {
                    float best = -INFINITY;
                    for (int k = g; k < x.c; k += l.depth) best = std::max(best, x.pixel(pixel)[k]);
                    y.view().pixel(pixel)[g] = best;
                }
            return y;
        }
        const int stride_x = l.antialiasing ? 1 : l.stride_x, stride_y = l.antialiasing ? 1 : l.stride_y;
        OwnedTensor y =
            make({x.c, (x.h + l.padding - l.size) / stride_y + 1, (x.w + l.padding - l.size) / stride_x + 1});
        const kernels::Tensor v = y.view();
        for (int row = 0; row < v.h; ++row)
            for (int column = 0; column < v.w; ++column)
                for (int c = 0; c < v.c; ++c) {
                    float best = -INFINITY;
                    for (int r = 0; r < l.size; ++r)
                        for (int s = 0; s < l.size; ++s) {
                            const int iy = row * stride_y - l.padding / 2 + r;
                            const int ix = column * stride_x - l.padding / 2 + s;
                            if (iy >= 0 && iy < x.h && ix >= 0 && ix < x.w) best = std::max(best, x.at(0, iy, ix)[c]);
                        }
                    v.at(0, row, column)[c] = best;
                }
        return l.antialiasing ? blurred(y, l.antialiasing, l.stride_x, l.stride_y, layer.out) : y;
    }
    OwnedTensor run(const AvgpoolLayer&, const Layer& layer, std::size_t i) const {
        OwnedTensor y = make(layer.out);
        const kernels::ConstTensor x = before(i).view();
        for (int c = 0; c < x.c; ++c) {
            double sum = 0;
            for (std::size_t pixel = 0; pixel < x.pixels(); ++pixel) sum += x.pixel(pixel)[c];
            y.view().pixel(0)[c] = float(sum / double(x.pixels()));
        }
        return y;
    }
    OwnedTensor run(const DropoutLayer&, const Layer&, std::size_t i) const { return before(i); }
    OwnedTensor run(const YoloLayer&, const Layer&, std::size_t i) const { return before(i); }
};

}  // namespace

std::vector<OwnedTensor> run_reference(const Network& network, const OwnedTensor& input, BatchNormFormula formula) {
    Runner runner{network, input, formula};
    for (std::size_t i = 0; i < network.layers.size(); ++i)
        runner.outputs.push_back(
            std::visit([&](const auto& l) { return runner.run(l, network.layers[i], i); }, network.layers[i].kind));
    return std::move(runner.outputs);
}

double root_mean_square(kernels::ConstTensor t) {
    double sum = 0;
    for (std::size_t i = 0; i < t.pixels(); ++i)
        for (int c = 0; c < t.c; ++c) sum += double(t.pixel(i)[c]) * t.pixel(i)[c];
    return std::sqrt(sum / (double(t.pixels()) * t.c));
}

OwnedTensor noise_input(const Network& network, int n) {
    OwnedTensor x(1, network.input.h, network.input.w, network.input.c);
    x.fill_random(std::uint64_t(100 + n), 0, 1);
    return x;
}

}  // namespace convoy::test
