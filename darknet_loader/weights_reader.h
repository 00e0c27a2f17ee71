// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <convoy/network.h>
#include "darknet_loader/file.h"

namespace convoy {

/// Checks header and exact size of a .weights file held in memory and points the layers into it; `path` is only used
/// in messages. On Error(model) the network is unchanged.
void attach_weights(Network& network, const MappedFile& file, const std::string& path);

}  // namespace convoy
