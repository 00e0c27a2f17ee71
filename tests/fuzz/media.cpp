// SPDX-License-Identifier: MIT
//
// Any bytes as a file that is read to its end: a picture, a video, an animation.
#include "tests/fuzz/read_input.h"

using namespace convoy::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Scratch folder;
    static PacketCount packets("media");
    read_input(folder.write("fuzz", {reinterpret_cast<const char*>(data), size}), packets);
    return 0;
}
