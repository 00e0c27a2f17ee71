// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include <convoy/detection.h>

namespace convoy::analysis {

/// Where a box is by its corners, in pixels.
struct Corners {
    double left = 0, top = 0, right = 0, bottom = 0;
};

/// The Kalman filter of SORT's descendants (DeepSORT, ByteTrack): the state is a box's centre x and y, its aspect
/// w / h, its height, and the velocity of each a frame. Process and measurement noise are in proportion to the height,
/// but for the aspect's. Nothing ties the four to each other but the height, which scales their noise: so the 8 × 8
/// matrices of the papers are four of 2 × 2, with the same numbers.
class BoxFilter {
public:
    /// The four quantities, in this order.
    enum Quantity { center_x, center_y, aspect, height };
    struct State {
        double mean = 0, velocity = 0;  ///< velocity a frame
        double var_mean = 0, cov = 0, var_velocity = 0;
    };

    /// A box as it is first seen, at rest. Its sides must be more than 0.
    explicit BoxFilter(const Box& box);
    /// `frames` frames later, one by one: the noise follows the height.
    void predict(int frames);
    /// The box was seen here, sides more than 0.
    void update(const Box& box);
    /// From now on the height stays: for a thing out of sight, of which it would grow or shrink without end.
    void hold_height() { states_[height].velocity = 0; }

    Corners corners() const;
    const std::array<State, 4>& states() const { return states_; }

private:
    std::array<State, 4> states_;
};

}  // namespace convoy::analysis
