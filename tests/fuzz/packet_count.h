// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdio>

namespace convoy::fuzz {

/// Counts packets, and says how many there were when the process ends.
class PacketCount {
public:
    explicit PacketCount(const char* target) : target_(target) {}
    ~PacketCount() { std::fprintf(stderr, "%s: %zu packets of video\n", target_, count_); }
    PacketCount(const PacketCount&) = delete;
    PacketCount& operator=(const PacketCount&) = delete;
    void add(std::size_t packets) { count_ += packets; }
    std::size_t count() const { return count_; }

private:
    const char* target_;
    std::size_t count_ = 0;
};

}  // namespace convoy::fuzz
