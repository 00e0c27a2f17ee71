// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace convoy::tools {

/// The GPUs that CUDA will show, as it names them: the entries of CUDA_VISIBLE_DEVICES, or the numbers of the device
/// files in `folder`.
int count_visible_gpus(const std::string& folder = "/dev");

/// Lets CUDA see the first `count` GPUs only, which it must not have been asked for yet. Its driver takes a fifth of a
/// second longer to answer, and as long at the end, for each further one that a program may see.
void show_first_gpus(int count);

}  // namespace convoy::tools
