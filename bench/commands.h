// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include <convoy/options.h>
#include "tools/model_options.h"

namespace convoy::bench {

/// What every benchmark takes.
struct BenchOptions {
    tools::ModelOptions model;
    EngineOptions engine;
    std::string video;     ///< pipeline, run, decode, host, soak
    int decoders = 0;      ///< run and decode: threads a device; 0 takes the engine's choice
    int cpu_decoders = 0;  ///< run: threads a device that decode on the CPU beside them; 0 as above, -1 for none
    int streams = 4;       ///< soak with a video: so many at once
    double seconds = 60;   ///< the same: for so long
    std::string rows;      ///< conv only: a regular expression; empty takes all but the oracle
    int passes = 20;
    int warmup = 3;
};

/// Start to first picture: parse, map, fold, pack; resident memory against weights and activations.
nlohmann::json bench_load(const BenchOptions& options);
/// One pass of the network alone, no preprocessing, no decode.
nlohmann::json bench_network(const BenchOptions& options);
/// Every stage alone, then all of them overlapped, on a video.
nlohmann::json bench_pipeline(const BenchOptions& options);
/// A whole video through an engine on all devices asked for, without output.
nlohmann::json bench_run(const BenchOptions& options);
/// Its decoding alone.
nlohmann::json bench_decode(const BenchOptions& options);
/// What one thread does for the frames of all devices: the video read and cut into segments, JSON records made.
nlohmann::json bench_host(const BenchOptions& options);
/// Without a video: `passes` batches of grey frames through an engine: growth of host and device memory, and its peak
/// on the device. With one: that video again and again, several streams at once.
nlohmann::json bench_soak(const BenchOptions& options);
/// Every distinct convolution of the model and every plain loop, in GFLOP/s, GB/s and shares of what this machine
/// reaches.
nlohmann::json bench_kernels(const BenchOptions& options);
/// On the CPU: every layer of the network in its turn, the fastest of all passes, the slowest layer first.
nlohmann::json bench_layers(const BenchOptions& options);
/// On the CPU: suppression of few and of many candidates.
nlohmann::json bench_nms(const BenchOptions& options);
/// The tracker on a frame of few and of many boxes.
nlohmann::json bench_track(const BenchOptions& options);
/// On a GPU: every distinct convolution by every row of the table that computes it, as shares of what the card reaches.
nlohmann::json bench_conv(const BenchOptions& options);
/// On a GPU: 1080p pictures to the network's input.
nlohmann::json bench_preprocess(const BenchOptions& options);
/// JPEGs of 1080p pictures in host memory by 16 threads, on GPU 0 or, on the device "cpu", the CPU.
nlohmann::json bench_jpeg(const BenchOptions& options);
/// On a GPU: what passes between two layers that compute nothing, by how the second learns that the first is done.
nlohmann::json bench_boundary(const BenchOptions& options);
/// On a GPU: raw heads to surviving boxes.
nlohmann::json bench_postprocess(const BenchOptions& options);

}  // namespace convoy::bench
