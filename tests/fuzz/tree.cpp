// SPDX-License-Identifier: MIT
//
// Any bytes as a tree of classes: either parents that survive being written and read again, or a convoy::Error.
#include <cstdint>
#include <cstdlib>

#include "darknet_loader/tree_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<int> parents;
    try {
        parents = convoy::parse_tree({reinterpret_cast<const char*>(data), size}, "fuzz.tree");
    } catch (const convoy::Error&) {
        return 0;
    }
    for (std::size_t i = 0; i < parents.size(); ++i)
        if (parents[i] < -1 || parents[i] >= int(i)) std::abort();
    if (convoy::parse_tree(convoy::tree_text(parents), "written.tree") != parents) std::abort();
    return 0;
}
