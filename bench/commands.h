// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/options.h"
#include "tools/model_options.h"

namespace convoy::bench {

/// What every benchmark takes.
struct BenchOptions {
    tools::ModelOptions model;
    EngineOptions engine;
    std::string video;  ///< pipeline only
    std::string rows;   ///< conv only: a regular expression; empty takes all but the oracle
    int passes = 20;
    int warmup = 3;
};

/// Start to first picture: parse, map, fold, pack; resident memory against weights and activations.
nlohmann::json bench_load(const BenchOptions& options);
/// One pass of the network alone, no preprocessing, no decode.
nlohmann::json bench_network(const BenchOptions& options);
/// Every stage alone, then all of them overlapped, on a video.
nlohmann::json bench_pipeline(const BenchOptions& options);
/// `passes` batches of grey frames through an engine: growth of host and device memory, and its peak on the device.
nlohmann::json bench_soak(const BenchOptions& options);
/// Every distinct convolution of the model and every plain loop, in GFLOP/s, GB/s and shares of what this machine
/// reaches.
nlohmann::json bench_kernels(const BenchOptions& options);
/// On a GPU: every distinct convolution by every row of the table that computes it, as shares of what the card reaches.
nlohmann::json bench_conv(const BenchOptions& options);
/// On a GPU: 1080p pictures to the network's input.
nlohmann::json bench_preprocess(const BenchOptions& options);
/// On a GPU: raw heads to surviving boxes.
nlohmann::json bench_postprocess(const BenchOptions& options);

}  // namespace convoy::bench
