// SPDX-License-Identifier: MIT
//
// Videos that are hard to cut, made by ffmpeg, for the tests of segments on the CPU and by NVDEC.
#pragma once

#include <string>
#include <vector>

#include "tests/tools/media_files.h"

namespace convoy::test {

enum class Cut {
    many,         ///< at least two closed segments
    one,          ///< too short, or without an entry point: one closed segment
    handed_out,   ///< decoded in sequence, parts
    some_of_each  ///< closed segments, and parts where entry points are too far apart
};

struct AwkwardVideo {
    std::string name, path;
    Cut cut = Cut::many;
    bool damaged = false;  ///< so on purpose
    bool nv12 = true;      ///< else RGB: another format, matrix or orientation
};

/// Makes them inside the folder; those that this ffmpeg cannot make or this libav cannot read are left out, with a
/// printed note. The environment's CONVOY_AWKWARD_VIDEOS names a folder where they are kept and taken from, for
/// machines with a lesser ffmpeg.
std::vector<AwkwardVideo> make_awkward_videos(const TempFolder& folder);

}  // namespace convoy::test
