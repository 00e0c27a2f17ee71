// SPDX-License-Identifier: MIT
#include "tools/analysis/assignment.h"

#include <algorithm>
#include <limits>

namespace convoy::analysis {

const std::vector<int>& Assignment::solve(std::span<const double> weights, int rows, int columns) {
    // The shorter side looks for partners on the longer one, where there is one for each. What is not to be paired
    // costs nothing, so it takes no partner from anyone. Place 0 of each side is a root that is no row and no column.
    const bool turned = rows > columns;
    const int few = turned ? columns : rows, many = turned ? rows : columns;
    const auto cost = [&](int one, int other) {
        const int row = turned ? other : one, column = turned ? one : other;
        return std::min(0., -weights[std::size_t(row - 1) * std::size_t(columns) + std::size_t(column - 1)]);
    };
    row_price_.assign(std::size_t(few) + 1, 0);
    column_price_.assign(std::size_t(many) + 1, 0);
    row_of_column_.assign(std::size_t(many) + 1, 0);
    path_.assign(std::size_t(many) + 1, 0);

    for (int start = 1; start <= few; ++start) {
        row_of_column_[0] = start;
        distance_.assign(std::size_t(many) + 1, std::numeric_limits<double>::infinity());
        done_.assign(std::size_t(many) + 1, 0);
        int at = 0;
        do {  // Dijkstra, until a column is met that nobody has
            done_[at] = 1;
            const int row = row_of_column_[at];
            int nearest = 0;
            double step = std::numeric_limits<double>::infinity();
            for (int column = 1; column <= many; ++column) {
                if (done_[column]) continue;
                const double reduced = cost(row, column) - row_price_[row] - column_price_[column];
                if (reduced < distance_[column]) distance_[column] = reduced, path_[column] = at;
                if (distance_[column] < step) step = distance_[column], nearest = column;
            }
            for (int column = 0; column <= many; ++column)
                if (done_[column])
                    row_price_[row_of_column_[column]] += step, column_price_[column] -= step;
                else
                    distance_[column] -= step;
            at = nearest;
        } while (row_of_column_[at] != 0);
        for (; at != 0; at = path_[at]) row_of_column_[at] = row_of_column_[path_[at]];
    }

    column_of_row_.assign(std::size_t(rows), -1);
    for (int column = 1; column <= many; ++column) {
        const int row = row_of_column_[column];
        if (row == 0 || cost(row, column) >= 0) continue;
        column_of_row_[std::size_t((turned ? column : row) - 1)] = (turned ? row : column) - 1;
    }
    return column_of_row_;
}

}  // namespace convoy::analysis
