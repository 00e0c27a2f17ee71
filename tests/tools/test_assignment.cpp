// SPDX-License-Identifier: MIT
//
// The Hungarian algorithm against every pairing there is.
#include <algorithm>
#include <numeric>
#include <random>

#include "tests/support/catch.h"
#include "tools/analysis/assignment.h"

using convoy::analysis::Assignment;

namespace {

/// The greatest sum of all pairings: the shorter side's rows in every order of the longer side's columns.
double best_sum(const std::vector<double>& weights, int rows, int columns) {
    const bool turned = rows > columns;
    const int few = std::min(rows, columns), many = std::max(rows, columns);
    std::vector<int> order(static_cast<std::size_t>(many));
    std::iota(order.begin(), order.end(), 0);
    double best = 0;
    do {
        double sum = 0;
        for (int i = 0; i < few; ++i) {
            const int row = turned ? order[i] : i, column = turned ? i : order[i];
            sum += std::max(0., weights[std::size_t(row) * columns + column]);
        }
        best = std::max(best, sum);
    } while (std::next_permutation(order.begin(), order.end()));
    return best;
}

/// The sum of a pairing, in which no column may be twice and no weight of 0 or less.
double sum_of(const std::vector<int>& column_of_row, const std::vector<double>& weights, int rows, int columns) {
    REQUIRE(int(column_of_row.size()) == rows);
    std::vector<char> taken(static_cast<std::size_t>(columns));
    double sum = 0;
    for (int row = 0; row < rows; ++row) {
        const int column = column_of_row[row];
        if (column < 0) continue;
        REQUIRE(column < columns);
        CHECK_FALSE(taken[column]++);
        CHECK(weights[std::size_t(row) * columns + column] > 0);
        sum += weights[std::size_t(row) * columns + column];
    }
    return sum;
}

}  // namespace

TEST_CASE("an assignment is the best of all pairings") {
    std::mt19937 random(1);
    Assignment assignment;  // one for all: nothing of a problem may be left in the next
    for (int rows = 1; rows <= 7; ++rows)
        for (int columns = 1; columns <= 7; ++columns)
            for (int repeat = 0; repeat < 6; ++repeat) {
                std::vector<double> weights(std::size_t(rows) * columns);
                // Few values make ties; some of them are no pairs at all.
                for (double& weight : weights)
                    weight = repeat % 2 ? double(random() % 5) - 2 : double(random() % 1000) / 1000 - .3;
                INFO(rows << " x " << columns << ", repeat " << repeat);
                const double sum = sum_of(assignment.solve(weights, rows, columns), weights, rows, columns);
                CHECK(sum == Approx(best_sum(weights, rows, columns)).epsilon(1e-12));
            }
}

TEST_CASE("an assignment of ties is always the same, and one of nothing is empty") {
    Assignment assignment;
    const std::vector<double> same(9, 1.);
    const std::vector<int> first = assignment.solve(same, 3, 3);
    CHECK(sum_of(first, same, 3, 3) == 3);
    CHECK(assignment.solve(same, 3, 3) == first);
    CHECK(Assignment().solve(same, 3, 3) == first);
    CHECK(assignment.solve({}, 0, 0).empty());
    CHECK(assignment.solve({}, 0, 5).empty());
    CHECK(assignment.solve({}, 2, 0) == std::vector<int>{-1, -1});
    CHECK(assignment.solve(std::vector<double>{0, -1, -2, 0}, 2, 2) == std::vector<int>{-1, -1});
}

TEST_CASE("an assignment gives up a good pair for two that are better together") {
    const std::vector<double> weights = {.9, .8, .8, 0};
    CHECK(Assignment().solve(weights, 2, 2) == std::vector<int>{1, 0});
}
