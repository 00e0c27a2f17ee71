// SPDX-License-Identifier: MIT
#include "engine/engine.h"

#include "engine/bind.h"
#include "engine/pipeline.h"

namespace convoy {
namespace {

constexpr int kCpuSlots = 2;  // one in the network, one being filled
constexpr int kGpuSlots = 3;  // and one whose results are being read

[[noreturn]] void usage(const std::string& sentence) { throw Error(ErrorKind::usage, sentence); }

void check_options(const Network& network, const EngineOptions& options) {
    const DetectOptions& d = options.detect;
    if (!(d.confidence > 0 && d.confidence < 1))
        usage("the confidence threshold must lie between 0 and 1, but is " + std::to_string(d.confidence));
    if (!(d.nms >= 0 && d.nms <= 1))
        usage("the NMS threshold must lie between 0 and 1, but is " + std::to_string(d.nms));
    if (d.max_boxes < 0) usage("the largest number of boxes must not be negative");
    if (options.max_batch < 0 || options.max_batch > 1024) usage("the batch must lie between 1 and 1024 pictures");
    if (options.threads < 0 || options.threads > 4096) usage("the number of threads must lie between 1 and 4096");
    if (network.classes() == 0)
        throw Error(ErrorKind::model,
                    network.cfg_path + ": the network has no yolo layer, so it cannot detect anything");
    if (network.input.c != 3)
        throw Error(ErrorKind::unsupported, network.cfg_path + ": the network takes " +
                                                std::to_string(network.input.c) + " channels, but pictures have 3");
    for (int id : d.classes)
        if (id < 0 || id >= network.classes())
            usage("class " + std::to_string(id) + " does not exist: the network has " +
                  std::to_string(network.classes()) + " classes");
}

void check_frame(const Frame& frame, bool gpu) {
    const PixelView& p = frame.pixels;
    const auto bad = [&](const std::string& what) {
        throw Error(ErrorKind::input, "frame " + std::to_string(frame.index) + " " + what);
    };
    constexpr int kMaxExtent = 32768;
    if (p.width < 1 || p.height < 1 || p.width > kMaxExtent || p.height > kMaxExtent)
        bad("is " + std::to_string(p.width) + "x" + std::to_string(p.height) + ": both must lie between 1 and " +
            std::to_string(kMaxExtent));
    if (p.on_device && !gpu) bad("lies in device memory, but the engine runs on the CPU");
    const bool nv12 = p.format == PixelFormat::nv12;
    if (!p.plane[0] || (nv12 && !p.plane[1])) bad("has no pixels");
    const int row = nv12 ? p.width : 3 * p.width;
    if (p.pitch[0] < row || (nv12 && p.pitch[1] < (p.width + 1) / 2 * 2))
        bad("has rows of " + std::to_string(p.pitch[0]) + " bytes, fewer than its width needs");
}

}  // namespace

struct Engine::Impl {
    BoundBackend bound;
    std::unique_ptr<Pipeline> pipeline;  // declared after the backend: its threads, which use it, end first
};

Engine::Engine(const Network& network, const EngineOptions& options) : impl_(std::make_unique<Impl>()) {
    check_options(network, options);
    impl_->bound = bind(network, options);
    impl_->pipeline = std::make_unique<Pipeline>(*impl_->bound.backend, options.detect, impl_->bound.max_batch,
                                                 impl_->bound.gpu ? kGpuSlots : kCpuSlots, options.max_latency_ms);
}

Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

std::vector<Detection> Engine::detect(const Frame& frame) {
    submit(frame);
    impl_->pipeline->flush();
    std::optional<Result> result = next();
    return result ? std::move(result->detections) : std::vector<Detection>{};
}

void Engine::submit(Frame frame) {
    check_frame(frame, impl_->bound.gpu);
    impl_->pipeline->submit(std::move(frame));
}

void Engine::finish() { impl_->pipeline->finish(); }
std::optional<Result> Engine::next() { return impl_->pipeline->next(); }
std::vector<StageStats> Engine::stats() const { return impl_->pipeline->stats(); }
std::vector<TraceSpan> Engine::take_trace() { return impl_->bound.backend->take_trace(); }
const std::vector<std::string>& Engine::notes() const { return impl_->bound.notes; }
int Engine::max_batch() const { return impl_->bound.max_batch; }
int Engine::capacity() const { return impl_->pipeline->capacity(); }

std::string Engine::description() const {
    return impl_->bound.backend->description() + ", batch " + std::to_string(impl_->bound.max_batch);
}

}  // namespace convoy
