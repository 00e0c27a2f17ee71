// SPDX-License-Identifier: MIT
#include "tests/support/data.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/support/catch.h"

namespace convoy::test {

namespace fs = std::filesystem;

std::string source_dir() {
    const char* dir = std::getenv("CONVOY_SOURCE_DIR");
    return dir ? dir : CONVOY_DEFAULT_SOURCE_DIR;
}

std::string data_dir() {
    const fs::path dir = fs::path(source_dir()) / ".." / "shared" / "data";
    return fs::exists(dir) ? dir.string() : "";
}

std::string every_layer_cfg() { return source_dir() + "/tests/fuzz/corpus/cfg/every_key.cfg"; }

std::vector<std::string> all_cfgs() {
    std::vector<std::string> out = {source_dir() + "/models/yolov3-quarter.cfg", every_layer_cfg()};
    if (data_dir().empty()) WARN("only the tree's own cfgs: ../shared/data is not there");
    for (const char* folder : {"cfgs", "models"}) {
        const fs::path dir = fs::path(data_dir()) / folder;
        if (data_dir().empty() || !fs::exists(dir)) continue;
        for (const auto& entry : fs::directory_iterator(dir))
            if (entry.path().extension() == ".cfg") out.push_back(entry.path().string());
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::string data_or_skip(const std::string& path) {
    const std::string full = data_dir() + "/" + path;
    if (!data_dir().empty() && fs::exists(full)) return full;
    WARN("skipped: ../shared/data/" << path << " is not there");
    return "";
}

}  // namespace convoy::test
