// SPDX-License-Identifier: MIT
//
// A program's own pictures through Engine::run(): embed-run MODEL.cfg MODEL.weights VIDEO
// They go in as segments, which all devices of the machine work on at once; the results come out in order. Here the
// pictures are those of a video, but whatever puts pictures into memory can take its place.
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <convoy/engine.h>
#include <convoy/load.h>
#include <convoy/media/source.h>

namespace {

constexpr std::size_t kPicturesPerSegment = 16;

// A few pictures in memory. Immutable: the engine may read it again, on another device, should the first one fail.
class Pictures : public convoy::Segment {
public:
    explicit Pictures(std::vector<convoy::Frame> pictures) : frames(std::move(pictures)) {}
    std::size_t bytes() const override {
        std::size_t sum = 0;
        for (const convoy::Frame& f : frames) sum += std::size_t(f.pixels.pitch[0]) * std::size_t(f.pixels.height);
        return sum;
    }

    const std::vector<convoy::Frame> frames;
};

// One for each thread of the engine that reads. Copying a frame copies no pixels.
class PicturesReader : public convoy::SegmentReader {
public:
    void open(std::shared_ptr<const convoy::Segment> segment) override {
        segment_ = std::static_pointer_cast<const Pictures>(std::move(segment));
        next_ = 0;
    }
    std::optional<convoy::Frame> next() override {
        if (next_ == segment_->frames.size()) return std::nullopt;
        return segment_->frames[next_++];
    }
    convoy::SegmentNotes notes() const override { return {}; }

private:
    std::shared_ptr<const Pictures> segment_;
    std::size_t next_ = 0;
};

// Pictures from anywhere, asked for as the engine gets on: only some segments are in memory at a time.
class PicturesInput : public convoy::Input {
public:
    using Next = std::function<std::optional<convoy::Frame>()>;

    PicturesInput(std::string name, Next next) : next_(std::move(next)) { info_.path = std::move(name); }
    const convoy::InputInfo& info() const override { return info_; }
    std::shared_ptr<const convoy::Segment> next_segment() override {
        std::vector<convoy::Frame> frames;
        while (frames.size() < kPicturesPerSegment) {
            std::optional<convoy::Frame> frame = next_();
            if (!frame) break;
            frames.push_back(std::move(*frame));
        }
        if (frames.empty()) return nullptr;
        return std::make_shared<Pictures>(std::move(frames));
    }
    std::unique_ptr<convoy::SegmentReader> make_reader(const convoy::DecodeTarget& /*target*/) override {
        return std::make_unique<PicturesReader>();
    }

private:
    convoy::InputInfo info_;
    Next next_;
};

// Told of the results, in order, by the thread that is in Engine::run().
class Count : public convoy::RunObserver {
public:
    void result(int /*input*/, convoy::Result& result) override {
        ++frames;
        boxes += result.detections.size();
    }
    void end_input(int /*input*/, const convoy::InputEnd& end) override { error = end.error; }

    std::size_t frames = 0, boxes = 0;
    std::string error;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: embed-run MODEL.cfg MODEL.weights VIDEO\n";
        return 2;
    }
    try {
        const convoy::Network network = convoy::load_network(argv[1], argv[2]);
        convoy::Engine engine(network, {});
        const std::string video = argv[3];
        convoy::RunInput input;
        input.open = [video](std::stop_token /*cancel*/) -> std::unique_ptr<convoy::Input> {
            const std::shared_ptr<convoy::media::Source> source = convoy::media::open_source(video);
            return std::make_unique<PicturesInput>(video, [source] { return source->next(); });
        };

        Count count;
        const std::atomic<bool> stop = false;  // true, from a signal handler or another thread, ends the run early
        const convoy::RunReport report = engine.run({input}, count, stop);
        for (const convoy::DeviceReport& device : report.devices)
            std::cout << device.description << ": " << device.frames << " frames in " << device.segments
                      << " segments\n";
        // A run that could not go on tells so in its report, an input that could not in its end.
        const std::string& failure = report.failure.empty() ? count.error : report.failure;
        if (!failure.empty()) throw std::runtime_error(failure);
        std::cout << "whole video: " << count.frames << " frames, " << count.boxes << " boxes\n";
    } catch (const std::exception& error) {
        std::cerr << "embed-run: " << error.what() << "\n";
        return 1;
    }
}
