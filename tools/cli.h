// SPDX-License-Identifier: MIT
#pragma once

/// CLI11's names: its code takes seconds to compile, and few files need it.
namespace CLI {
class App;
class Option;
}  // namespace CLI
