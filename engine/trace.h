// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace convoy {

/// Something that a device did, on the engine's clock: microseconds since it was made.
struct TraceSpan {
    std::string track;  ///< "copy 0", "preprocess", "network": what runs there does not overlap
    std::string name;   ///< "picture 3", "batch of 32"
    double start_us = 0, duration_us = 0;
};

}  // namespace convoy
