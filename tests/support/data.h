// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace convoy::test {

/// The checkout: CONVOY_SOURCE_DIR, which ctest sets.
std::string source_dir();

/// Test data that is not part of the repository, in ../shared/data beside it; empty when it is not there, in which case
/// a test says that it is skipped.
std::string data_dir();

/// A .cfg of the tree that has every layer, with values other than the defaults. Heads depend on all of them, since
/// nothing else is computed.
std::string every_layer_cfg();

/// Every .cfg at hand: the demo model's, every_layer_cfg() and those of data_dir().
std::vector<std::string> all_cfgs();

/// `data_dir() + path` when it exists, else empty after a printed note that the test is skipped.
std::string data_or_skip(const std::string& path);

}  // namespace convoy::test
