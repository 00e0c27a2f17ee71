// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/frame.h"

namespace convoy {

/// How a batch norm is folded; the three programs that run Darknet models differ by about 1e-5 relative.
enum class BatchNormFormula {
    alexeyab,  ///< scale / sqrt(var + 1e-5)
    pjreddie,  ///< scale / (sqrt(var) + 1e-6): Debian's `darknet` package
    opencv,    ///< scale / sqrt(var + 1e-6)
};

enum class Precision { automatic, fp32, tf32, fp16 };

struct DetectOptions {
    float confidence = .25f;   ///< objectness and objectness·class must exceed it; 0 < t < 1
    float nms = .45f;          ///< overlap over which the weaker box of a class goes
    int max_boxes = 0;         ///< keep only the most confident so many; 0 keeps all
    std::vector<int> classes;  ///< keep only these class ids; empty keeps all
    Fit fit = Fit::letterbox;
    Resize resize = Resize::bilinear;
};

struct EngineOptions {
    /// "auto", "cpu", "cuda" (the first GPU) or "cuda:1". What this build or machine lacks is an Error(unsupported).
    std::string device = "auto";
    Precision precision = Precision::automatic;  ///< automatic: fp16 on a GPU with tensor cores, else fp32
    /// Pictures that go through the network together; 0 lets the engine choose. On the CPU they run side by side on a
    /// share of the threads each, which is fastest for a stream of frames; 1 gives each frame all threads: the shortest
    /// latency.
    int max_batch = 0;
    int threads = 0;  ///< CPU threads of the network; 0 takes all cores
    /// Longest that a frame waits for its batch to fill, in ms; < 0 waits until the batch is full or flush().
    double max_latency_ms = -1;
    BatchNormFormula batch_norm = BatchNormFormula::alexeyab;
    bool autotune = true;      ///< GPU: time the kernels that could serve each layer; false takes fixed ones
    bool trace = false;        ///< GPU: note when each copy, kernel and batch ran, for Engine::take_trace()
    bool libraries = true;     ///< GPU: cuDNN and cuBLASLt compete with our own kernels
    std::string tuning_cache;  ///< GPU: folder where what was measured is kept; empty measures at every start
    /// Told, at the start and from the thread that makes the engine, what takes long: a sentence each time.
    std::function<void(const std::string& sentence)> notice;
    DetectOptions detect;
};

}  // namespace convoy
