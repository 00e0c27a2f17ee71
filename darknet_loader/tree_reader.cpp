// SPDX-License-Identifier: MIT
#include "darknet_loader/tree_reader.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <system_error>

#include "darknet_loader/file.h"

namespace fs = std::filesystem;

namespace convoy {
namespace {

constexpr std::size_t kMaxTreeBytes = std::size_t(16) << 20;
constexpr std::string_view kSpace = " \t\r";

/// The second word of `line` as a number, or nothing that a parent could be.
int parent_of(std::string_view line) {
    constexpr int kNone = -2;
    const std::size_t name = line.find_first_not_of(kSpace);
    if (name == line.npos) return kNone;
    const std::size_t gap = line.find_first_of(kSpace, name);
    const std::size_t start = gap == line.npos ? gap : line.find_first_not_of(kSpace, gap);
    if (start == line.npos) return kNone;
    const std::string_view word = line.substr(start, line.find_last_not_of(kSpace) + 1 - start);
    int parent = kNone;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), parent);
    return error == std::errc() && end == word.data() + word.size() ? parent : kNone;
}

std::string find_tree(const std::string& cfg, const std::string& named) {
    std::error_code ignored;
    const fs::path folder = fs::path(cfg).parent_path();
    for (const fs::path& path : {fs::path(cfg).replace_extension(".tree"), fs::path(named), folder / named,
                                 folder / ".." / named, folder / fs::path(named).filename()})
        if (fs::is_regular_file(path, ignored)) return path.string();
    return {};
}

}  // namespace

std::vector<int> parse_tree(std::string_view text, const std::string& path) {
    text = without_marks(text);
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    std::vector<int> parents;
    std::set<int> complete;  // parents whose children have all been seen
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const auto fail = [&](const std::string& what) {
            throw Error(ErrorKind::model, path + ":" + std::to_string(parents.size() + 1) + ": " + what);
        };
        if (text.substr(0, end).find('\0') != text.npos)
            fail("there are zero bytes in the line: the file is damaged; take it from elsewhere");
        const int parent = parent_of(text.substr(0, end)), own = int(parents.size());
        if (parent < -1)
            fail("a line must have an identifier and the number of its parent, or -1; is it a tree of classes?");
        if (parent >= own)
            fail("the parent of class " + std::to_string(own) + " is " + std::to_string(parent) +
                 ", which does not come before it");
        if (own > 0 && parents.back() != parent) complete.insert(parents.back());
        if (complete.count(parent)) fail("the children of " + std::to_string(parent) + " do not stand side by side");
        parents.push_back(parent);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parents;
}

void attach_trees(Network& network) {
    for (std::size_t i = 0; i < network.layers.size(); ++i) {
        auto* region = std::get_if<RegionLayer>(&network.layers[i].kind);
        if (!region || region->tree.empty()) continue;
        const std::string path = find_tree(network.cfg_path, region->tree);
        const std::string where = network.cfg_path + ":" + std::to_string(region->tree_line) + ": [region] (layer " +
                                  std::to_string(i) + ") key 'tree' names ";
        if (path.empty())
            throw Error(ErrorKind::model, where + "the file '" + region->tree +
                                              "', which is not there; put it beside the cfg: without the tree of its "
                                              "classes the model cannot be read");
        region->parents = parse_tree(map_file(path, "tree of classes", kMaxTreeBytes).bytes(), path);
        if (int(region->parents.size()) != region->classes)
            throw Error(ErrorKind::model, where + "a tree of " + std::to_string(region->parents.size()) +
                                              " classes, '" + path +
                                              "', but the layer has classes=" + std::to_string(region->classes));
    }
}

std::string tree_text(const std::vector<int>& parents) {
    std::string out;
    for (std::size_t i = 0; i < parents.size(); ++i) out += std::to_string(i) + " " + std::to_string(parents[i]) + "\n";
    return out;
}

}  // namespace convoy
