// SPDX-License-Identifier: MIT
//
// Frames that lie in a GPU's memory already: embed-gpu MODEL.cfg MODEL.weights PICTURE
// A decoder, a renderer or another network has left them there; here they are copied there, on a stream of our own. The
// engine waits for that stream, on the GPU, and reads the pixels where they are. It must give the boxes of the same
// picture in host memory.
#include <cuda_runtime_api.h>

#include <cstddef>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <convoy/media/image.h>
#include <convoy/convoy.hpp>

namespace {

void check(cudaError_t status, const char* what) {
    if (status != cudaSuccess) throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(status));
}

// An owner keeps the pixels until the engine has read them; freeing waits for nothing else then.
std::shared_ptr<void> device_memory(std::size_t bytes) {
    void* memory = nullptr;
    check(cudaMalloc(&memory, bytes), "cudaMalloc");
    return {memory, [](void* p) { cudaFree(p); }};
}

bool same(const std::vector<convoy::Detection>& a, const std::vector<convoy::Detection>& b) {
    bool equal = a.size() == b.size();
    for (std::size_t i = 0; equal && i < a.size(); ++i)
        equal = a[i].class_id == b[i].class_id && a[i].confidence == b[i].confidence && a[i].box.x == b[i].box.x &&
                a[i].box.y == b[i].box.y && a[i].box.w == b[i].box.w && a[i].box.h == b[i].box.h;
    return equal;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: embed-gpu MODEL.cfg MODEL.weights PICTURE\n";
        return 2;
    }
    try {
        convoy::EngineOptions options;
        options.device = "cuda:0";  // frames in device memory need an engine with one GPU: theirs
        options.same_bits = true;
        convoy::Engine engine(convoy::load_network(argv[1], argv[2]), options);
        const convoy::media::Image image = convoy::media::read_image(argv[3]);

        cudaStream_t stream = nullptr;
        check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
        const auto frame_on_gpu = [&] {
            const std::shared_ptr<void> pixels = device_memory(image.rgb.size());
            check(cudaMemcpyAsync(pixels.get(), image.rgb.data(), image.rgb.size(), cudaMemcpyHostToDevice, stream),
                  "cudaMemcpyAsync");
            convoy::Frame frame = convoy::rgb_frame(pixels.get(), image.width, image.height, 0, pixels);
            frame.pixels.on_device = true;
            frame.cuda_stream = stream;  // not synchronised: the engine's stream waits for what is on it now
            return frame;
        };

        const auto on_host = engine.detect(convoy::rgb_frame(image.rgb.data(), image.width, image.height));
        bool equal = same(engine.detect(frame_on_gpu()), on_host);
        const int frames = engine.capacity();
        for (int i = 0; i < frames; ++i) engine.submit(frame_on_gpu());
        engine.finish();
        int results = 0;
        for (; const auto result = engine.next(); ++results) equal = equal && same(result->detections, on_host);
        check(cudaStreamDestroy(stream), "cudaStreamDestroy");
        std::cout << engine.description() << ": " << results << " frames in device memory, " << on_host.size()
                  << " boxes each\n";
        if (!equal || results != frames)
            throw std::runtime_error("their boxes differ from the picture's in host memory");
    } catch (const std::exception& error) {
        std::cerr << "embed-gpu: " << error.what() << "\n";
        return 1;
    }
}
