// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <vector>

namespace convoy::media {

using FileBytes = std::vector<std::uint8_t>;
using FileView = std::span<const std::uint8_t>;

inline std::uint64_t big_endian(FileView bytes) {
    std::uint64_t n = 0;
    for (const std::uint8_t byte : bytes) n = n << 8 | byte;
    return n;
}

inline std::uint64_t little_endian(FileView bytes) {
    const FileBytes turned(bytes.rbegin(), bytes.rend());
    return big_endian(turned);
}

/// Fewer where the file ends before.
inline FileBytes read_at(std::ifstream& file, std::int64_t at, std::size_t count) {
    FileBytes bytes(count);
    file.clear();
    file.seekg(at);
    file.read(reinterpret_cast<char*>(bytes.data()), std::streamsize(count));
    bytes.resize(std::size_t(std::max<std::streamsize>(file.gcount(), 0)));
    return bytes;
}

}  // namespace convoy::media
