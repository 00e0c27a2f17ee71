// SPDX-License-Identifier: MIT
#include "darknet_loader/weights_reader.h"

#include <bit>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include <convoy/load.h>
#include "darknet_loader/weights_layout.h"

namespace convoy {
namespace {

static_assert(std::endian::native == std::endian::little, "weights are mapped as they are: little-endian floats");

constexpr std::size_t kVersionBytes = 12;  // int32 major, minor, revision

struct Header {
    std::size_t bytes = 0;
    std::uint64_t seen = 0;
    bool transposed = false;  // [connected] layers' weights lie by inputs
};

template <class T>
T read_at(std::string_view bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

/// `bytes` holds at least a whole header of the kind that its version says; else Header.bytes exceeds its size.
Header read_header(std::string_view bytes) {
    if (bytes.size() < kVersionBytes) return {kVersionBytes + 8, 0, false};
    // The oldest files have a learning rate and a momentum there, floats, with which Darknet's sum overflows.
    const auto major = read_at<std::int32_t>(bytes, 0), minor = read_at<std::int32_t>(bytes, 4);
    const auto version = std::int32_t(std::uint32_t(major) * 10u + std::uint32_t(minor));
    Header header{kVersionBytes + (version >= 2 ? 8u : 4u), 0, major > 1000 || minor > 1000};
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

/// Gives the [connected] layers, which point into `file`, weights by outputs. What is returned keeps all of them.
std::shared_ptr<const void> transpose_connected(Network& network, std::shared_ptr<const void> file) {
    struct Storage {
        std::shared_ptr<const void> file;
        std::vector<std::vector<float>> weights;
    };
    const auto storage = std::make_shared<Storage>();
    storage->file = std::move(file);
    for (Layer& layer : network.layers) {
        auto* connected = std::get_if<ConnectedLayer>(&layer.kind);
        if (!connected) continue;
        const auto outputs = std::size_t(connected->outputs), inputs = layer.in.elements();
        std::vector<float>& turned = storage->weights.emplace_back(outputs * inputs);
        for (std::size_t out = 0; out < outputs; ++out)
            for (std::size_t in = 0; in < inputs; ++in)
                turned[out * inputs + in] = connected->weights[in * outputs + out];
        connected->weights.data = turned.data();
    }
    return storage;
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
    network.weights_storage = header.transposed ? transpose_connected(network, file.storage) : file.storage;
}

void attach_weights(Network& network, const std::string& weights) {
    attach_weights(network, map_file(weights, "weights file"), weights);
}

}  // namespace convoy
