// SPDX-License-Identifier: MIT
#include "engine/run/check_frame.h"

#include <string>

#include <convoy/error.h>

namespace convoy {

void check_frame(const Frame& frame, const TileOptions& tiles, bool gpu) {
    const PixelView& p = frame.pixels;
    const auto bad = [&](const std::string& what) {
        throw Error(ErrorKind::input,
                    "frame " + std::to_string(frame.index) + " of stream " + std::to_string(frame.stream) + " " + what);
    };
    constexpr int kMaxExtent = 32768;
    if (p.width < 1 || p.height < 1 || p.width > kMaxExtent || p.height > kMaxExtent)
        bad("is " + std::to_string(p.width) + "x" + std::to_string(p.height) + ": both must lie between 1 and " +
            std::to_string(kMaxExtent));
    if (tiles.count() > 1 && (p.width < 2 * tiles.columns || p.height < 2 * tiles.rows))
        bad("is " + std::to_string(p.width) + "x" + std::to_string(p.height) + ", too small for " +
            std::to_string(tiles.columns) + "x" + std::to_string(tiles.rows) +
            " tiles: it must have two pixels for each column and row");
    if (p.on_device && !gpu) bad("lies in device memory, but the engine runs on the CPU");
    const bool nv12 = p.format == PixelFormat::nv12;
    if (!p.plane[0]) bad("has no pixels");
    if (nv12 && !p.plane[1]) bad("has no chroma (plane[1])");
    const int row = nv12 ? p.width : 3 * p.width;
    const auto check_pitch = [&](int plane, int least) {
        if (p.pitch[plane] < least)
            bad("has rows of " + std::to_string(p.pitch[plane]) + " bytes in plane " + std::to_string(plane) +
                ", fewer than its width needs");
    };
    check_pitch(0, row);
    if (nv12) check_pitch(1, (p.width + 1) / 2 * 2);
}

}  // namespace convoy
