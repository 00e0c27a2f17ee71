// SPDX-License-Identifier: MIT
#include "tools/visible_gpus.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace convoy::tools {
namespace {

constexpr const char* kVariable = "CUDA_VISIBLE_DEVICES";
constexpr int kMostGpus = 64;

}  // namespace

int count_visible_gpus(const std::string& folder) {
    if (const char* named = std::getenv(kVariable)) {
        const std::string list = named;
        return list.empty() ? 0 : 1 + int(std::count(list.begin(), list.end(), ','));
    }
    std::error_code error;
    int count = 0;
    for (int i = 0; i < kMostGpus; ++i) count += std::filesystem::exists(folder + "/nvidia" + std::to_string(i), error);
    return count;
}

void show_first_gpus(int count) {
    std::string list;
    if (const char* named = std::getenv(kVariable)) {
        list = named;
        std::size_t end = 0;
        for (int i = 0; i < count && end != list.npos; ++i) end = list.find(',', end + (i > 0));
        list = list.substr(0, end);
    } else {
        for (int i = 0; i < count; ++i) {
            if (i > 0) list += ',';
            list += std::to_string(i);
        }
    }
    setenv(kVariable, list.c_str(), 1);
}

}  // namespace convoy::tools
