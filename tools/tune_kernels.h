// SPDX-License-Identifier: MIT
#pragma once

#include "tools/options.h"

namespace convoy::tools {

/// yolo-run --tune without an input: measures which kernels are the fastest for the model, for recordings and live
/// inputs, whose batches have every size. Gives the exit status; throws Error.
int tune_kernels(RunOptions& options);

}  // namespace convoy::tools
