// SPDX-License-Identifier: MIT
#pragma once

namespace convoy::test {

/// Enqueues a kernel that writes where there is no memory: from then on CUDA refuses this process everything on that
/// GPU, until cudaDeviceReset().
void poison(int gpu);

}  // namespace convoy::test
