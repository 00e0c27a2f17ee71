// SPDX-License-Identifier: MIT
#include "engine/bind.h"

#include <algorithm>
#include <charconv>

namespace convoy {
namespace {

constexpr int kGpuBatch = 32;

}  // namespace

std::optional<int> choose_device(const EngineOptions& options) {
    const std::string& device = options.device;
    const bool cuda = device.rfind("cuda", 0) == 0;
    if (!cuda && device != "auto" && device != "cpu")
        throw Error(ErrorKind::usage, "unknown device '" + device + "': use auto, cpu, cuda or cuda:0");
    const GpuCount gpus = device == "cpu" ? GpuCount{} : cuda_gpus();
    if (cuda && gpus.count == 0)
        throw Error(ErrorKind::unsupported, "--device " + device + ": " + gpus.why_none + "; use --device cpu or auto");
    if (gpus.count == 0) {
        if (options.precision == Precision::fp16 || options.precision == Precision::tf32)
            throw Error(ErrorKind::unsupported, "the CPU computes in fp32 only; use precision fp32 or auto");
        return std::nullopt;
    }
    if (device == "auto" || device == "cuda") return 0;
    int ordinal = -1;
    const char* end = device.data() + device.size();
    const auto parsed = std::from_chars(device.data() + std::min<std::size_t>(5, device.size()), end, ordinal);
    if (device.rfind("cuda:", 0) != 0 || parsed.ec != std::errc() || parsed.ptr != end)
        throw Error(ErrorKind::usage, "unknown device '" + device + "': one GPU at a time for now, for example cuda:0");
    if (ordinal < 0 || ordinal >= gpus.count)
        throw Error(ErrorKind::unsupported, "--device " + device + ": this machine shows " +
                                                std::to_string(gpus.count) + " GPUs, counted from 0");
    return ordinal;
}

int choose_gpu(const EngineOptions& options) {
    const std::optional<int> gpu = choose_device(options);
    if (gpu) return *gpu;
    throw Error(ErrorKind::unsupported, "this needs a GPU, and " + cuda_gpus().why_none);
}

CompileOptions cpu_compile_options(const EngineOptions& options) {
    CompileOptions out;
    out.passes = {cpu_traits(), options.batch_norm};
    out.max_batch = options.max_batch ? options.max_batch : cpu_default_batch(options.threads);
    return out;
}

CompileOptions cuda_compile_options(const EngineOptions& options, Precision precision) {
    CompileOptions out;
    out.passes = {cuda_traits(precision), options.batch_norm};
    out.max_batch = options.max_batch ? options.max_batch : kGpuBatch;
    out.element_bytes = precision == Precision::fp16 ? 2 : 4;
    return out;
}

std::unique_ptr<GpuBackend> bind_gpu(const Network& network, const EngineOptions& options) {
    const int gpu = choose_gpu(options);
    const Precision precision = cuda_precision(options.precision, gpu);
    return make_cuda_backend(
        compile(network, cuda_compile_options(options, precision)), options.detect,
        {gpu, precision, options.autotune, options.trace, options.libraries, options.tuning_cache});
}

BoundBackend bind(const Network& network, const EngineOptions& options) {
    BoundBackend out;
    if (choose_device(options)) {
        std::unique_ptr<GpuBackend> gpu = bind_gpu(network, options);
        out.max_batch = gpu->plan().max_batch;
        out.notes = gpu->notes();
        out.backend = std::move(gpu);
        out.gpu = true;
    } else {
        const GpuCount gpus = cuda_gpus();
        if (options.device == "auto" && gpus.backend) out.notes.push_back("no GPU is used: " + gpus.why_none);
        const CompileOptions compile_options = cpu_compile_options(options);
        out.max_batch = compile_options.max_batch;
        out.backend = make_cpu_backend(compile(network, compile_options), options.detect, options.threads);
    }
    return out;
}

}  // namespace convoy
