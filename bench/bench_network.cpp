// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <thread>

#include <convoy/load.h>
#include "bench/commands.h"
#include "bench/harness.h"
#include "engine/bind.h"

namespace convoy::bench {
namespace {

constexpr int kSingleRuns = 30;

}  // namespace
nlohmann::json bench_network(const BenchOptions& options) {
    Network network = options.model.load(false);
    if (!network.weights_storage) randomize_weights(network, 1);  // speed does not depend on them
    const int batch = std::max(1, options.engine.max_batch);
    EngineOptions engine = options.engine;
    engine.max_batch = batch;
    engine.same_bits = true;  // no other size is wanted
    const BoundEngine bound = bind(network, engine);
    Backend& backend = *bound.devices.front().backend;
    // Several devices side by side: each as fast as it can, for the same number of samples.
    std::vector<Samples> all(bound.devices.size());
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < all.size(); ++i)
            threads.emplace_back(
                [&, i] { all[i] = time_batches(*bound.devices[i].backend, batch, options.warmup, options.passes); });
    }
    const Samples& run = all.front();
    double rate = 0;
    for (const Samples& samples : all) rate += batch / samples.median() * 1e3;
    fmt::print("{} {}x{}, {}, batch {}: {}, {:.3g} ms a picture, {:.1f} pictures/s\n", network.cfg_path,
               network.input.w, network.input.h, backend.description(), batch, run.text(), run.median() / batch, rate);
    nlohmann::json out = run.json();
    if (auto* gpu = dynamic_cast<GpuBackend*>(&backend)) {
        Samples alone;
        for (double us : gpu->network_us(batch, kSingleRuns)) alone.ms.push_back(us * 1e-3);
        fmt::print("without decode and NMS, one at a time: {}, {:.1f} pictures/s\n", alone.text(),
                   batch / alone.median() * 1e3);
        out["network_alone"] = alone.json();
    }
    out["bench"] = "network";
    out["model"] = network.cfg_path;
    out["input"] = {network.input.w, network.input.h};
    out["precision"] = backend.description();
    out["batch"] = batch;
    out["devices"] = all.size();
    out["fps"] = rate;
    out["ms_per_picture"] = run.median() / batch;
    return out;
}

}  // namespace convoy::bench
