// SPDX-License-Identifier: MIT
#pragma once

#include <stop_token>
#include <string>
#include <vector>

namespace convoy::fleet {

/// What there is to decode in an input, and where machines may share it out.
struct VideoParts {
    double seconds = 0;        ///< as the container states them; of a picture 1/25
    std::vector<double> cuts;  ///< seconds since the begin, rising: there a part stops, and the next one starts
    std::string why_whole;     ///< why something long is in one part nevertheless: a few words
};

/// Opens an input as a run does, and looks for cuts every `part_s` seconds; 0: for none. A cut is where decoding can
/// begin and before which nothing that comes later is shown, so that each frame is in exactly one part, and is what it
/// is in the whole. Where the container has an index, some seconds around each cut are read; of another file, all of
/// it. Throws Error(input) where a run would, and for a live input.
VideoParts parts_of(const std::string& location, double part_s, std::stop_token cancel = {});

}  // namespace convoy::fleet
