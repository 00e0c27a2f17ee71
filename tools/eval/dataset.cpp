// SPDX-License-Identifier: MIT
#include "tools/eval/dataset.h"

#include <algorithm>

namespace convoy::eval {

void Dataset::keep_first(std::size_t count) {
    if (count >= pictures.size()) return;
    pictures.resize(count);
    std::erase_if(annotations, [&](const Annotation& a) { return a.picture >= count; });
}

}  // namespace convoy::eval
