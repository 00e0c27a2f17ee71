// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <convoy/detection.h>
#include <convoy/export.h>
#include <convoy/frame.h>
#include <convoy/segment.h>
#include <convoy/trace.h>

namespace convoy {

/// How a batch norm is folded; the three programs that run Darknet models differ by about 1e-5 relative.
enum class BatchNormFormula {
    alexeyab,  ///< scale / sqrt(var + 1e-5)
    pjreddie,  ///< scale / (sqrt(var) + 1e-6): Debian's `darknet` package
    opencv,    ///< scale / sqrt(var + 1e-6)
};

enum class Precision {
    automatic,
    fp32,
    tf32,  ///< GPU: products of 10-bit mantissas on tensor cores, all else fp32
    fp16,  ///< GPU
    bf16,  ///< CPU with AMX or AVX512-BF16: weights, activations and products of 8 bits; sums and heads are fp32
};

/// Where a GPU's kernels come from: which of those that could compute a convolution does.
enum class Tuning {
    remembered,  ///< the fastest where that was measured before (EngineOptions::tuning_cache), the others by rule
    measured,    ///< what is not remembered is measured at the start, which takes a minute or two, and remembered
    fixed,       ///< all by rule: ours, the same every time
};

/// A part of the picture where nothing is wanted.
struct IgnoredRegion {
    Box box;
    bool share = false;  ///< of the picture's width and height, 0 to 1; else pixels of the frame
};

constexpr int kMostTiles = 32;           ///< in a row or a column
constexpr float kMostTileOverlap = .9f;  ///< of a tile's width and height

/// Frames that go through the network in pieces, for things that are small in them. The pieces are cut where the frame
/// lies (on the GPU, if it is there), and count as pictures of their own in batches; what is found in them is told in
/// the frame's pixels, each thing once (docs/usage.md says how boxes are joined).
struct TileOptions {
    int columns = 1, rows = 1;  ///< 1 to kMostTiles; a frame must have two pixels for each
    float overlap = .2f;        ///< of neighbours: a share of a tile's width and height, 0 to kMostTileOverlap
    bool whole = false;         ///< the whole frame goes through the network, too, for what is larger than a tile

