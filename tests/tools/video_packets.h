// SPDX-License-Identifier: MIT
//
// What is in a video file, packet by packet.
#pragma once

#include <string>
#include <vector>

namespace convoy::test {

struct Packet {
    double pts_s = 0, dts_s = 0;
    bool key = false;
};

/// The video packets of a file in the order of decoding.
std::vector<Packet> packets_of(const std::string& path);

/// Times of showing in their order, relative to the first.
std::vector<double> shown_times(const std::vector<Packet>& packets);

/// What `ffmpeg` says while it decodes the whole file; empty when it finds no fault, "not installed" when it is not.
std::string decoding_faults(const std::string& path);
/// How many frames `ffprobe` decodes, edit lists obeyed; -1 when it is not installed.
int decoded_frames(const std::string& path);

}  // namespace convoy::test
