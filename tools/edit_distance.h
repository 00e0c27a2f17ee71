// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

namespace convoy::tools {

/// How many letters must be put in, left out or replaced to make `b` of `a`.
inline std::size_t edit_distance(const std::string& a, const std::string& b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row.back();
}

/// The first of those `names` that are nearest to `word`, none when more than a third of it is different.
inline std::string nearest(const std::string& word, const std::vector<std::string>& names) {
    constexpr std::size_t kNear = 3;  // edits at the most
    std::size_t least = std::min(kNear, word.size() / 3) + 1;
    std::string found;
    for (const std::string& name : names)
        if (const std::size_t edits = edit_distance(word, name); edits < least) {
            least = edits;
            found = name;
        }
    return found;
}

}  // namespace convoy::tools
