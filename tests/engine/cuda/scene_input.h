// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <convoy/engine.h>
#include "tests/engine/cuda/scenes.h"
#include "tests/support/cuda.h"

namespace convoy::test {

/// Scenes as an input of `segments` segments of `frames` frames.
class SceneInput : public Input {
public:
    enum class Where {
        host,
        both,  ///< Readers for a GPU hand every other frame over in device memory, written on the stream that they were
               ///< given, and spoil that memory as soon as the engine lets go of it.
    };
    SceneInput(int segments, int frames, Where where) : segments_(segments), frames_(frames), where_(where) {
        info_.is_video = true;
    }
    const InputInfo& info() const override { return info_; }
    std::shared_ptr<const Segment> next_segment() override {
        if (cut_ == segments_) return nullptr;
        auto segment = std::make_shared<SceneSegment>();
        segment->first = frames_ * cut_++;
        segment->frames = frames_;
        return segment;
    }
    std::unique_ptr<SegmentReader> make_reader(const DecodeTarget& target) override {
        return std::make_unique<Reader>(target, where_);
    }

private:
    struct SceneSegment : Segment {
        std::size_t bytes() const override { return 1; }
        int first = 0, frames = 0;
    };
    class Reader : public SegmentReader {
    public:
        Reader(const DecodeTarget& target, Where where)
            : target_(target), where_(where), scenes_(std::make_shared<std::vector<Scene>>(scenes())) {}
        void open(std::shared_ptr<const Segment> segment) override {
            segment_ = std::dynamic_pointer_cast<const SceneSegment>(std::move(segment));
            at_ = 0;
        }
        std::optional<Frame> next() override {
            if (at_ == segment_->frames) return std::nullopt;
            const int number = segment_->first + at_++;
            Frame frame = (*scenes_)[std::size_t(number) % scenes_->size()].frame();
            frame.owner = scenes_;
            if (where_ == Where::both && target_.gpu >= 0 && number % 2 && frame.pixels.format == PixelFormat::nv12)
                put_on_device(frame);
            return frame;
        }
        SegmentNotes notes() const override { return {}; }

    private:
        void put_on_device(Frame& frame) const {
            cuda_ok(cudaSetDevice(target_.gpu));
            const auto stream = static_cast<cudaStream_t>(target_.cuda_stream);
            PixelView& p = frame.pixels;
            const std::size_t bytes[2] = {std::size_t(p.pitch[0]) * std::size_t(p.height),
                                          std::size_t(p.pitch[1]) * std::size_t((p.height + 1) / 2)};
            const auto memory = std::make_shared<DeviceBytes>(bytes[0] + bytes[1]);
            cuda_ok(cudaDeviceSynchronize());  // it was filled on another stream
            auto* to = static_cast<std::uint8_t*>(memory->data());
            for (int plane : {0, 1}) {
                // The last row has no gap behind it.
                const std::size_t row = std::size_t(plane ? (p.width + 1) / 2 * 2 : p.width);
                const std::size_t rows = std::size_t(plane ? (p.height + 1) / 2 : p.height);
                cuda_ok(cudaMemcpy2DAsync(to, std::size_t(p.pitch[plane]), p.plane[plane], std::size_t(p.pitch[plane]),
                                          row, rows, cudaMemcpyHostToDevice, stream));
                p.plane[plane] = to;
                to += bytes[plane];
            }
            p.on_device = true;
            frame.cuda_stream = target_.cuda_stream;
            frame.owner = std::shared_ptr<const void>(memory->data(), [memory, gpu = target_.gpu](const void*) {
                cudaSetDevice(gpu);
                cudaMemset(memory->data(), 0x55, memory->bytes());
            });
        }

        const DecodeTarget target_;
        const Where where_;
        std::shared_ptr<std::vector<Scene>> scenes_;
        std::shared_ptr<const SceneSegment> segment_;
        int at_ = 0;
    };

    const int segments_, frames_;
    const Where where_;
    InputInfo info_;
    int cut_ = 0;
};

/// Keeps all detections; with `pixels`, sums up what it sees of the frames.
class SceneObserver : public RunObserver {
public:
    explicit SceneObserver(bool with_pixels = false) : pixels(with_pixels) {}
    struct Sum : SegmentWork {
        void frame(Result& result) override {
            const PixelView& p = result.frame.pixels;
            for (int plane : {0, 1}) {
                if (!p.plane[plane]) continue;
                const int row = p.format == PixelFormat::rgb8 ? 3 * p.width : plane ? (p.width + 1) / 2 * 2 : p.width;
                for (int y = 0; y < (plane ? (p.height + 1) / 2 : p.height); ++y)
                    for (int x = 0; x < row; ++x)
                        sum = sum * 31 + p.plane[plane][std::size_t(y) * std::size_t(p.pitch[plane]) + std::size_t(x)];
            }
            host = host && !p.on_device;
        }
        std::uint64_t sum = 0;
        bool host = true;
    };
    bool wants_pixels() const override { return pixels; }
    std::unique_ptr<SegmentWork> work(int, const InputInfo&, int) override { return std::make_unique<Sum>(); }
    void work_done(int, SegmentWork& work) override {
        sums.push_back(static_cast<Sum&>(work).sum);
        on_host = on_host && static_cast<Sum&>(work).host;
    }
    void result(int, Result& result) override { found.push_back(std::move(result.detections)); }

    const bool pixels;
    std::vector<std::vector<Detection>> found;
    std::vector<std::uint64_t> sums;
    bool on_host = true;
};

inline RunReport run_scenes(Engine& engine, SceneObserver& observer, int segments, int frames, int decoders,
                            SceneInput::Where where = SceneInput::Where::both) {
    const std::atomic<bool> stop = false;
    RunThreads options;
    options.decoders = decoders;
    return engine.run({{[=](std::stop_token) { return std::make_unique<SceneInput>(segments, frames, where); }, 0}},
                      observer, stop, options);
}

}  // namespace convoy::test
