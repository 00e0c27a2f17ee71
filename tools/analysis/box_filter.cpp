// SPDX-License-Identifier: MIT
#include "tools/analysis/box_filter.h"

namespace convoy::analysis {
namespace {

// Standard deviations, of DeepSORT and ByteTrack: shares of the height, and for the aspect absolute.
constexpr double kPosition = 1. / 20, kVelocity = 1. / 160;
constexpr double kAspect = 1e-2, kAspectVelocity = 1e-5, kAspectMeasured = 1e-1;

constexpr double square(double x) { return x * x; }

std::array<double, 4> measured(const Box& box) {
    const double w = box.w, h = box.h;
    return {box.x + w / 2, box.y + h / 2, w / h, h};
}

}  // namespace

BoxFilter::BoxFilter(const Box& box) {
    const std::array<double, 4> seen = measured(box);
    for (int q = 0; q < 4; ++q) {
        const bool absolute = q == aspect;
        states_[q] = {seen[q], 0, square(absolute ? kAspect : 2 * kPosition * seen[height]), 0,
                      square(absolute ? kAspectVelocity : 10 * kVelocity * seen[height])};
    }
}

void BoxFilter::predict(int frames) {
    for (; frames > 0; --frames) {
        const double h = states_[height].mean;
        for (int q = 0; q < 4; ++q) {
            State& s = states_[q];
            s.mean += s.velocity;
            s.var_mean += 2 * s.cov + s.var_velocity + square(q == aspect ? kAspect : kPosition * h);
            s.cov += s.var_velocity;
            s.var_velocity += square(q == aspect ? kAspectVelocity : kVelocity * h);
        }
    }
}

void BoxFilter::update(const Box& box) {
    const std::array<double, 4> seen = measured(box);
    const double h = states_[height].mean;
    for (int q = 0; q < 4; ++q) {
        State& s = states_[q];
        const double innovation_var = s.var_mean + square(q == aspect ? kAspectMeasured : kPosition * h);
        const double gain = s.var_mean / innovation_var, velocity_gain = s.cov / innovation_var;
        const double innovation = seen[q] - s.mean;
        s.mean += gain * innovation;
        s.velocity += velocity_gain * innovation;
        s.var_velocity -= velocity_gain * s.cov;
        s.cov -= gain * s.cov;
        s.var_mean -= gain * s.var_mean;
    }
}

Corners BoxFilter::corners() const {
    const double h = states_[height].mean, w = states_[aspect].mean * h;
    const double x = states_[center_x].mean, y = states_[center_y].mean;
    return {x - w / 2, y - h / 2, x + w / 2, y + h / 2};
}

}  // namespace convoy::analysis
