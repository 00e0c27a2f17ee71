// SPDX-License-Identifier: MIT
#include "tools/eval/yolo_dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>

#include <convoy/error.h>
#include <convoy/media/image.h>

namespace fs = std::filesystem;

namespace convoy::eval {
namespace {

/// Regular files below `folder` for which `wanted` holds, by name.
template <typename Wanted>
std::vector<fs::path> files_below(const fs::path& folder, Wanted wanted) {
    std::vector<fs::path> out;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file() && wanted(entry.path())) out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
}

/// The number after the last '_' of a picture's name.
std::optional<std::int64_t> number_in_name(const fs::path& picture) {
    const std::string stem = picture.stem().string();
    const std::string digits = stem.substr(stem.rfind('_') + 1);
    if (digits.empty() || digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string::npos)
        return std::nullopt;
    return std::stoll(digits);
}

std::vector<std::int64_t> picture_ids(const std::vector<fs::path>& pictures) {
    std::vector<std::int64_t> ids;
    std::set<std::int64_t> distinct;
    for (const fs::path& p : pictures)
        if (const auto id = number_in_name(p); id && distinct.insert(*id).second) ids.push_back(*id);
    if (ids.size() == pictures.size()) return ids;
    ids.clear();
    for (std::size_t i = 0; i < pictures.size(); ++i) ids.push_back(std::int64_t(i) + 1);
    return ids;
}

constexpr double kRounding = .05;  // how far a share may lie outside of 0 … 1, as rounding and augmentation leave it

/// One line `class cx cy w h`; nullopt for a blank one. `clipped`: it reached beyond its picture.
std::optional<Annotation> parse_label(const std::string& text, std::size_t classes, const Picture& picture,
                                      const std::string& place, bool& clipped) {
    std::istringstream words(text);
    std::vector<std::string> columns;
    for (std::string word; words >> word;) columns.push_back(word);
    if (columns.empty()) return std::nullopt;
    const auto fail = [&](const std::string& sentence) { throw Error(ErrorKind::input, place + ": " + sentence); };
    if (columns.size() != 5)
        fail(fmt::format("has {} columns; a label is `class cx cy w h`{}", columns.size(),
                         columns.size() > 5 ? " (outlines are not boxes)" : ""));
    double v[5] = {};
    for (int i = 0; i < 5; ++i) {
        std::size_t used = 0;
        try {
            v[i] = std::stod(columns[i], &used);
        } catch (const std::exception&) {
            used = 0;
        }
        if (used != columns[i].size()) fail(fmt::format("'{}' is not a number", columns[i]));
        if (i == 0) continue;
        if (!(v[i] >= -kRounding && v[i] <= 1 + kRounding))
            fail(fmt::format("{} is outside 0 … 1; centre and size are shares of the picture's", columns[i]));
        const double inside = std::clamp(v[i], 0., 1.);
        clipped = clipped || inside != v[i];
        v[i] = inside;
    }
    if (!(v[0] >= 0 && v[0] < double(classes)) || v[0] != std::floor(v[0]))
        fail(fmt::format("class {} is outside 0 … {}", columns[0], classes - 1));
    Annotation a;
    a.category = std::size_t(v[0]);
    a.box = {(v[1] - v[3] / 2) * picture.width, (v[2] - v[4] / 2) * picture.height, v[3] * picture.width,
             v[4] * picture.height};
    a.area = a.box.w * a.box.h;
    return a;
}

/// Labels that were clipped to their picture.
struct Clipped {
    int count = 0;
    std::string first;  ///< "file:line"
};

/// Appends the objects of picture `index`. False when it has no label file.
bool read_labels(const fs::path& file, std::size_t index, Dataset& dataset, Clipped& clipped) {
    std::error_code ignored;
    if (!fs::exists(file, ignored)) return false;
    std::ifstream lines(file);
    if (!lines) throw Error(ErrorKind::input, file.string() + ": cannot be opened");
    int number = 0;
    for (std::string text; std::getline(lines, text);) {
        const std::string place = fmt::format("{}:{}", file.string(), ++number);
        if (number == 1 && text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
        bool outside = false;
        auto label = parse_label(text, dataset.categories.size(), dataset.pictures[index], place, outside);
        if (!label) continue;
        if (outside && clipped.count++ == 0) clipped.first = place;
        label->picture = index;
        label->id = std::int64_t(dataset.annotations.size()) + 1;
        dataset.annotations.push_back(*label);
    }
    return true;
}

fs::path label_file(const fs::path& labels, const fs::path& images, const fs::path& picture) {
    return (labels / picture.lexically_relative(images)).replace_extension(".txt");
}

}  // namespace

Dataset read_yolo_dataset(const std::string& folder, const std::vector<Category>& categories) {
    const bool split = fs::is_directory(fs::path(folder) / "images");
    const fs::path images = split ? fs::path(folder) / "images" : fs::path(folder);
    const fs::path labels = split ? fs::path(folder) / "labels" : images;
    const std::vector<fs::path> found =
        files_below(images, [](const fs::path& p) { return media::is_picture(p.string()); });
    if (found.empty())
        throw Error(ErrorKind::input, fmt::format("{}: holds no pictures; a YOLO dataset has images/ and labels/, or "
                                                  "pictures and their .txt files side by side",
                                                  images.string()));
    if (!fs::is_directory(labels))
        throw Error(ErrorKind::input, fmt::format("{}: no such folder, so no picture has labels", labels.string()));

    Dataset out;
    out.path = folder;
    out.categories = categories;
    const std::vector<std::int64_t> ids = picture_ids(found);
    for (std::size_t i = 0; i < found.size(); ++i) out.pictures.push_back({ids[i], found[i].string(), 0, 0});
    std::sort(out.pictures.begin(), out.pictures.end(), [](const Picture& a, const Picture& b) { return a.id < b.id; });

    std::set<fs::path> used;
    Clipped clipped;
    for (std::size_t i = 0; i < out.pictures.size(); ++i) {
        const auto [width, height] = media::read_image_size(out.pictures[i].path);
        out.pictures[i].width = width, out.pictures[i].height = height;
        const fs::path file = label_file(labels, images, out.pictures[i].path);
        if (read_labels(file, i, out, clipped)) used.insert(file);
    }
    for (const fs::path& file : used) out.label_files.push_back(file.string());
    if (used.empty())
        throw Error(ErrorKind::input, fmt::format("{}: holds no label file for any picture in {}; they are named like "
                                                  "the pictures, with .txt",
                                                  labels.string(), images.string()));
    if (clipped.count > 0)
        out.warnings.push_back(fmt::format("{} label{} a little beyond the picture, the first is {}; clipped",
                                           clipped.count, clipped.count == 1 ? " reaches" : "s reach", clipped.first));
    const auto orphans = files_below(
        labels, [&](const fs::path& p) { return p.extension() == ".txt" && p.stem() != "classes" && !used.count(p); });
    if (!orphans.empty())
        out.notes.push_back(fmt::format("{} label files have no picture, {} for one; they are not scored",
                                        orphans.size(), orphans.front().string()));
    return out;
}

}  // namespace convoy::eval
