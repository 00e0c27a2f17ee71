// SPDX-License-Identifier: MIT
#include "tools/visible_gpus.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>

namespace convoy::tools {
namespace {

constexpr const char* kVariable = "CUDA_VISIBLE_DEVICES";

bool is_gpu(const std::string& name) {
    constexpr const char* kPrefix = "nvidia";
    const std::string number = name.starts_with(kPrefix) ? name.substr(std::string(kPrefix).size()) : "";
    return !number.empty() &&
           std::all_of(number.begin(), number.end(), [](unsigned char c) { return std::isdigit(c); });
}

}  // namespace

int count_visible_gpus(const std::string& folder) {
    if (const char* named = std::getenv(kVariable)) {
        const std::string list = named;
        return list.empty() ? 0 : 1 + int(std::count(list.begin(), list.end(), ','));
    }
    std::error_code error;
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
        count += is_gpu(entry.path().filename().string());
    return count;
}

void show_first_gpu_only() {
    const char* named = std::getenv(kVariable);
    const std::string list = named ? named : "0";
    setenv(kVariable, list.substr(0, list.find(',')).c_str(), 1);
}

}  // namespace convoy::tools
