// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace convoy {

/// "cuda:0,2" and the like, taken apart.
struct DeviceList {
    enum class Kind { automatic, cpu, cuda } kind = Kind::automatic;
    std::vector<int> numbers;  ///< as named, without repetition; empty: all GPUs, or one CPU
};

/// Throws Error(usage) for anything but auto, cpu, cuda, or numbered devices of one kind: "cuda:0,2", "cuda:0,cuda:2".
DeviceList parse_devices(const std::string& text);

}  // namespace convoy
