// SPDX-License-Identifier: MIT
//
// NVML without a GPU, as libnvidia-ml.so.1: two GPUs, which lie on the bus the other way round than fake_cuda's.
#pragma once

namespace convoy::test {

struct FakeNvml {
    bool works = true;
    int open = 0;
};

FakeNvml& fake_nvml();

}  // namespace convoy::test
