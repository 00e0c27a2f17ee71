// SPDX-License-Identifier: MIT
//
// Any bytes as a recording whose packets are copied beside boxes.
#include <limits>

#include <convoy/error.h>
#include "tests/fuzz/input.h"
#include "tools/media/out/ass.h"
#include "tools/media/out/overlay_writer.h"

extern "C" {
#include <libavutil/log.h>
}

using namespace convoy::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Scratch folder;
    av_log_set_level(AV_LOG_QUIET);
    const std::string recording = folder.write("fuzz", {reinterpret_cast<const char*>(data), size});
    const convoy::media::AssScript script({"thing"}, 96, 64);
    try {
        convoy::media::OverlayWriter writer(recording, folder.path("o.mkv"), script.header(), -1);
        int order = 0;
        const convoy::Detection box{0, .5f, {8, 8, 40, 30}};
        for (int frame = 0; frame < 3; ++frame)
            writer.write(script.events({&box, 1}, 96, 64, order), frame * .1, frame * .1 + .1);
        writer.close(std::numeric_limits<double>::infinity());
        require(std::filesystem::remove(folder.path("o.mkv")));
    } catch (const convoy::Error&) {  // says what is wrong with it
    }
    return 0;
}
