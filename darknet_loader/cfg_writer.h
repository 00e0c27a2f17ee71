// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include <convoy/network.h>

namespace convoy {

/// A cfg that parses to the same layers again, every value spelt out.
std::string cfg_text(const Network& network);

}  // namespace convoy
