// SPDX-License-Identifier: MIT
//
// Raw frames from several threads, as from cameras: embed-live MODEL.cfg MODEL.weights VIDEO VIDEO
// Each thread copies the pixels of its video into buffers of its own, which stand for what a camera's driver delivers.
// A frame for which the engine has no room is dropped, as one does with live pictures; none waits for a full batch.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <convoy/media/source.h>
#include <convoy/convoy.hpp>

namespace {

// Keeps the first failure of any thread, lets go of all that wait in the engine, and ends the cameras.
class Failure {
public:
    explicit Failure(convoy::Engine& engine) : engine_(engine) {}
    void set(std::exception_ptr error) {
        {
            const std::lock_guard lock(mutex_);
            if (!first_) first_ = std::move(error);
        }
        happened = true;
        engine_.cancel();
    }
    void rethrow() const {
        if (first_) std::rethrow_exception(first_);
    }

    std::atomic<bool> happened = false;

private:
    convoy::Engine& engine_;
    std::mutex mutex_;
    std::exception_ptr first_;
};

// One camera: its pixels, with a row length of its own, and a number by which its results are known.
void film(convoy::Engine& engine, int camera, const std::string& video, const std::atomic<bool>& stop) {
    const auto source = convoy::media::open_source(video);
    while (!stop) {
        const auto picture = source->next();
        if (!picture) break;
        const convoy::PixelView& from = picture->pixels;
        const int row = 3 * from.width, pitch = (row + 63) / 64 * 64;
        const auto buffer = std::make_shared<std::vector<unsigned char>>(std::size_t(pitch) * from.height);
        for (int y = 0; y < from.height; ++y)
            std::copy_n(from.plane[0] + std::size_t(y) * from.pitch[0], row, buffer->data() + std::size_t(y) * pitch);

        convoy::Frame frame = convoy::rgb_frame(buffer->data(), from.width, from.height, pitch, buffer);
        frame.stream = camera;
        frame.index = picture->index;
        if (engine.try_submit(std::move(frame))) engine.flush();
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::cerr << "usage: embed-live MODEL.cfg MODEL.weights VIDEO...\n";
        return 2;
    }
    try {
        const convoy::Network network = convoy::load_network(argv[1], argv[2]);
        convoy::Engine engine(network, {});
        Failure failure(engine);
        std::vector<std::thread> cameras;
        for (int i = 3; i < argc; ++i)
            cameras.emplace_back([&, i] {
                try {
                    film(engine, i - 3, argv[i], failure.happened);
                } catch (...) {
                    failure.set(std::current_exception());
                }
            });
        std::thread last([&] {
            for (std::thread& camera : cameras) camera.join();
            engine.finish();  // lets next() come to an end
        });

        std::vector<std::size_t> frames(cameras.size()), boxes(cameras.size());
        try {
            while (const auto result = engine.next()) {
                const auto camera = std::size_t(result->frame.stream);
                ++frames[camera];
                boxes[camera] += result->detections.size();
            }
        } catch (...) {
            failure.set(std::current_exception());
        }
        last.join();
        failure.rethrow();
        for (std::size_t i = 0; i < frames.size(); ++i)
            std::cout << "camera " << i << ": " << frames[i] << " frames, " << boxes[i] << " boxes\n";
    } catch (const std::exception& error) {
        std::cerr << "embed-live: " << error.what() << "\n";
        return 1;
    }
}
