// SPDX-License-Identifier: MIT
#include "darknet_loader/weights_reader.h"

#include <bit>
#include <cctype>
#include <cstdint>
#include <cstring>

#include <convoy/load.h>
#include "darknet_loader/weights_layout.h"

namespace convoy {
namespace {

static_assert(std::endian::native == std::endian::little, "weights are mapped as they are: little-endian floats");

constexpr std::size_t kVersionBytes = 12;  // int32 major, minor, revision

struct Header {
    std::size_t bytes = 0;
    std::uint64_t seen = 0;
};

template <class T>
T read_at(std::string_view bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

/// `bytes` holds at least a whole header of the kind that its version says; else Header.bytes exceeds its size.
Header read_header(std::string_view bytes) {
    if (bytes.size() < kVersionBytes) return {kVersionBytes + 8, 0};
    const std::int64_t version = std::int64_t(read_at<std::int32_t>(bytes, 0)) * 10 + read_at<std::int32_t>(bytes, 4);
    Header header{kVersionBytes + (version >= 2 ? 8u : 4u), 0};
    if (bytes.size() >= header.bytes)
        header.seen =
            version >= 2 ? read_at<std::uint64_t>(bytes, kVersionBytes) : read_at<std::uint32_t>(bytes, kVersionBytes);
    return header;
}

/// What a file of the wrong size seems to be, as the end of a sentence, or "".
std::string looks_like(std::string_view bytes) {
    std::string start;  // lower case, without leading white space
    for (const unsigned char c : bytes.substr(0, 256))
        if (!start.empty() || !std::isspace(c)) start += char(std::tolower(c));
    if (start.starts_with("<!doctype") || start.starts_with("<html") || start.starts_with("<?xml"))
        return "it is an HTML page, as a dead download link gives; download it from elsewhere";
    if (start.starts_with("version https://git-lfs")) return "it is a Git LFS pointer; run 'git lfs pull'";
    if (start.starts_with("[net")) return "it is a .cfg; cfg and weights seem to be swapped";
    if (bytes.starts_with("\xfd"
                          "7zXZ"))
        return "it is compressed; unpack it with 'xz -dk'";
    if (bytes.starts_with("\x1f\x8b")) return "it is compressed; unpack it with 'gunzip -k'";
    if (bytes.starts_with("PK\x03\x04")) return "it is a ZIP archive (PyTorch models are), not Darknet weights";
    return "";
}

}  // namespace

void attach_weights(Network& network, const MappedFile& file, const std::string& path) {
    const Header header = read_header(file.bytes());
    const std::size_t floats = network.weight_count(), expected = header.bytes + 4 * floats;
    if (file.size != expected) {
        std::string why = looks_like(file.bytes());
        if (file.size == 0) why = "it is empty";
        if (why.empty())
            why = file.size < expected ? "it is cut short or belongs to another cfg"
                                       : "it belongs to another cfg or is damaged";
        throw Error(ErrorKind::model, "weights file '" + path + "' has " + std::to_string(file.size) + " bytes, but '" +
                                          network.cfg_path + "' needs " + std::to_string(expected) + " (a header of " +
                                          std::to_string(header.bytes) + " and " + std::to_string(floats) +
                                          " floats): " + why);
    }
    bind_weights(network, reinterpret_cast<const float*>(file.data + header.bytes));
    network.seen = header.seen;
    network.weights_path = path;
    network.weights_storage = file.storage;
}

void attach_weights(Network& network, const std::string& weights) {
    attach_weights(network, map_file(weights, "weights file"), weights);
}

}  // namespace convoy
