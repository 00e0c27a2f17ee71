// SPDX-License-Identifier: MIT
//
// Device memory for tests, and the skip on machines without a GPU.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <stdexcept>
#include <vector>

#include "kernels/conv.h"
#include "kernels/tuning.h"
#include "kernels/types.h"
#include "tests/support/catch.h"

/// At the top of a test case that needs so many GPUs: with fewer it says "skipped: NAME: needs N GPUs" and ends. A test
/// case that needs more than one is tagged [multi-gpu] as well.
#define REQUIRE_GPUS(n)                                                                                        \
    do {                                                                                                       \
        if (convoy::test::gpu_count() < (n)) SKIP_TEST_CASE("needs " << (n) << ((n) == 1 ? " GPU" : " GPUs")); \
    } while (false)
#define REQUIRE_GPU() REQUIRE_GPUS(1)

namespace convoy::test {

inline int gpu_count() {
    int count = 0;
    return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

inline void cuda_ok(cudaError_t status) {
    if (status != cudaSuccess) throw std::runtime_error(cudaGetErrorString(status));
}

/// Bytes in device memory, filled with 0xff: NaN in fp16 and fp32, so that what a kernel leaves out shows.
class DeviceBytes {
public:
    explicit DeviceBytes(std::size_t bytes) : bytes_(bytes) {
        cuda_ok(cudaMalloc(&data_, bytes + 1));
        cuda_ok(cudaMemset(data_, 0xff, bytes));
    }
    ~DeviceBytes() { cudaFree(data_); }
    DeviceBytes(DeviceBytes&& other) noexcept : data_(other.data_), bytes_(other.bytes_) { other.data_ = nullptr; }
    DeviceBytes(const DeviceBytes&) = delete;
    DeviceBytes& operator=(const DeviceBytes&) = delete;
    void* data() const { return data_; }
    std::size_t bytes() const { return bytes_; }

private:
    void* data_ = nullptr;
    std::size_t bytes_;
};

template <typename T>
DeviceBytes upload(const std::vector<T>& host) {
    DeviceBytes device(host.size() * sizeof(T));
    cuda_ok(cudaMemcpy(device.data(), host.data(), device.bytes(), cudaMemcpyHostToDevice));
    return device;
}

template <typename T>
std::vector<T> download(const void* device, std::size_t count) {
    std::vector<T> host(count);
    cuda_ok(cudaMemcpy(host.data(), device, count * sizeof(T), cudaMemcpyDeviceToHost));
    return host;
}

/// Floats to device memory of `type`, element by element.
inline DeviceBytes upload_as(kernels::DataType type, const std::vector<float>& host) {
    if (type == kernels::DataType::fp32) return upload(host);
    std::vector<__half> half(host.size());
    for (std::size_t i = 0; i < host.size(); ++i) half[i] = __float2half_rn(host[i]);
    return upload(half);
}

/// Device memory of `type` as floats.
inline std::vector<float> download_as_float(kernels::DataType type, const void* device, std::size_t count) {
    if (type == kernels::DataType::fp32) return download<float>(device, count);
    std::vector<float> out;
    for (__half h : download<__half>(device, count)) out.push_back(__half2float(h));
    return out;
}

/// What the device will see of `values`: rounded to fp16 where that is the type.
inline std::vector<float> rounded(kernels::DataType type, std::vector<float> values) {
    if (type == kernels::DataType::fp16)
        for (float& f : values) f = __half2float(__float2half_rn(f));
    return values;
}

inline kernels::cuda::DeviceCaps current_caps() {
    int device = 0;
    cudaDeviceProp prop{};
    cuda_ok(cudaGetDevice(&device));
    cuda_ok(cudaGetDeviceProperties(&prop, device));
    return {prop.major * 10 + prop.minor, kernels::cuda::compiled_for(), prop.multiProcessorCount,
            prop.sharedMemPerBlockOptin, std::size_t(prop.l2CacheSize)};
}

}  // namespace convoy::test
