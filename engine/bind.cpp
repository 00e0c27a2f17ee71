// SPDX-License-Identifier: MIT
#include "engine/bind.h"

#include <algorithm>
#include <charconv>

namespace convoy {
namespace {

constexpr int kGpuBatch = 32;
constexpr std::string_view kCuda = "cuda:";

}  // namespace

std::optional<int> choose_device(const EngineOptions& options, std::string* why_none) {
    const std::string& device = options.device;
    if (device == "auto" || device == "cpu") {
        const GpuCount gpus = device == "cpu" ? GpuCount{} : cuda_gpus();
        std::string why = gpus.count ? cuda_why_unusable(0) : gpus.why_none;
        if (gpus.count && why.empty()) return 0;
        if (options.precision == Precision::fp16 || options.precision == Precision::tf32)
            throw Error(ErrorKind::unsupported, "the CPU computes in fp32 only; use precision fp32 or auto");
        if (why_none && gpus.backend) *why_none = std::move(why);
        return std::nullopt;
    }
    int ordinal = 0;
    if (device != "cuda") {
        const char* end = device.data() + device.size();
        const auto parsed = std::from_chars(device.data() + std::min(kCuda.size(), device.size()), end, ordinal);
        if (device.rfind(kCuda, 0) != 0 || parsed.ec != std::errc() || parsed.ptr != end)
            throw Error(ErrorKind::usage,
                        "unknown device '" + device + "': use auto, cpu, cuda or one GPU, for example cuda:0");
    }
    const GpuCount gpus = cuda_gpus();
    const std::string why = gpus.count == 0 ? gpus.why_none
                            : ordinal >= gpus.count
                                ? "this machine shows " + std::to_string(gpus.count) + " GPUs, counted from 0"
                                : cuda_why_unusable(ordinal);
    if (why.empty()) return ordinal;
    throw Error(ErrorKind::unsupported, "--device " + device + ": " + why + "; use --device cpu or auto");
}

int choose_gpu(const EngineOptions& options) {
    std::string why = "the CPU was asked for";
    const std::optional<int> gpu = choose_device(options, &why);
    if (gpu) return *gpu;
    throw Error(ErrorKind::unsupported, "this needs a GPU: " + (why.empty() ? cuda_gpus().why_none : why));
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
        {gpu, precision, options.autotune, options.trace, options.libraries, options.tuning_cache, options.notice});
}

BoundBackend bind(const Network& network, const EngineOptions& options) {
    BoundBackend out;
    std::string why_no_gpu;
    if (choose_device(options, &why_no_gpu)) {
        std::unique_ptr<GpuBackend> gpu = bind_gpu(network, options);
        out.max_batch = gpu->plan().max_batch;
        out.notes = gpu->notes();
        out.backend = std::move(gpu);
        out.gpu = true;
    } else {
        if (!why_no_gpu.empty()) out.notes.push_back("no GPU is used: " + why_no_gpu);
        const CompileOptions compile_options = cpu_compile_options(options);
        out.max_batch = compile_options.max_batch;
        out.backend = make_cpu_backend(compile(network, compile_options), options.detect, options.threads);
    }
    return out;
}

}  // namespace convoy
