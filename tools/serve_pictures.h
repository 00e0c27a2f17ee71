// SPDX-License-Identifier: MIT
#pragma once

#include "tools/options.h"

namespace convoy::tools {

/// yolo-run --serve without an input: answers pictures that are posted, until a signal comes, which is its usual end.
/// Gives the exit status; throws Error.
int serve_pictures(RunOptions& options);

}  // namespace convoy::tools
