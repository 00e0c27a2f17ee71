// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "engine/cuda/gpu_trail.h"
#include "kernels/preprocess.h"

namespace convoy {

/// Pictures in device memory on their way into a batch: scaled by one launch, since one a picture takes four times as
/// long, or by a few where a decoder cannot spare so many. From any thread.
class PictureGroup {
public:
    /// A launch that reads some of them.
    struct Launch {
        CudaEvent done = make_event();
        std::atomic<bool> enqueued = false;
    };
    /// They go to places 0 … most - 1, of which `input` is the first, on `stream`. The device is current here and in
    /// add() and launch().
    PictureGroup(CudaBackend& backend, const kernels::DeviceTensor& input, int most, cudaStream_t stream,
                 std::string track);
    /// More, for the places from `first` on: parts of a frame that is written on `written_on` by what was enqueued
    /// there. Returns the launch that will read them.
    std::shared_ptr<Launch> add(int first, std::span<const kernels::cuda::PlacedPicture> pictures,
                                cudaStream_t written_on);
    /// Enqueues what was added. What goes wrong is the batch's error: see check().
    void launch();
    /// Throws what a launch has thrown, once.
    void check();
    /// Forgets what was added.
    void drop();
    /// After the batch: notes the spans of its launches.
    void collect_spans();

private:
    struct Added {
        int place;
        kernels::cuda::PlacedPicture picture;
        cudaStream_t written_on;
    };
    void enqueue();
    void next_launch();

    CudaBackend& backend_;
    const kernels::DeviceTensor input_;
    const cudaStream_t stream_;
    std::vector<CudaEvent> written_;  // by place: the last one of each add()
    std::mutex mutex_;
    std::vector<Added> added_;
    std::shared_ptr<Launch> launch_;                 // of those; null where there are none
    std::vector<std::shared_ptr<Launch>> launches_;  // to use again
    std::exception_ptr error_;
    GpuTrail trail_;
};

}  // namespace convoy
