// SPDX-License-Identifier: MIT
//
// Sections to typed layers. Relative indices become absolute here; shapes are left to shape_inference.h.
#pragma once

#include <string>
#include <vector>

#include <convoy/network.h>
#include "darknet_loader/cfg_reader.h"

namespace convoy {

/// Builds the network without shapes. Throws Error(model), or Error(unsupported) for real Darknet sections, keys and
/// activations that are not implemented.
Network parse_sections(const std::vector<CfgSection>& sections, const std::string& path);

}  // namespace convoy
