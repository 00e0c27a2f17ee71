// SPDX-License-Identifier: MIT
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "tests/tools/fake_gpu/fake_gpu.h"

namespace convoy::test {
namespace {

int primary;
thread_local std::vector<void*> current;

struct Stream {
    int pending = 0;  // that many times it is not ready
};

}  // namespace

FakeGpu& fake_gpu() {
    static FakeGpu gpu;
    return gpu;
}

int fake_contexts_current() { return int(current.size()); }

}  // namespace convoy::test

using convoy::test::current;
using convoy::test::fake_gpu;
using convoy::test::Stream;

namespace {

constexpr int kFailed = 2, kNotReady = 600, kNoDevice = 101;

int begin() {
    if (current.empty()) ++fake_gpu().misuse;
    return fake_gpu().fails() ? kFailed : 0;
}

}  // namespace

extern "C" {

int cuInit(unsigned) { return fake_gpu().fails() ? kFailed : 0; }
int cuDeviceGet(int* device, int ordinal) { return (*device = ordinal) > 1 ? kNoDevice : 0; }
int cuDeviceGetPCIBusId(char* bus, int size, int device) {
    if (device > 1) return kNoDevice;
    std::snprintf(bus, std::size_t(size), "0000:%s:00.0", device == 0 ? "3B" : "18");
    return 0;
}
int cuDevicePrimaryCtxRetain(void** context, int) {
    if (fake_gpu().fails()) return kFailed;
    ++fake_gpu().contexts;
    *context = &convoy::test::primary;
    return 0;
}
int cuDevicePrimaryCtxRelease_v2(int) {
    --fake_gpu().contexts;
    return 0;
}
int cuCtxPushCurrent_v2(void* context) {
    if (fake_gpu().fails()) return kFailed;
    current.push_back(context);
    return 0;
}
int cuCtxPopCurrent_v2(void** context) {
    if (current.empty()) return kFailed;
    *context = current.back();
    current.pop_back();
    return 0;
}
int cuStreamCreateWithPriority(void** stream, unsigned flags, int priority) {
    if (flags != 1 || priority >= 0) ++fake_gpu().misuse;
    if (const int code = begin()) return code;
    ++fake_gpu().streams;
    *stream = new Stream;
    return 0;
}
int cuStreamDestroy_v2(void* stream) {
    --fake_gpu().streams;
    delete static_cast<Stream*>(stream);
    return 0;
}
int cuStreamQuery(void* stream) {
    if (const int code = begin()) return code;
    return static_cast<Stream*>(stream)->pending-- > 0 ? kNotReady : (static_cast<Stream*>(stream)->pending = 0);
}
int cuMemAlloc_v2(unsigned long long* pointer, std::size_t bytes) {
    if (const int code = begin()) return code;
    ++fake_gpu().device_blocks;
    *pointer = reinterpret_cast<unsigned long long>(std::malloc(bytes));
    return 0;
}
int cuMemFree_v2(unsigned long long pointer) {
    --fake_gpu().device_blocks;
    std::free(reinterpret_cast<void*>(pointer));
    return 0;
}
int cuMemHostAlloc(void** pointer, std::size_t bytes, unsigned) {
    if (const int code = begin()) return code;
    ++fake_gpu().host_blocks;
    *pointer = std::malloc(bytes);
    return 0;
}
int cuMemFreeHost(void* pointer) {
    --fake_gpu().host_blocks;
    std::free(pointer);
    return 0;
}
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void* from, std::size_t bytes, void* stream) {
    if (!stream) ++fake_gpu().misuse;
    if (const int code = begin()) return code;
    static_cast<Stream*>(stream)->pending = 3;
    std::memcpy(reinterpret_cast<void*>(to), from, bytes);
    return 0;
}
int cuGetErrorString(int code, const char** text) {
    *text = code == kNoDevice ? "invalid device ordinal" : "out of memory";
    return 0;
}
}
