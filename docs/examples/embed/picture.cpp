// SPDX-License-Identifier: MIT
//
// One picture, drawn on: embed-picture MODEL.cfg MODEL.weights PICTURE DRAWN
#include <exception>
#include <iostream>
#include <vector>

#include <convoy/convoy.hpp>
#include <convoy/media.hpp>

int main(int argc, char** argv) {
    if (argc != 5) {
        std::cerr << "usage: embed-picture MODEL.cfg MODEL.weights PICTURE DRAWN\n";
        return 2;
    }
    try {
        const convoy::Network network = convoy::load_network(argv[1], argv[2]);
        convoy::Engine engine(network, {});
        convoy::media::Image image = convoy::media::read_image(argv[3]);
        const std::vector<convoy::Detection> found =
            engine.detect(convoy::rgb_frame(image.rgb.data(), image.width, image.height));
        for (const convoy::Detection& d : found)
            std::cout << d.class_id << " " << d.confidence << " at " << d.box.x << " " << d.box.y << " " << d.box.w
                      << " " << d.box.h << "\n";
        convoy::media::Annotator(network.names).annotate(image, found, "");
        convoy::media::write_image(argv[4], image);
        std::cout << "one picture: " << found.size() << " boxes\n";
    } catch (const std::exception& error) {
        std::cerr << "embed-picture: " << error.what() << "\n";
        return 1;
    }
}
