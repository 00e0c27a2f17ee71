// SPDX-License-Identifier: MIT
#include "tools/eval/coco_dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <unordered_map>

#include <convoy/error.h>
#include "tools/eval/json_file.h"

namespace fs = std::filesystem;

namespace convoy::eval {
namespace {

using Index = std::unordered_map<std::int64_t, std::size_t>;

/// Sorts by id; returns where each id stands. Throws for an id that occurs twice.
template <typename T>
Index index_by_id(std::vector<T>& items, const std::string& path, const char* array) {
    std::stable_sort(items.begin(), items.end(), [](const T& a, const T& b) { return a.id < b.id; });
    Index index;
    for (std::size_t i = 0; i < items.size(); ++i)
        if (!index.emplace(items[i].id, i).second)
            throw Error(ErrorKind::input, fmt::format("{}: \"{}\" has id {} twice", path, array, items[i].id));
    return index;
}

std::vector<Category> read_categories(const nlohmann::json& root, const std::string& path) {
    std::vector<Category> out;
    for (const auto& object : array_member(root, "categories", path)) {
        const Record r(object, path, "categories", out.size());
        out.push_back({r.integer("id"), r.has("name") ? r.text("name") : std::string()});
    }
    if (out.empty()) throw Error(ErrorKind::input, path + ": \"categories\" is empty");
    return out;
}

std::vector<Picture> read_pictures(const nlohmann::json& root, const std::string& path) {
    std::vector<Picture> out;
    for (const auto& object : array_member(root, "images", path)) {
        const Record r(object, path, "images", out.size());
        Picture p;
        p.id = r.integer("id");
        p.path = r.text("file_name");
        if (r.has("width") && r.has("height")) p.width = r.pixels("width"), p.height = r.pixels("height");
        out.push_back(std::move(p));
    }
    if (out.empty()) throw Error(ErrorKind::input, path + ": \"images\" is empty");
    return out;
}

Annotation read_annotation(const Record& r, const Index& pictures, const Index& categories) {
    const auto lookup = [&](const Index& index, const char* key, const char* array) {
        const auto found = index.find(r.integer(key));
        if (found == index.end())
            r.fail(fmt::format("has {} as \"{}\", which is no id in \"{}\"", r.integer(key), key, array));
        return found->second;
    };
    Annotation a;
    a.id = r.integer("id");
    a.picture = lookup(pictures, "image_id", "images");
    a.category = lookup(categories, "category_id", "categories");
    a.box = r.box("bbox");
    if (a.box.w < 0 || a.box.h < 0) r.fail("has a \"bbox\" of negative width or height");
    a.area = r.has("area") ? r.number("area") : a.box.w * a.box.h;
    a.crowd = r.has("iscrowd") && r.integer("iscrowd") != 0;
    return a;
}

std::vector<std::string> picture_folders(const std::string& annotation_file) {
    const fs::path file = annotation_file, folder = file.parent_path();
    std::vector<std::string> out = {folder.string(), (folder / "images").string()};
    const std::string stem = file.stem().string(), prefix = "instances_";
    if (stem.rfind(prefix, 0) == 0) {
        const fs::path root = folder / "..";
        out.push_back((root / stem.substr(prefix.size())).lexically_normal().string());
        out.push_back((root / "images" / stem.substr(prefix.size())).lexically_normal().string());
    }
    return out;
}

std::string folded(const std::string& name) {
    std::string out;
    for (const unsigned char c : name)
        if (!std::isspace(c)) out += char(std::tolower(c));
    return out;
}

}  // namespace

Dataset read_coco_dataset(const std::string& path) {
    const nlohmann::json root = read_json(path, {"segmentation", "licenses", "info"});
    Dataset out;
    out.path = path;
    out.categories = read_categories(root, path);
    out.pictures = read_pictures(root, path);
    const Index categories = index_by_id(out.categories, path, "categories");
    const Index pictures = index_by_id(out.pictures, path, "images");
    for (const auto& object : array_member(root, "annotations", path))
        out.annotations.push_back(
            read_annotation(Record(object, path, "annotations", out.annotations.size()), pictures, categories));
    if (std::any_of(out.annotations.begin(), out.annotations.end(), [](const Annotation& a) { return a.id == 0; }))
        out.notes.push_back(path +
                            ": annotation id 0 means \"no object\" to pycocotools, so what finds that object is "
                            "scored as a false alarm, here as there; number annotations from 1");
    return out;
}

void locate_pictures(Dataset& dataset, const std::string& folder) {
    const std::vector<std::string> folders =
        folder.empty() ? picture_folders(dataset.path) : std::vector<std::string>{folder};
    const std::string& first = dataset.pictures.front().path;
    std::error_code ignored;
    const auto found = std::find_if(folders.begin(), folders.end(),
                                    [&](const std::string& f) { return fs::exists(fs::path(f) / first, ignored); });
    if (found == folders.end()) {
        std::string looked;
        for (const std::string& f : folders) looked += (looked.empty() ? "" : ", ") + (f.empty() ? "." : f);
        throw Error(ErrorKind::input, fmt::format("{}: its picture {} is not in {}; name the folder with --images DIR",
                                                  dataset.path, first, looked));
    }
    for (Picture& p : dataset.pictures) p.path = (fs::path(*found) / p.path).string();
}

const std::vector<std::int64_t>& coco_category_ids() {
    static const std::vector<std::int64_t> ids = [] {
        const std::vector<std::int64_t> unused = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83};
        std::vector<std::int64_t> out;
        for (std::int64_t id = 1; id <= 90; ++id)
            if (std::find(unused.begin(), unused.end(), id) == unused.end()) out.push_back(id);
        return out;
    }();
    return ids;
}

std::vector<Category> categories_of_classes(std::size_t classes, const std::vector<std::string>& names) {
    std::vector<Category> out;
    for (std::size_t i = 0; i < classes; ++i)
        out.push_back({classes == coco_category_ids().size() ? coco_category_ids()[i] : std::int64_t(i) + 1,
                       i < names.size() ? names[i] : fmt::format("class {}", i)});
    return out;
}

std::vector<std::optional<std::size_t>> match_categories(const Dataset& dataset, std::size_t classes,
                                                         const std::vector<std::string>& names) {
    std::unordered_map<std::string, std::size_t> by_name;
    for (std::size_t i = 0; i < dataset.categories.size(); ++i) by_name.emplace(folded(dataset.categories[i].name), i);

    std::vector<std::optional<std::size_t>> out(classes);
    bool in_order = classes == dataset.categories.size(), any = false;
    for (std::size_t i = 0; i < classes && i < names.size(); ++i) {
        const auto found = by_name.find(folded(names[i]));
        if (found == by_name.end()) continue;
        out[i] = found->second;
        any = true;
        in_order = in_order && found->second == i;
    }
    if (in_order)
        for (std::size_t i = 0; i < classes; ++i) out[i] = i;
    else if (!any)
        throw Error(ErrorKind::input,
                    fmt::format("{}: has {} categories, the model {} classes, and no name is in both{}", dataset.path,
                                dataset.categories.size(), classes,
                                names.empty() ? "; give the classes' names with --names FILE" : ""));
    return out;
}

}  // namespace convoy::eval
