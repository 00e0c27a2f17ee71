// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "kernels/conv.h"

namespace convoy {

/// A GPU as the engine sees it.
struct DeviceInfo {
    int ordinal = 0;
    std::string name;  ///< "NVIDIA H200"
    kernels::cuda::DeviceCaps caps;
    std::size_t total_bytes = 0;
    std::string versions;  ///< "driver 13.0, runtime 13.0"
};

/// Throws Error(device) when there is no such GPU.
DeviceInfo device_info(int ordinal);

}  // namespace convoy
