// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "bench/commands.h"
#include "bench/harness.h"
#include "engine/backend_cpu.h"

namespace convoy::bench {

nlohmann::json bench_network(const BenchOptions& options) {
    const Network network = options.model.load();
    CompileOptions compile_options;
    compile_options.passes.traits = cpu_traits();
    compile_options.max_batch = std::max(1, options.engine.max_batch);
    CpuBackend backend(compile(network, compile_options), options.engine.detect, options.engine.threads);
    CpuSlot slot(backend);
    const int batch = compile_options.max_batch;
    const Samples run = measure(options.warmup, options.passes, [&] { slot.run(batch); });
    fmt::print("{} {}x{}, {}, batch {}: {}, {:.3g} ms a picture\n", network.cfg_path, network.input.w, network.input.h,
               backend.description(), batch, run.text(), run.median() / batch);
    nlohmann::json out = run.json();
    out["batch"] = batch;
    out["ms_per_picture"] = run.median() / batch;
    return out;
}

}  // namespace convoy::bench
