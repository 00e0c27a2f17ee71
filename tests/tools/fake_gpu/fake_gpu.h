// SPDX-License-Identifier: MIT
//
// A driver and an nvJPEG without a GPU, as libcuda.so.1 and libnvjpeg.so.13: they work in host memory, count what is
// not given back, and fail when they are told to.
#pragma once

#include <atomic>

namespace convoy::test {

struct FakeGpu {
    std::atomic<int> calls = 0, fail_at = -1;  // of calls that may fail, the one with this number does
    std::atomic<int> contexts = 0, streams = 0, device_blocks = 0, host_blocks = 0, handles = 0, states = 0, params = 0;
    std::atomic<int> misuse = 0;  // calls without the context, on the default stream, or of what has no memory

    bool fails() { return calls++ == fail_at; }
    int held() const { return contexts + streams + device_blocks + host_blocks + handles + states + params; }
};

FakeGpu& fake_gpu();           // of libcuda.so.1
int fake_contexts_current();   // pushed by this thread and not popped
bool fake_nvjpeg_is_loaded();  // links libnvjpeg.so.13

}  // namespace convoy::test
