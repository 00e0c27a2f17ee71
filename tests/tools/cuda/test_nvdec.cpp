// SPDX-License-Identifier: MIT
//
// What NVDEC decodes, segment by segment, is to the bit what the CPU decodes.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <convoy/media/input.h>
#include <convoy/convoy.hpp>
#include "tests/support/catch.h"
#include "tests/support/cuda.h"
#include "tests/support/data.h"
#include "tests/tools/awkward_videos.h"
#include "tests/tools/clip_server.h"
#include "tests/tools/segment_frames.h"
#include "tools/media/in/av_cuda.h"
#include "tools/media/in/live_reader.h"
#include "tools/media/in/video_reader.h"

using namespace convoy;
using namespace convoy::test;

namespace {

/// GPU 0's primary context, found by the driver's own function as the runtime knows it, and a stream.
class Gpu {
public:
    Gpu() {
        cuda_ok(cudaSetDevice(0));
        cuda_ok(cudaFree(nullptr));  // makes the context
        cuda_ok(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
        using GetCurrent = int (*)(void**);
        void* found = nullptr;
        cudaDriverEntryPointQueryResult result{};
        cuda_ok(cudaGetDriverEntryPointByVersion("cuCtxGetCurrent", &found, 12000, cudaEnableDefault, &result));
        if (!found || reinterpret_cast<GetCurrent>(found)(&target_.cuda_context) != 0)
            throw std::runtime_error("no current CUDA context");
        target_.gpu = 0;
        target_.cuda_stream = stream_;
    }
    ~Gpu() { cudaStreamDestroy(stream_); }
    Gpu(const Gpu&) = delete;
    const DecodeTarget& target() const { return target_; }
    cudaStream_t stream() const { return stream_; }

private:
    cudaStream_t stream_ = nullptr;
    DecodeTarget target_;
};

/// A frame of the device's memory, copied to the host in the order of its stream.
FrameMark mark_of_device(const Frame& frame, cudaStream_t stream) {
    const PixelView& p = frame.pixels;
    if (!p.on_device) return mark_of(frame);
    REQUIRE(frame.cuda_stream == stream);
    REQUIRE(p.format == PixelFormat::nv12);
    const int chroma_w = (p.width + 1) / 2 * 2, chroma_h = (p.height + 1) / 2;
    std::vector<std::uint8_t> luma(std::size_t(p.width) * p.height), chroma(std::size_t(chroma_w) * chroma_h);
    const auto copy = [&](std::vector<std::uint8_t>& to, int plane, int w, int h) {
        cuda_ok(cudaMemcpy2DAsync(to.data(), std::size_t(w), p.plane[plane], std::size_t(p.pitch[plane]),
                                  std::size_t(w), std::size_t(h), cudaMemcpyDeviceToHost, stream));
    };
    copy(luma, 0, p.width, p.height);
    copy(chroma, 1, chroma_w, chroma_h);
    cuda_ok(cudaStreamSynchronize(stream));
    Frame host = frame;
    host.pixels.on_device = false;
    host.pixels.plane[0] = luma.data();
    host.pixels.plane[1] = chroma.data();
    host.pixels.pitch[0] = p.width;
    host.pixels.pitch[1] = chroma_w;
    return mark_of(host);
}

struct Tally {
    int segments = 0, on_gpu = 0;
    std::map<std::string, int> fallbacks;
};

/// `held`: how many frames are kept until later ones have come, as an engine does.
std::vector<FrameMark> read_on_gpu(SegmentReader& reader, const std::shared_ptr<const Segment>& segment,
                                   cudaStream_t stream, std::size_t held, Tally& tally) {
    std::vector<FrameMark> marks;
    std::vector<Frame> waiting;
    reader.open(segment);
    bool all_on_device = true;
    const auto let_go = [&] {
        all_on_device &= waiting.front().pixels.on_device;
        marks.push_back(mark_of_device(waiting.front(), stream));
        waiting.erase(waiting.begin());
    };
    while (auto frame = reader.next()) {
        waiting.push_back(std::move(*frame));
        if (waiting.size() > held) let_go();
    }
    while (!waiting.empty()) let_go();
    const SegmentNotes notes = reader.notes();
    ++tally.segments;
    tally.on_gpu += notes.on_gpu;
    if (!notes.fallback.empty()) ++tally.fallbacks[notes.fallback];
    CHECK(notes.on_gpu == notes.fallback.empty());
    if (notes.on_gpu) CHECK(all_on_device);
    return marks;
}

void check_on_gpu(const AwkwardVideo& video, const Gpu& gpu) {
    const auto input = media::open_input(video.path), other = media::open_input(video.path);
    const auto segments = all_segments(*input), others = all_segments(*other);
    REQUIRE(others.size() == segments.size());
    const auto cpu = input->make_reader({}), nvdec = input->make_reader(gpu.target());
    Tally tally;
    for (int round = 0; round < 2; ++round) {  // backwards the second time, from another input of the same kind
        if (round == 1) CHECK(other->adopt_reader(*nvdec));
        for (std::size_t i = 0; i < segments.size(); ++i) {
            const std::size_t index = round == 0 ? i : segments.size() - 1 - i;
            const std::vector<FrameMark> expected = read_segment(*cpu, segments[index]);
            const auto& segment = (round == 0 ? segments : others)[index];
            INFO(video.name << ", segment " << i << ", round " << round);
            CHECK(difference(read_on_gpu(*nvdec, segment, gpu.stream(), 3, tally), expected) == "");
        }
    }
    std::string why;
    for (const auto& [reason, count] : tally.fallbacks) why += ", " + std::to_string(count) + " not: " + reason;
    WARN(video.name << ": " << tally.on_gpu << " of " << tally.segments << " by NVDEC" << why);
    const bool by_gpu = video.nv12 && !video.damaged && (video.cut == Cut::many || video.cut == Cut::one) &&
                        video.name != "jpeg.avi" && video.name != "vp9_odd.webm" && video.name != "av1.mp4" &&
                        video.name != "hevc_small.mp4";
    const int flawed = video.name == "two_sizes.ts" ? 2 : 0;  // where one file follows the other, in each round
    if (by_gpu) CHECK(tally.on_gpu + flawed == tally.segments);
    if (video.name == "hevc_small.mp4") {
        CHECK(tally.on_gpu == 0);
        CHECK(tally.fallbacks["the GPU has no decoder for it"] == tally.segments);
    }
}

}  // namespace

TEST_CASE("NVDEC gives the CPU's frames, and leaves to it what it cannot", "[nvdec]") {
    REQUIRE_GPU();
    if (!has_ffmpeg()) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    const Gpu gpu;
    std::string why_not;
    if (!media::cuda_device(gpu.target(), why_not)) {
        WARN("skipped: " << why_not);
        return;
    }
    const TempFolder folder;
    for (const AwkwardVideo& video : make_awkward_videos(folder)) check_on_gpu(video, gpu);
}

TEST_CASE("the shipped clip is decoded by NVDEC", "[nvdec]") {
    REQUIRE_GPU();
    const Gpu gpu;
    check_on_gpu({"the clip", clip(), Cut::many, false, true}, gpu);
}

namespace {

struct Counter : RunObserver {
    std::vector<std::vector<std::pair<int, float>>> found;  // classes and confidences, by frame of all inputs
    std::int64_t segments = 0, on_gpu = 0;
    void result(int, Result& result) override {
        auto& frame = found.emplace_back();
        for (const Detection& d : result.detections) frame.push_back({d.class_id, d.confidence});
    }
    void end_input(int, const InputEnd& end) override { segments += end.segments, on_gpu += end.on_gpu; }
};

}  // namespace

TEST_CASE("NVDEC goes on with a live stream that has dropped out", "[nvdec]") {
    REQUIRE_GPU();
    const TempFolder folder;
    if (!make_video("-i '" + clip() + "' -c copy", folder / "clip.ts")) return;
    const Gpu gpu;
    const std::vector<FrameMark> expected = read_in_sequence(folder / "clip.ts");
    const ClipServer server(read_bytes(folder / "clip.ts"));
    media::LiveReader reader(server.url(), {}, {}, gpu.target());
    reader.open(nullptr);
    for (int connection = 0; connection < 3; ++connection)
        for (std::size_t i = 0; i < expected.size(); ++i) {
            CAPTURE(connection, i);
            const auto frame = reader.next();
            REQUIRE(frame);
            CHECK(frame->pixels.on_device);
            REQUIRE(mark_of_device(*frame, gpu.stream()).hash == expected[i].hash);
        }
    CHECK(reader.notes().on_gpu);
}

TEST_CASE("decoders that are made early serve inputs of a kind, run after run, and go with the engine", "[nvdec]") {
    REQUIRE_GPU();
    const std::string stem = source_dir() + "/models/yolov3-quarter";
    const Network network = load_network(stem + ".cfg", stem + ".weights", "", {160, 160});
    EngineOptions options;
    options.device = "cuda:0";
    options.tuning = Tuning::fixed;
    options.libraries = false;
    options.same_bits = true;
    RunThreads threads;
    threads.cpu_decoders = -1;
    const auto open = [](std::stop_token cancel) { return media::open_input(clip(), {}, cancel); };
    const std::atomic<bool> stop = false;
    Counter plain;
    Engine(network, options).run({{open, 0}}, plain, stop, threads);
    REQUIRE(plain.found.size() == 240);
    CHECK(plain.on_gpu == plain.segments);

    const auto source = media::open_input(clip());
    const std::shared_ptr<const Segment> first = source->next_segment();
    std::atomic<int> made = 0;
    options.early_reader = [&](const DecodeTarget& target) {
        auto reader = source->make_reader(target);
        reader->warm_up(first);
        ++made;
        return reader;
    };
    {
        Engine engine(network, options);
        for (int run = 0; run < 2; ++run) {
            Counter early;
            engine.run({{open, 0}, {open, 0}}, early, stop, threads);
            REQUIRE(early.found.size() == 480);
            CHECK(early.on_gpu == early.segments);
            for (std::size_t i = 0; i < 480; ++i) REQUIRE(early.found[i] == plain.found[i % 240]);
        }
    }
    CHECK(made > 0);
    CHECK(made <= 8);
    Engine(network, options);  // whose decoders nobody takes, and which goes while they are being made
}

TEST_CASE("tiles of what NVDEC decodes are those of what the CPU decodes", "[nvdec]") {
    REQUIRE_GPU();
    const std::string stem = source_dir() + "/models/yolov3-quarter";
    const Network network = load_network(stem + ".cfg", stem + ".weights", "", {160, 160});
    EngineOptions options;
    options.device = "cuda:0";
    options.tuning = Tuning::fixed;
    options.libraries = false;
    options.same_bits = true;
    options.max_batch = 8;
    options.detect.tiles = {3, 2, .2f, true};
    // The same network on frames of host memory: those of an input that knows no GPU.
    class OnCpu : public Input {
    public:
        explicit OnCpu(std::unique_ptr<Input> inner) : inner_(std::move(inner)) {}
        const InputInfo& info() const override { return inner_->info(); }
        std::shared_ptr<const Segment> next_segment() override { return inner_->next_segment(); }
        std::unique_ptr<SegmentReader> make_reader(const DecodeTarget&) override { return inner_->make_reader({}); }

    private:
        std::unique_ptr<Input> inner_;
    };
    RunThreads threads;
    threads.cpu_decoders = -1;
    const std::atomic<bool> stop = false;
    Engine engine(network, options);
    Counter by_gpu, by_cpu;
    const auto open = [](std::stop_token cancel) { return media::open_input(clip(), {}, cancel); };
    const auto open_on_cpu = [&](std::stop_token cancel) -> std::unique_ptr<Input> {
        return std::make_unique<OnCpu>(open(cancel));
    };
    const RunReport report = engine.run({{open, 0}}, by_gpu, stop, threads);
    engine.run({{open_on_cpu, 0}}, by_cpu, stop, threads);
    CHECK(by_gpu.on_gpu == by_gpu.segments);
    CHECK(by_cpu.on_gpu == 0);
    REQUIRE(by_gpu.found.size() == 240);
    CHECK(by_gpu.found == by_cpu.found);
    CHECK(report.devices.at(0).frames == 240);
    CHECK(report.devices.at(0).pictures == 240 * 7);
}

TEST_CASE("without a usable context the CPU decodes", "[nvdec]") {
    REQUIRE_GPU();
    DecodeTarget nowhere;
    nowhere.gpu = 0;  // no context at all
    const auto input = media::open_input(clip());
    const auto segments = all_segments(*input);
    const auto reader = input->make_reader(nowhere), cpu = input->make_reader({});
    CHECK(difference(read_segment(*reader, segments[0]), read_segment(*cpu, segments[0])) == "");
    CHECK_FALSE(reader->notes().on_gpu);
    CHECK_FALSE(reader->notes().fallback.empty());
}
