// SPDX-License-Identifier: MIT
#include <algorithm>

#include <convoy/load.h>
#include "darknet_loader/file.h"

namespace convoy {
namespace {

constexpr std::size_t kMaxNamesBytes = std::size_t(16) << 20;

std::string_view trimmed(std::string_view line) {
    constexpr std::string_view kSpace = " \t\r";
    const std::size_t first = line.find_first_not_of(kSpace);
    if (first == line.npos) return {};
    return line.substr(first, line.find_last_not_of(kSpace) - first + 1);
}

bool is_text(std::string_view line) {
    return std::none_of(line.begin(), line.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

}  // namespace

void attach_names(Network& network, const std::string& path) {
    const MappedFile file = map_file(path, "names file", kMaxNamesBytes);
    std::string_view text = without_marks(file.bytes());
    std::vector<std::string> names;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        names.emplace_back(trimmed(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    while (!names.empty() && names.back().empty()) names.pop_back();
    // Where all of the classes have a name without them, blank lines are nothing but that.
    const auto blank = std::count(names.begin(), names.end(), std::string());
    if (int(names.size() - std::size_t(blank)) == network.classes()) std::erase(names, std::string());
    for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i].empty() || !is_text(names[i]))
            throw Error(ErrorKind::model,
                        path + ":" + std::to_string(i + 1) +
                            (names[i].empty() ? ": the line is blank; there must be one class name a line"
                                              : ": this is not text; is it a .names file?"));
    if (int(names.size()) != network.classes())
        throw Error(ErrorKind::model, "names file '" + path + "' has " + std::to_string(names.size()) +
                                          " class names, but the heads of '" + network.cfg_path +
                                          "' have classes=" + std::to_string(network.classes()) +
                                          "; use the .names file that belongs to the model");
    network.names = std::move(names);
}

}  // namespace convoy
