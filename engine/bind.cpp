// SPDX-License-Identifier: MIT
#include "engine/bind.h"

#include <algorithm>
#include <future>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "engine/cores.h"
#include "engine/cpu/cpu.h"
#include "engine/device_list.h"
#include "engine/stage.h"
#include "engine/start_thread.h"

namespace convoy {
namespace {

constexpr int kGpuBatch = 32;
// That one GPU does in the 0.6 to 0.95 s by which each further one makes the start longer.
constexpr std::int64_t kFramesOfStart = 4000, kMostGpus = 1024;

std::string mebibytes(std::size_t bytes) { return std::to_string((bytes + (1u << 20) - 1) >> 20) + " MiB"; }
std::string cuda_name(int gpu) { return "cuda:" + std::to_string(gpu); }

// Every GPU that can be used, or as many as are worth while; those that are left out are said why.
DeviceChoice all_gpus(const EngineOptions& options) {
    DeviceChoice choice;
    GpuCount gpus = cuda_gpus();
    const std::int64_t frames = options.device == "auto" && options.expected_frames ? options.expected_frames() : 0;
    if (frames > 0)
        for (const int wanted = int(std::min<std::int64_t>(gpus_worth_starting(frames), gpus.count));
             gpus.count > wanted;)
            choice.unusable.push_back(cuda_name(--gpus.count) + " is not started: " + std::to_string(frames) +
                                      " pictures are done sooner without it");
    std::vector<std::string> whys(std::size_t(gpus.count));
    {
        std::vector<std::jthread> threads;  // each makes a context, which takes a tenth of a second
        for (int gpu = 0; gpu < gpus.count; ++gpu)
            start_thread(threads, [gpu, &why = whys[std::size_t(gpu)]] { why = cuda_why_unusable(gpu); });
    }
    for (int gpu = 0; gpu < gpus.count; ++gpu) {
        const std::string& why = whys[std::size_t(gpu)];
        if (why.empty())
            choice.gpus.push_back(gpu);
        else
            choice.unusable.push_back(cuda_name(gpu) + " is not used: " + why);
    }
    if (!choice.gpus.empty()) return choice;
    choice.why_no_gpu = choice.unusable.empty() ? gpus.why_none : choice.unusable.front();
    return choice;
}

void check_gpus(const std::string& asked, const std::vector<int>& gpus) {
    const GpuCount there = cuda_gpus();
    for (int gpu : gpus) {
        const std::string why = there.count == 0 ? there.why_none
                                : gpu >= there.count
                                    ? "this machine shows " + std::to_string(there.count) + " GPUs, counted from 0"
                                    : cuda_why_unusable(gpu);
        if (!why.empty())
            throw Error(ErrorKind::unsupported, "device " + asked + ": " + why + "; use device cpu or auto");
    }
}

CudaOptions cuda_options(const EngineOptions& options, Precision precision) {
    CudaOptions out;
    out.precision = precision;
    out.tuning = options.tuning;
    out.stop_measuring = options.stop_measuring;
    out.same_bits = options.same_bits;
    out.eager = options.max_latency_ms == 0;
    out.memory_limit = options.gpu_memory;
    out.libraries = options.libraries;
    out.tuning_cache = options.tuning_cache;
    out.notice = options.notice;
    out.trace = options.trace.get();
    out.replication = options.replication;
    out.early_reader = options.early_reader;
    return out;
}

void bind_cpus(const Network& network, const EngineOptions& options, const std::vector<int>& numbers,
               BoundEngine& out) {
    EngineOptions share = options;
    const int cores = options.threads ? options.threads : cpu_threads();
    share.threads = std::max(1, cores / int(numbers.size()));
    CompileOptions compile_options = cpu_compile_options(share);
    constexpr std::size_t kMostShare = 4;  // of the memory
    const int least = options.max_batch ? compile_options.max_batch : cpu_batch(share.threads, 0);
    Plan plan = compile(network, compile_options);
    if (plan.max_batch > least && cpu_memory(plan, share.threads) * numbers.size() > usable_memory() / kMostShare) {
        compile_options.max_batch = least;
        plan = compile(network, compile_options);
    }
    out.max_batch = compile_options.max_batch;
    for (int number : numbers) {
        const std::string name = numbers.size() == 1 ? "cpu" : "cpu:" + std::to_string(number);
        out.devices.push_back({name,
                               -1,
                               make_cpu_backend(plan, options.detect, share.threads, cpu_precision(options.precision),
                                                options.trace.get(), name, options.same_bits),
                               {}});
    }
}

}  // namespace

std::int64_t gpus_worth_starting(std::int64_t frames) {
    std::int64_t gpus = 1;
    // One more saves the difference between a share of all frames and the next smaller one.
    while (gpus < kMostGpus && frames > kFramesOfStart * gpus * (gpus + 1)) ++gpus;
    return gpus;
}

DeviceChoice choose_devices(const EngineOptions& options) {
    const DeviceList list = parse_devices(options.device);
    DeviceChoice choice;
    const auto on_gpus = [&] {
        if (options.precision == Precision::bf16)
            throw Error(ErrorKind::unsupported,
                        "GPUs compute in fp16, tf32 and fp32, not in bf16; use one of these, or device cpu");
        return choice;
    };
    if (list.kind == DeviceList::Kind::cuda && !list.numbers.empty()) {
        check_gpus(options.device, list.numbers);
        choice.gpus = list.numbers;
        return on_gpus();
    }
    if (list.kind != DeviceList::Kind::cpu) choice = all_gpus(options);
    if (!choice.gpus.empty()) return on_gpus();
    if (list.kind == DeviceList::Kind::cuda)
        throw Error(ErrorKind::unsupported,
                    "device " + options.device + ": " + choice.why_no_gpu + "; use device cpu or auto");
    cpu_precision(options.precision);  // or an error
    if (!cuda_gpus().backend) choice.why_no_gpu.clear();
    choice.cpus = list.numbers.empty() ? std::vector{0} : list.numbers;
    return choice;
}

int choose_gpu(const EngineOptions& options) {
    const DeviceChoice choice = choose_devices(options);
    if (!choice.gpus.empty()) return choice.gpus.front();
    std::string why = options.device.starts_with("cpu") ? "the CPU was asked for" : choice.why_no_gpu;
    throw Error(ErrorKind::unsupported, "this needs a GPU: " + (why.empty() ? cuda_gpus().why_none : why));
}

CompileOptions cpu_compile_options(const EngineOptions& options) {
    CompileOptions out;
    out.passes = {cpu_traits(cpu_precision(options.precision)), options.batch_norm};
    if (options.max_batch) {
        out.max_batch = options.max_batch;
        return out;
    }
    std::int64_t frames = options.throughput ? std::numeric_limits<std::int64_t>::max() : 0;
    if (options.throughput && options.expected_frames)
        if (const std::int64_t expected = options.expected_frames(); expected > 0) frames = expected;
    out.max_batch = cpu_batch(options.threads, frames);
    return out;
}

CompileOptions cuda_compile_options(const EngineOptions& options, Precision precision) {
    CompileOptions out;
    out.passes = {cuda_traits(precision), options.batch_norm};
    out.max_batch = options.max_batch ? options.max_batch : kGpuBatch;
    return out;
}

Plan compile_for_gpus(const Network& network, const EngineOptions& options, Precision precision,
                      const std::vector<int>& gpus) {
    std::size_t timer = 0;
    for (int gpu : gpus) timer = std::max(timer, cuda_timer_bytes(gpu));
    CompileOptions compile_options = cuda_compile_options(options, precision);
    for (;;) {
        Plan plan = compile(network, compile_options);
        const std::size_t needed = cuda_memory(plan, precision, kGpuSlots).at_start(timer);
        if (options.gpu_memory == 0 || needed <= options.gpu_memory) return plan;
        if (options.max_batch || plan.max_batch == 1)
            throw Error(ErrorKind::unsupported, "at a batch of " + std::to_string(plan.max_batch) +
                                                    " this network needs " + mebibytes(needed) +
                                                    " of a GPU's memory, but only " + mebibytes(options.gpu_memory) +
                                                    " may be taken: allow more, or run a smaller " +
                                                    (plan.max_batch > 1 ? "batch" : "input size"));
        compile_options.max_batch = (plan.max_batch + 1) / 2;
    }
}

std::unique_ptr<GpuBackend> bind_gpu(const Network& network, const EngineOptions& options) {
    const int gpu = choose_gpu(options);
    const Precision precision = cuda_precision(options.precision, gpu);
    CudaSet set = make_cuda_backends(cuda_pack(compile_for_gpus(network, options, precision, {gpu}), precision),
                                     options.detect, {gpu}, cuda_options(options, precision));
    if (!set.backends.front()) throw Error(set.error_kind, set.failures.front());
    return std::move(set.backends.front());
}

BoundEngine bind(const Network& network, const EngineOptions& asked) {
    BoundEngine out;
    EngineOptions options = asked;
    std::mutex asking;
    std::optional<std::int64_t> expected;
    if (asked.expected_frames)
        options.expected_frames = [&] {
            const std::lock_guard lock(asking);
            if (!expected) expected = asked.expected_frames();
            return *expected;
        };
    // GPUs take a quarter of a second to answer. Meanwhile the weights are packed as most of them want them.
    std::future<DeviceChoice> devices;
    const auto look_for_devices = [&] {
        devices = std::async(std::launch::async | std::launch::deferred, [&] {  // deferred: without a thread for it
            const TraceScope traced(options.trace.get(), "host", "devices", "look for devices");
            return choose_devices(options);
        });
    };
    std::shared_ptr<PackedPlan> packed;
    const Precision likely = options.precision == Precision::automatic ? Precision::fp16 : options.precision;
    if (cuda_is_likely() && options.gpu_memory == 0 && likely != Precision::bf16 &&
        parse_devices(options.device).kind != DeviceList::Kind::cpu)
        packed =
            cuda_pack(compile_for_gpus(network, options, likely, {}), likely, options.trace.get(), look_for_devices);
    if (!devices.valid()) look_for_devices();
    const DeviceChoice choice = devices.get();
    if (choice.gpus.empty()) {
        if (!choice.why_no_gpu.empty()) out.notes.push_back("no GPU is used: " + choice.why_no_gpu);
        bind_cpus(network, options, choice.cpus, out);
        return out;
    }
    out.notes = choice.unusable;
    // The lowest precision that all of them have, so that results do not depend on which one a frame went to.
    Precision precision = cuda_precision(options.precision, choice.gpus.front());
    for (int gpu : choice.gpus)
        if (cuda_precision(options.precision, gpu) == Precision::fp32) precision = Precision::fp32;
    if (!packed || precision != likely)
        packed = cuda_pack(compile_for_gpus(network, options, precision, choice.gpus), precision, options.trace.get());
    out.max_batch = max_batch_of(*packed);
    CudaOptions cuda = cuda_options(options, precision);
    if (options.expected_frames) cuda.expected_frames = options.expected_frames();
    CudaSet set = make_cuda_backends(std::move(packed), options.detect, choice.gpus, cuda);
    for (std::size_t i = 0; i < choice.gpus.size(); ++i) {
        const int gpu = choice.gpus[i];
        if (!set.backends[i]) {
            out.failed.push_back({cuda_name(gpu), set.failures[i]});
            continue;
        }
        for (std::string& note : set.backends[i]->notes())  // each once, though several GPUs may say it
            if (std::find(out.notes.begin(), out.notes.end(), note) == out.notes.end())
                out.notes.push_back(std::move(note));
        out.devices.push_back({cuda_name(gpu), gpu, std::move(set.backends[i]), cpus_near_gpu(gpu)});
    }
    out.replication = set.replication;
    out.replication_s = set.replication_s;
    if (out.devices.empty()) throw Error(set.error_kind, out.failed.front().why);
    return out;
}

}  // namespace convoy
