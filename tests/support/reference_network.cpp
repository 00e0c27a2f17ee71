// SPDX-License-Identifier: MIT
#include "tests/support/reference_network.h"

#include <cmath>
#include <cstring>

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
        p.stride_h = l.stride_y, p.stride_w = l.stride_x, p.pad_h = p.pad_w = l.padding;
        p.dilation = l.dilation, p.groups = l.groups;
        OwnedTensor y = make(layer.out);
        const std::vector<float> zero(l.filters, 0.f);
        kernels::cpu::conv_reference(p, before(i).view(), l.weights.data, zero.data(), y.view());
        const kernels::Tensor v = y.view();
        for (std::size_t pixel = 0; pixel < v.pixels(); ++pixel)
            for (int k = 0; k < v.c; ++k) {
                double x = v.pixel(pixel)[k];
                if (l.batch_normalize) x = (x - l.means[k]) / deviation(l.variances[k], formula) * l.scales[k];
                v.pixel(pixel)[k] = float(activation_by_definition(l.activation, x + l.biases[k]));
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
        for (std::size_t pixel = 0; pixel < v.pixels(); ++pixel)
            for (int c = 0; c < v.c; ++c)
                v.pixel(pixel)[c] = float(activation_by_definition(l.activation, double(v.pixel(pixel)[c])));
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
        OwnedTensor y = make(layer.out);
        const kernels::Tensor v = y.view();
        const kernels::ConstTensor x = before(i).view();
        for (int row = 0; row < v.h; ++row)
            for (int column = 0; column < v.w; ++column)
                for (int c = 0; c < v.c; ++c) {
                    float best = -INFINITY;
                    for (int r = 0; r < l.size; ++r)
                        for (int s = 0; s < l.size; ++s) {
                            const int iy = row * l.stride_y - l.padding / 2 + r;
                            const int ix = column * l.stride_x - l.padding / 2 + s;
                            if (iy >= 0 && iy < x.h && ix >= 0 && ix < x.w) best = std::max(best, x.at(0, iy, ix)[c]);
                        }
                    v.at(0, row, column)[c] = best;
                }
        return y;
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
