// SPDX-License-Identifier: MIT
#include "tools/foreign_model.h"

#include <filesystem>
#include <fstream>
#include <string_view>
#include <system_error>

namespace fs = std::filesystem;

namespace convoy::tools {
namespace {

constexpr std::size_t kHead = 1 << 16;  // the names in a ZIP's first entries lie there

std::string head_of(const std::string& path) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) return "";
    std::string head(kHead, '\0');
    std::ifstream file(path, std::ios::binary);
    file.read(head.data(), kHead);
    head.resize(std::size_t(file.gcount()));
    return head;
}

/// A ModelProto: its version as field 1, then the producer's name or another of its first fields.
bool is_onnx(std::string_view head) {
    return head.size() > 4 && head[0] == '\x08' && head[1] > 0 && head[1] < 32 &&
           (head[2] == '\x12' || head[2] == '\x1a' || head[2] == '\x3a' || head[2] == '\x42');
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

const char* const kGetAModel =
    "docs/models.md (Get a model) says where people find them, for example https://github.com/AlexeyAB/darknet: its "
    "cfg/, its releases for the weights, data/coco.names";

std::string foreign_model(const std::string& path) {
    std::error_code error;
    if (fs::exists(fs::path(path) / "saved_model.pb", error)) return "a TensorFlow SavedModel";
    const std::string file = head_of(path);
    const std::string_view head = file;
    if (head.starts_with("PK\x03\x04"))
        return contains(head, "data.pkl") || contains(head, "/version") ? "a PyTorch model, as ultralytics writes them"
               : contains(head, "config.json")                          ? "a Keras model"
                                                                        : "a ZIP archive, as PyTorch's models are";
    if (head.starts_with("\x80\x02") || head.starts_with("\x80\x04")) return "a PyTorch model of the old format";
    if (head.starts_with("\x89HDF\r\n\x1a\n")) return "a Keras model (HDF5)";
    if (head.size() > 8 && head.substr(4, 4) == "TFL3") return "a TensorFlow Lite model";
    if (head.starts_with("ftrt") || head.starts_with("ptrt")) return "a TensorRT engine";
    if (head.size() > 9 && head[8] == '{' && contains(head.substr(0, 4096), "\"dtype\"")) return "a safetensors file";
    if (head.starts_with("<?xml") && contains(head.substr(0, 512), "<net ")) return "an OpenVINO model";
    if (is_onnx(head)) return "an ONNX model";
    if (head.starts_with("\x0a") && contains(head.substr(0, 4096), "Placeholder")) return "a frozen TensorFlow graph";
    return "";
}

}  // namespace convoy::tools
