// SPDX-License-Identifier: MIT
#pragma once

#include "tools/media/file_claims.h"
#include "tools/options.h"

namespace convoy::tools {

/// yolo-run --serve without an input: answers pictures that are posted, until a signal comes, which is its usual end.
/// `read` are the files that it reads. Gives the exit status; throws Error.
int serve_pictures(RunOptions& options, const media::FileClaims& read);

}  // namespace convoy::tools
