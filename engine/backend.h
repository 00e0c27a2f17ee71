// SPDX-License-Identifier: MIT
//
// The seam between the engine and a device.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/compile.h"
#include "engine/detection.h"

namespace convoy {

/// A batch in flight: input tensor, head outputs and the detections that come of them. A slot is used by one thread at
/// a time, but its three steps may run on different threads, and different slots may be at different steps.
class Slot {
public:
    virtual ~Slot() = default;
    /// Scales `picture` into place `index` of the input tensor.
    virtual void preprocess(int index, const PixelView& picture) = 0;
    /// Runs the network over the first `count` pictures. One slot of a backend at a time, from one thread.
    virtual void run(int count) = 0;
    /// Waits for run() and lists what was found in picture `index`: after NMS, in Darknet's order, boxes not clipped.
    virtual void collect(int index, std::vector<Detection>& out) = 0;
};

/// A plan bound to one device: packed weights and arena, all allocated in the constructor.
class Backend {
public:
    virtual ~Backend() = default;
    virtual std::unique_ptr<Slot> make_slot() = 0;
    /// "cpu, fp32, 2 threads", for people.
    virtual std::string description() const = 0;
};

/// What the CPU's kernels can do. max_batch and the rest of the plan must have been compiled with these.
BackendTraits cpu_traits();

/// Pictures in one batch that keep `threads` threads (0: all cores) busy.
int cpu_default_batch(int threads);

/// Convolutions by oneDNN, the rest plain loops. `threads` of OpenMP, 0 for all cores.
/// Throws Error(model) when the plan has no weights.
std::unique_ptr<Backend> make_cpu_backend(Plan plan, const DetectOptions& detect, int threads);

}  // namespace convoy
