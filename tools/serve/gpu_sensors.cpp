// SPDX-License-Identifier: MIT
#include "tools/serve/gpu_sensors.h"

#include <dlfcn.h>

#include <array>

namespace convoy::tools {
namespace {

constexpr auto kFresh = std::chrono::seconds(1);

/// False where the library has no such function.
template <typename Function>
bool find(void* library, const char* name, Function*& function) {
    function = reinterpret_cast<Function*>(dlsym(library, name));
    return function;
}

/// "0000:3B:00.0", or "" where the driver does not say. It has been started by whoever uses GPUs.
std::string pci_bus_of(int gpu) {
    void* const driver = dlopen("libcuda.so.1", RTLD_LAZY | RTLD_NOLOAD);
    int (*device_get)(int*, int) = nullptr;
    int (*bus_of)(char*, int, int) = nullptr;
    std::array<char, 32> bus = {};
    int device = 0;
    const bool known = driver && find(driver, "cuDeviceGet", device_get) &&
                       find(driver, "cuDeviceGetPCIBusId", bus_of) && device_get(&device, gpu) == 0 &&
                       bus_of(bus.data(), int(bus.size()) - 1, device) == 0;
    if (driver) dlclose(driver);
    return known ? bus.data() : "";
}

}  // namespace

/// The functions of NVML that are taken, declared here so that building needs no CUDA. All return 0 when they succeed.
struct GpuSensors::Nvml {
    struct Utilization {  // nvmlUtilization_t
        unsigned gpu, memory;
    };
    struct Memory {  // nvmlMemory_t
        unsigned long long total, free, used;
    };

    void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    int (*init)() = nullptr;
    int (*shutdown)() = nullptr;
    int (*by_bus)(const char* bus, void** device) = nullptr;
    int (*temperature)(void* device, int sensor, unsigned* celsius) = nullptr;
    int (*power)(void* device, unsigned* milliwatts) = nullptr;
    int (*utilization)(void* device, Utilization* percent) = nullptr;
    int (*decoder)(void* device, unsigned* percent, unsigned* over_us) = nullptr;
    int (*memory)(void* device, Memory* bytes) = nullptr;
    const bool works = library && find(library, "nvmlInit_v2", init) && find(library, "nvmlShutdown", shutdown) &&
                       find(library, "nvmlDeviceGetHandleByPciBusId_v2", by_bus) &&
                       find(library, "nvmlDeviceGetTemperature", temperature) &&
                       find(library, "nvmlDeviceGetPowerUsage", power) &&
                       find(library, "nvmlDeviceGetUtilizationRates", utilization) &&
                       find(library, "nvmlDeviceGetDecoderUtilization", decoder) &&
                       find(library, "nvmlDeviceGetMemoryInfo", memory) && init() == 0;

    Nvml() = default;
    Nvml(const Nvml&) = delete;
    Nvml& operator=(const Nvml&) = delete;
    ~Nvml() {
        if (works) shutdown();
        if (library) dlclose(library);
    }

    GpuReading read(const Gpu& gpu) const {
        GpuReading out{gpu.device, {}, {}, {}, {}, {}};
        unsigned number = 0, over_us = 0;
        Utilization percent = {};
        Memory bytes = {};
        constexpr int kOfChip = 0;  // NVML_TEMPERATURE_GPU
        if (temperature(gpu.handle, kOfChip, &number) == 0) out.temperature_c = number;
        if (power(gpu.handle, &number) == 0) out.power_w = number / 1000.;
        if (utilization(gpu.handle, &percent) == 0) out.busy = percent.gpu / 100.;
        if (decoder(gpu.handle, &number, &over_us) == 0) out.decoder_busy = number / 100.;
        if (memory(gpu.handle, &bytes) == 0) out.memory_used_bytes = double(bytes.used);
        return out;
    }
};

GpuSensors::GpuSensors(const std::vector<int>& gpus) {
    if (gpus.empty()) return;
    nvml_ = std::make_unique<const Nvml>();
    if (!nvml_->works) return;
    for (const int gpu : gpus) {
        Gpu found{"cuda:" + std::to_string(gpu), nullptr};
        const std::string bus = pci_bus_of(gpu);
        if (!bus.empty() && nvml_->by_bus(bus.c_str(), &found.handle) == 0) gpus_.push_back(found);
    }
}

GpuSensors::~GpuSensors() = default;

std::vector<GpuReading> GpuSensors::read() {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (!readings_.empty() && now - read_at_ < kFresh) return readings_;
    readings_.clear();
    for (const Gpu& gpu : gpus_) readings_.push_back(nvml_->read(gpu));
    read_at_ = now;
    return readings_;
}

}  // namespace convoy::tools
