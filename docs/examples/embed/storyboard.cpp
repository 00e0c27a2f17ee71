// SPDX-License-Identifier: MIT
//
// Drawing on the engine's CPU threads: embed-storyboard MODEL.cfg MODEL.weights VIDEO FOLDER
// Of each segment of the video, the frame with the most boxes is drawn and kept; the pictures are written in the
// order of the video, as FOLDER/000.jpg, FOLDER/001.jpg and so on.
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <convoy/convoy.hpp>
#include <convoy/media.hpp>

namespace {

// The frames of one segment, in order and from one thread at a time; those of other segments run beside it.
class BestFrame : public convoy::SegmentWork {
public:
    explicit BestFrame(const std::vector<std::string>& names) : names_(names) {}
    void frame(convoy::Result& result) override {
        frames += 1;
        boxes += result.detections.size();
        if (frames > 1 && result.detections.size() <= best_.size()) return;
        best_ = result.detections;
        time_s_ = result.frame.time_s;
        converter_.convert(result.frame.pixels, picture);  // the pixels are gone after this call
    }
    void end() override { convoy::media::Annotator(names_).annotate(picture, best_, std::to_string(time_s_) + " s"); }

    convoy::media::Image picture;
    std::size_t frames = 0, boxes = 0;

private:
    const std::vector<std::string>& names_;
    convoy::media::ImageConverter converter_;
    std::vector<convoy::Detection> best_;
    double time_s_ = 0;
};

// Asks for the work, and takes what is done of it, in the order of the video.
class Storyboard : public convoy::RunObserver {
public:
    Storyboard(std::vector<std::string> names, std::string folder)
        : names_(std::move(names)), folder_(std::move(folder)) {}
    bool wants_pixels() const override { return true; }
    std::unique_ptr<convoy::SegmentWork> work(int /*input*/, const convoy::InputInfo& /*info*/,
                                              int /*threads*/) override {
        return std::make_unique<BestFrame>(names_);
    }
    void result(int /*input*/, convoy::Result& /*result*/) override {}
    void work_done(int /*input*/, convoy::SegmentWork& work) override {
        const auto& best = static_cast<BestFrame&>(work);
        frames += best.frames;
        boxes += best.boxes;
        if (best.frames == 0) return;
        char name[32];
        std::snprintf(name, sizeof name, "/%03d.jpg", pictures++);
        convoy::media::write_image(folder_ + name, best.picture);
    }
    void end_input(int /*input*/, const convoy::InputEnd& end) override { error = end.error; }

    std::size_t frames = 0, boxes = 0;
    int pictures = 0;
    std::string error;

private:
    const std::vector<std::string> names_;
    const std::string folder_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::cerr << "usage: embed-storyboard MODEL.cfg MODEL.weights VIDEO FOLDER\n";
        return 2;
    }
    try {
        const convoy::Network network = convoy::load_network(argv[1], argv[2]);
        convoy::Engine engine(network, {});
        const std::string video = argv[3];
        convoy::RunInput input;
        input.open = [video](std::stop_token cancel) { return convoy::media::open_input(video, {}, cancel); };

        Storyboard storyboard(network.names, argv[4]);
        const std::atomic<bool> stop = false;
        const convoy::RunReport report = engine.run({input}, storyboard, stop);
        const std::string& failure = report.failure.empty() ? storyboard.error : report.failure;
        if (!failure.empty()) throw std::runtime_error(failure);
        std::cout << storyboard.pictures << " pictures\n";
        std::cout << "whole video: " << storyboard.frames << " frames, " << storyboard.boxes << " boxes\n";
    } catch (const std::exception& error) {
        std::cerr << "embed-storyboard: " << error.what() << "\n";
        return 1;
    }
}
