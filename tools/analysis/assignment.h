// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <vector>

namespace convoy::analysis {

/// The Hungarian algorithm (Kuhn 1955, Munkres 1957; by shortest augmenting paths, as Jonker and Volgenant 1987):
/// O(min² · max) of the two sides. It is an object so that its memory is kept from call to call.
class Assignment {
public:
    /// Pairs rows with columns, each with one at most, so that the weights of the pairs sum up to the most. `weights`
    /// is rows × columns, row-major, finite; a weight of 0 or less is never paired. Returns each row's column, or -1;
    /// valid until the next call. Of several best pairings it is always the same one.
    const std::vector<int>& solve(std::span<const double> weights, int rows, int columns);

private:
    std::vector<int> column_of_row_, path_, row_of_column_;
    std::vector<double> row_price_, column_price_, distance_;
    std::vector<char> done_;
};

}  // namespace convoy::analysis
