// SPDX-License-Identifier: MIT
//
// The box's Kalman filter against the 8 × 8 matrices of the papers, written out plainly.
#include <cmath>
#include <random>

#include "tests/support/catch.h"
#include "tools/analysis/box_filter.h"

using namespace convoy;
using analysis::BoxFilter;

namespace {

using Row = std::array<double, 8>;
using Matrix = std::array<Row, 8>;

Matrix product(const Matrix& a, const Matrix& b) {
    Matrix out{};
    for (int i = 0; i < 8; ++i)
        for (int j = 0; j < 8; ++j)
            for (int k = 0; k < 8; ++k) out[i][j] += a[i][k] * b[k][j];
    return out;
}

Matrix transposed(const Matrix& a) {
    Matrix out{};
    for (int i = 0; i < 8; ++i)
        for (int j = 0; j < 8; ++j) out[i][j] = a[j][i];
    return out;
}

/// By Gauss and Jordan; the part that is not square to a measurement stays as it is.
std::array<std::array<double, 4>, 4> inverse(std::array<std::array<double, 4>, 4> a) {
    std::array<std::array<double, 4>, 4> out{};
    for (int i = 0; i < 4; ++i) out[i][i] = 1;
    for (int i = 0; i < 4; ++i) {
        const double pivot = a[i][i];
        for (int j = 0; j < 4; ++j) a[i][j] /= pivot, out[i][j] /= pivot;
        for (int k = 0; k < 4; ++k) {
            const double factor = k == i ? 0 : a[k][i];
            for (int j = 0; j < 4; ++j) a[k][j] -= factor * a[i][j], out[k][j] -= factor * out[i][j];
        }
    }
    return out;
}

/// x, P, F, Q, H, R as in every textbook; the numbers are those of ByteTrack's kalman_filter.py.
struct PlainFilter {
    Row x{};
    Matrix p{};

    static Row measured(const Box& b) { return {b.x + b.w / 2., b.y + b.h / 2., double(b.w) / b.h, b.h}; }
    explicit PlainFilter(const Box& box) : x(measured(box)) {
        const double h = box.h;
        const Row deviation = {2 * h / 20,   2 * h / 20,   1e-2, 2 * h / 20,
                               10 * h / 160, 10 * h / 160, 1e-5, 10 * h / 160};
        for (int i = 0; i < 8; ++i) p[i][i] = deviation[i] * deviation[i];
    }
    void predict() {
        const double h = x[3];
        const Row deviation = {h / 20, h / 20, 1e-2, h / 20, h / 160, h / 160, 1e-5, h / 160};
        Matrix f{};
        for (int i = 0; i < 8; ++i) f[i][i] = 1;
        for (int i = 0; i < 4; ++i) f[i][i + 4] = 1, x[i] += x[i + 4];
        p = product(product(f, p), transposed(f));
        for (int i = 0; i < 8; ++i) p[i][i] += deviation[i] * deviation[i];
    }
    void update(const Box& box) {
        const double h = x[3];
        const std::array<double, 4> deviation = {h / 20, h / 20, 1e-1, h / 20};
        std::array<std::array<double, 4>, 4> s{};
        for (int i = 0; i < 4; ++i)
            for (int j = 0; j < 4; ++j) s[i][j] = p[i][j] + (i == j ? deviation[i] * deviation[i] : 0);
        const auto s_inverse = inverse(s);
        std::array<std::array<double, 4>, 8> gain{};
        for (int i = 0; i < 8; ++i)
            for (int j = 0; j < 4; ++j)
                for (int k = 0; k < 4; ++k) gain[i][j] += p[i][k] * s_inverse[k][j];
        const Row z = measured(box), before = x;
        Matrix shrink{};  // I - K H
        for (int i = 0; i < 8; ++i) {
            shrink[i][i] = 1;
            for (int j = 0; j < 4; ++j) x[i] += gain[i][j] * (z[j] - before[j]), shrink[i][j] -= gain[i][j];
        }
        p = product(shrink, p);
    }
};

void check_same(const BoxFilter& filter, const PlainFilter& plain) {
    for (int q = 0; q < 4; ++q) {
        const BoxFilter::State& s = filter.states()[q];
        INFO("quantity " << q);
        const double tolerance = 1e-9;  // sums in another order; variances are differences of sums
        CHECK(s.mean == Approx(plain.x[q]).epsilon(tolerance));
        CHECK(s.velocity == Approx(plain.x[q + 4]).epsilon(tolerance).margin(1e-9));
        CHECK(s.var_mean == Approx(plain.p[q][q]).epsilon(tolerance));
        CHECK(s.cov == Approx(plain.p[q][q + 4]).epsilon(tolerance).margin(1e-12));
        CHECK(s.var_velocity == Approx(plain.p[q + 4][q + 4]).epsilon(tolerance));
        for (int other = 0; other < 8; ++other)  // the rest of the matrix, which the filter does not have
            if (other % 4 != q) CHECK(plain.p[q][other] == 0);
    }
}

}  // namespace

TEST_CASE("a box's filter has the numbers of the papers' matrices") {
    std::mt19937 random(5);
    const auto noise = [&](float size) { return (float(random() % 1001) / 500 - 1) * size; };
    Box box{100, 50, 37, 91};
    BoxFilter filter(box);
    PlainFilter plain(box);
    check_same(filter, plain);
    for (int step = 0; step < 60; ++step) {
        const int frames = 1 + int(random() % 4);
        filter.predict(frames);
        for (int i = 0; i < frames; ++i) plain.predict();
        check_same(filter, plain);
        box = {box.x + 3 + noise(2), box.y - 1 + noise(2), box.w + noise(3), box.h + noise(3)};
        if (step % 5 == 4) continue;  // not seen
        filter.update(box);
        plain.update(box);
        check_same(filter, plain);
    }
    CHECK(filter.states()[BoxFilter::center_x].velocity > .5);
}

TEST_CASE("a filter that holds its height keeps it, and corners are those of the state") {
    BoxFilter filter({10, 20, 40, 80});
    const analysis::Corners at = filter.corners();
    CHECK(at.left == Approx(10));
    CHECK(at.top == Approx(20));
    CHECK(at.right == Approx(50));
    CHECK(at.bottom == Approx(100));
    filter.predict(1);
    filter.update({10, 20, 40, 90});
    filter.hold_height();
    const double before = filter.states()[BoxFilter::height].mean;
    filter.predict(50);
    CHECK(filter.states()[BoxFilter::height].mean == before);
}

TEST_CASE("huge and tiny boxes leave a filter with numbers") {
    for (const Box& box : {Box{0, 0, 3e38f, 3e38f}, Box{-1e38f, 5, 1e-38f, 3e38f}, Box{0, 0, 3e38f, 1e-38f}}) {
        BoxFilter filter(box);
        for (int i = 0; i < 20; ++i) filter.predict(3), filter.update(box);
        for (const BoxFilter::State& s : filter.states()) {
            CHECK(std::isfinite(s.mean));
            CHECK(std::isfinite(s.velocity));
            CHECK(std::isfinite(s.var_mean));
        }
    }
}
