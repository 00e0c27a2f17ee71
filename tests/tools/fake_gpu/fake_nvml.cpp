// SPDX-License-Identifier: MIT
#include "tests/tools/fake_gpu/fake_nvml.h"

#include <cstring>

namespace convoy::test {

FakeNvml& fake_nvml() {
    static FakeNvml nvml;
    return nvml;
}

}  // namespace convoy::test

namespace {

constexpr int kNotSupported = 3, kNotFound = 6, kNoDriver = 9;
int gpus[2];  // in the order of the bus

unsigned number_of(void* gpu) { return unsigned(static_cast<int*>(gpu) - gpus); }

}  // namespace

extern "C" {

int nvmlInit_v2() {
    if (!convoy::test::fake_nvml().works) return kNoDriver;
    ++convoy::test::fake_nvml().open;
    return 0;
}
int nvmlShutdown() {
    --convoy::test::fake_nvml().open;
    return 0;
}
int nvmlDeviceGetHandleByPciBusId_v2(const char* bus, void** gpu) {
    if (std::strcmp(bus, "0000:18:00.0") == 0) return *gpu = &gpus[0], 0;
    if (std::strcmp(bus, "0000:3B:00.0") == 0) return *gpu = &gpus[1], 0;
    return kNotFound;
}
int nvmlDeviceGetTemperature(void* gpu, int sensor, unsigned* celsius) {
    *celsius = 40 + 10 * number_of(gpu);
    return sensor == 0 ? 0 : kNotSupported;
}
int nvmlDeviceGetPowerUsage(void* gpu, unsigned* milliwatts) { return *milliwatts = 100500 + number_of(gpu), 0; }
int nvmlDeviceGetUtilizationRates(void* gpu, unsigned* percent) {
    percent[0] = 75 + number_of(gpu), percent[1] = 1;
    return 0;
}
int nvmlDeviceGetDecoderUtilization(void* gpu, unsigned* percent, unsigned* over_us) {
    *percent = 50, *over_us = 1000;
    return number_of(gpu) == 0 ? 0 : kNotSupported;
}
int nvmlDeviceGetMemoryInfo(void*, unsigned long long* bytes) {
    bytes[0] = 3000, bytes[1] = 1000, bytes[2] = 2000;
    return 0;
}
}
