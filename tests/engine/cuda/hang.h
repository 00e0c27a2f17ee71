// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

namespace convoy::test {

/// Fills every multiprocessor of a GPU with threads that wait: nothing else is computed there as long as this lives.
class HangingGpu {
public:
    explicit HangingGpu(int gpu);
    ~HangingGpu();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace convoy::test
