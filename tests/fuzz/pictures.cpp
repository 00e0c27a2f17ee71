// SPDX-License-Identifier: MIT
//
// Any bytes as a picture: what its header says is what is decoded.
#include <convoy/error.h>
#include <convoy/media/image.h>
#include "tests/fuzz/input.h"

extern "C" {
#include <libavutil/log.h>
}

namespace {

using namespace convoy::fuzz;

constexpr int kMostPixels = 1 << 20;  // more takes its time, and no other way

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Scratch folder;
    av_log_set_level(AV_LOG_QUIET);
    const std::string path = folder.write("fuzz", {reinterpret_cast<const char*>(data), size});
    (void)convoy::media::is_picture(path);
    (void)convoy::media::read_image_memory(path);
    try {
        const auto [width, height] = convoy::media::read_image_size(path);
        require(width > 0 && height > 0);
        if (std::int64_t(width) * height > kMostPixels) return 0;
        std::string warning;
        const convoy::media::Image image = convoy::media::read_image(path, {}, &warning);
        require(image.is_whole() && image.width == width && image.height == height);
    } catch (const convoy::Error&) {  // says what is wrong with it
    }
    return 0;
}
