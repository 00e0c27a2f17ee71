// SPDX-License-Identifier: MIT
//
// Convoy inside another program: embed MODEL.cfg MODEL.weights VIDEO
// The first frame by the synchronous call, then the whole video by the asynchronous ones.
#include <cstddef>
#include <exception>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include <convoy/engine.h>
#include <convoy/load.h>
#include <convoy/media/source.h>

namespace {

void print(const convoy::Detection& d) {
    std::cout << "  class " << d.class_id << ", confidence " << d.confidence << ", box " << d.box.x << " " << d.box.y
              << " " << d.box.w << " " << d.box.h << "\n";
}

// One picture in, its boxes out, in this thread's time.
void detect_first_frame(convoy::Engine& engine, const std::string& video) {
    const auto frame = convoy::media::open_source(video)->next();
    if (!frame) return;
    std::cout << "first frame:\n";
    for (const convoy::Detection& d : engine.detect(*frame)) print(d);
}

// One thread hands frames over while this one takes results, which come in the same order.
void detect_video(convoy::Engine& engine, const std::string& video) {
    std::exception_ptr failure;
    std::jthread reader([&] {
        try {
            const auto source = convoy::media::open_source(video);
            while (auto frame = source->next()) engine.submit(std::move(*frame));
        } catch (...) {
            failure = std::current_exception();
        }
        engine.finish();  // lets next() come to an end, whatever happened
    });

    std::size_t frames = 0, boxes = 0;
    while (const auto result = engine.next()) {
        ++frames;
        boxes += result->detections.size();
    }
    reader.join();
    if (failure) std::rethrow_exception(failure);
    std::cout << "whole video: " << frames << " frames, " << boxes << " boxes\n";
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: embed MODEL.cfg MODEL.weights VIDEO\n";
        return 2;
    }
    try {
        const convoy::Network network = convoy::load_network(argv[1], argv[2]);
        convoy::Engine engine(network, {});
        detect_first_frame(engine, argv[3]);
        detect_video(engine, argv[3]);
    } catch (const std::exception& error) {
        std::cerr << "embed: " << error.what() << "\n";
        return 1;
    }
}
