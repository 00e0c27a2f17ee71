// SPDX-License-Identifier: MIT
#include "tests/parity/darknet_program.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/support/random.h"

namespace convoy::test {

namespace fs = std::filesystem;

namespace {

// COCO's category ids of the 80 classes: 1 … 90 without those that were never used.
int coco_class(int category) {
    static constexpr int gaps[] = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83};
    return category - 1 - int(std::count_if(std::begin(gaps), std::end(gaps), [&](int g) { return g < category; }));
}

}  // namespace

DarknetProgram::DarknetProgram() {
    std::string pattern = (fs::temp_directory_path() / "convoy-darknet-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
}

DarknetProgram::~DarknetProgram() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

bool DarknetProgram::available() { return std::system("command -v darknet >/dev/null 2>&1") == 0; }

std::vector<std::string> DarknetProgram::classic_pictures() {
    std::vector<std::string> out;
    for (const char* name : {"dog", "eagle", "giraffe", "horses", "kite", "person"}) {
        const std::string path = std::string("/usr/share/darknet/data/") + name + ".jpg";
        if (fs::exists(path)) out.push_back(path);
    }
    return out;
}

std::vector<std::string> DarknetProgram::square_pictures() const {
    constexpr int kSide = 96;
    std::vector<std::string> out;
    for (unsigned picture = 0; picture < 4; ++picture) {
        out.push_back(folder_ + "/square" + std::to_string(picture) + ".bmp");
        std::ofstream file(out.back(), std::ios::binary);
        const auto number = [&](std::uint32_t value, int bytes) {
            for (int i = 0; i < bytes; ++i) file.put(char(value >> 8 * i & 255));
        };
        file << "BM";
        for (std::uint32_t value : {54u + 3u * kSide * kSide, 0u, 54u, 40u, unsigned(kSide), unsigned(kSide)})
            number(value, 4);
        number(1, 2), number(24, 2);
        for (int i = 0; i < 6; ++i) number(0, 4);
        const std::vector<float> noise = random_floats(std::size_t(3 * kSide * kSide), picture + 1, 0, 255.9f);
        for (float v : noise) file.put(char(int(v)));
    }
    return out;
}

std::vector<std::vector<Detection>> DarknetProgram::valid(const std::string& cfg, const std::string& weights,
                                                          const std::vector<std::string>& pictures) const {
    // Its image id is the number after the last underscore of the file name.
    std::ofstream list(folder_ + "/list"), data(folder_ + "/data"), names(folder_ + "/names");
    for (std::size_t i = 0; i < pictures.size(); ++i) {
        const std::string link = folder_ + "/picture_" + std::to_string(i) + ".jpg";
        fs::remove(link);
        fs::create_symlink(pictures[i], link);
        list << link << '\n';
    }
    for (int i = 0; i < 80; ++i) names << "class" << i << '\n';
    data << "classes=80\nvalid=" << folder_ << "/list\nnames=" << folder_ << "/names\nresults=" << folder_
         << "\neval=coco\n";
    list.close(), data.close(), names.close();
    const std::string command =
        "cd " + folder_ + " && darknet detector valid data " + cfg + " " + weights + " >log 2>&1";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);

    std::vector<std::vector<Detection>> out(pictures.size());
    std::ifstream results(folder_ + "/coco_results.json");
    for (const nlohmann::json& d : nlohmann::json::parse(results)) {
        const auto& b = d.at("bbox");
        // It clips edge by edge: a box outside of the picture is left with a negative size, where we list none.
        const Box box = {b[0], b[1], b[2], b[3]};
        if (box.w <= 0 || box.h <= 0) continue;
        out.at(d.at("image_id")).push_back({coco_class(d.at("category_id")), d.at("score"), box});
    }
    return out;
}

}  // namespace convoy::test
