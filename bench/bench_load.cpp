// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "bench/commands.h"
#include "bench/harness.h"
#include "engine/backend_cpu.h"

namespace convoy::bench {

nlohmann::json bench_load(const BenchOptions& options) {
    const std::size_t before = peak_resident_bytes();
    std::size_t weights = 0, activations = 0;
    const Samples parse = measure(0, 1, [&] { options.model.load(); });
    const auto start_up = [&] {
        const Network network = options.model.load();
        CompileOptions compile_options;
        compile_options.passes.traits = cpu_traits();
        compile_options.max_batch =
            options.engine.max_batch > 0 ? options.engine.max_batch : cpu_default_batch(options.engine.threads);
        CpuBackend backend(compile(network, compile_options), options.engine.detect, options.engine.threads);
        CpuSlot slot(backend);
        slot.run(compile_options.max_batch);
        weights = network.weight_count() * sizeof(float);
        activations = backend.working_bytes() + backend.plan().memory.slot_bytes;
    };
    const Samples first = measure(0, 1, start_up);
    const std::size_t peak = peak_resident_bytes();
    const Samples again = measure(0, options.passes, start_up);
    const double budget = 2.0 * double(weights) + double(activations);
    fmt::print("parse and map           {}\n", parse.text());
    fmt::print("files to first result   {} the first time, then {}\n", first.text(), again.text());
    fmt::print("peak resident memory    {:.0f} MB, of which {:.0f} MB before anything was loaded\n", double(peak) / 1e6,
               double(before) / 1e6);
    fmt::print("2 x weights + activations = 2 x {:.0f} + {:.0f} = {:.0f} MB; peak is {:.2f} of it\n",
               double(weights) / 1e6, double(activations) / 1e6, budget / 1e6, double(peak) / budget);
    return {
        {"parse", parse.json()},    {"first", first.json()},    {"again", again.json()},          {"peak_bytes", peak},
        {"baseline_bytes", before}, {"weights_bytes", weights}, {"activation_bytes", activations}};
}

}  // namespace convoy::bench