    /// Pictures of each frame.
    constexpr int count() const { return columns * rows == 1 ? 1 : columns * rows + whole; }
};

struct DetectOptions {
    float confidence = .25f;  ///< objectness and objectness·class must exceed it; 0 < t < 1
    /// For each class, what objectness·class must exceed as well; empty: nothing more.
    std::vector<float> class_confidence = {};
    float nms = .45f;  ///< overlap over which the weaker box of a class goes
    /// The weaker of two boxes goes whatever its class, by the intersection over the union; the classes that are not
    /// kept, and boxes under their class's threshold, take no part.
    bool nms_across_classes = false;
    float min_size = 0;  ///< pixels of the frame: what is less wide or less high goes
    /// Boxes whose centres lie in one of them go, once NMS has taken place.
    std::vector<IgnoredRegion> ignored = {};
    int max_boxes = 0;  ///< keep only the most confident so many of what is left; 0 keeps all
    /// Keep only these class ids; empty keeps all. Classes whose name begins with "dont_show" are never kept.
    std::vector<int> classes = {};
    Fit fit = Fit::letterbox;
    Resize resize = Resize::bilinear;
    TileOptions tiles = {};
};

/// How packed weights get from the first GPU to the others.
enum class Replication {
    automatic,  ///< what is faster: copies, as measured (docs/measurements.md)
    copy,       ///< from device to device, by way of the host where they cannot reach each other
    nccl,       ///< one ncclBroadcast; Error(unsupported) where NCCL cannot be used
};

struct EngineOptions {
    /// "auto": every GPU that can be used, else the CPU. "cuda": every GPU; "cuda:1" or "cuda:0,2": these. "cpu"; or
    /// "cpu:0,cpu:1", which shares the cores between two devices. What this build or machine lacks is an
    /// Error(unsupported); of several GPUs, one that cannot be made ready is left out with a note.
    std::string device = "auto";
    Precision precision = Precision::automatic;  ///< automatic: fp16 on a GPU with tensor cores, bf16 on a
                                                 ///< CPU with AMX or AVX512-BF16, else fp32
    /// Pictures that go through the network together; 0 lets the engine choose: on a GPU 32, on the CPU up to four,
    /// with `throughput` up to 16. On the CPU they run side by side on a share of the threads each; 1 gives each frame
    /// all threads: the shortest latency.
    int max_batch = 0;
    int threads = 0;  ///< CPU threads of the network; 0 takes all cores
    /// Longest that a frame waits for its batch to fill, in ms; < 0 waits until the batch is full, the last frame has
    /// come or, in run(), the device has nothing else to do and none is coming. With 0 the thread that waits for a
    /// GPU's batch looks all the time, for 5 ms at the most, so that nobody learns of a result late.
    double max_latency_ms = -1;
    /// A picture's result has the same bits whatever shares its batch. On a GPU a batch of any size is computed by the
    /// kernels of the full one; by a library's it always runs at its full size. On the CPU a lone picture gets no more
    /// threads than one of a full batch. Otherwise kernels are chosen for each size, which is faster for small batches.
    bool same_bits = false;
    /// CPU: frames count, and not the latency of each, as of recordings. More pictures at a time have fewer threads
    /// each and are done sooner in sum. If expected_frames says that there are few, or so many would take over a
    /// quarter of the memory, there are no more than otherwise.
    bool throughput = false;
    std::shared_ptr<Trace> trace = {};  ///< told what runs where and when; may be null
    BatchNormFormula batch_norm = BatchNormFormula::alexeyab;
    Tuning tuning = Tuning::remembered;  ///< GPU
    bool libraries = true;               ///< GPU: cuDNN and cuBLASLt compete with our own kernels
    /// GPU: bytes of each one's memory that the engine may take when it is made: packed weights, activations,
    /// workspace, batches in flight, and what measuring kernels takes for a while. 0: no limit. max_batch follows it
    /// where that is 0; what does not fit is an Error(unsupported) that says how much is needed. Not in it: the CUDA
    /// context and the libraries' code, about 0.5 GB per process, and what grows with the pictures: those on their way,
    /// and the GPU's own video decoders.
    std::size_t gpu_memory = 0;
    Replication replication = Replication::automatic;  ///< several GPUs
    /// Asked once, at the start and perhaps from another thread, while it may take its time: how many frames there will
    /// be, 0 when nobody knows. For a few, what takes longer to make ready than it saves is left out on a GPU: the
    /// libraries' kernels, and with "auto" the second GPU and those behind it. On a CPU: see throughput. Empty: many.
    std::function<std::int64_t()> expected_frames = {};
    std::string tuning_cache = {};  ///< GPU: folder where what was measured is kept; empty keeps nothing
    /// GPU: asked, from the thread that makes the engine, while kernels are measured: true ends that, and what has not
    /// been measured yet goes by rule. It must not throw.
    std::function<bool()> stop_measuring = {};
    /// GPU: asked at the start, from threads of its own beside all the rest, once for each thread of a GPU that will
    /// decode: a reader whose decoder is made already, or null. run() lets its inputs adopt them
    /// (Input::adopt_reader()). It may be called until the engine is gone, and must not wait for long.
    std::function<std::unique_ptr<SegmentReader>(const DecodeTarget& target)> early_reader = {};
    /// Told, at the start and from the thread that makes the engine, what takes long: a sentence each time.
    std::function<void(const std::string& sentence)> notice = {};
    DetectOptions detect = {};
};

/// GPUs that are worth starting for so many frames, of any number that there is: the rule of expected_frames, for a
/// program that would rather not let CUDA see the others. A frame counts for each of its tiles.
CONVOY_API std::int64_t gpus_worth_starting(std::int64_t frames);

}  // namespace convoy
