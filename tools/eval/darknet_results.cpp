// SPDX-License-Identifier: MIT
#include "tools/eval/darknet_results.h"

#include <fmt/format.h>

#include <set>
#include <unordered_map>

#include <convoy/error.h>
#include "tools/eval/json_file.h"

namespace convoy::eval {

std::vector<ScoredBox> read_results(const std::string& path, Dataset& dataset) {
    const nlohmann::json root = read_json(path, {"segmentation"});
    if (!root.is_array())
        throw Error(ErrorKind::input, fmt::format("{}: COCO results are a JSON array of detections; this holds {} {}",
                                                  path, root.is_object() ? "an" : "a", root.type_name()));
    std::unordered_map<std::int64_t, std::size_t> pictures, categories;
    for (std::size_t i = 0; i < dataset.pictures.size(); ++i) pictures[dataset.pictures[i].id] = i;
    for (std::size_t i = 0; i < dataset.categories.size(); ++i) categories[dataset.categories[i].id] = i;

    std::vector<ScoredBox> out;
    std::set<std::int64_t> unknown;
    for (std::size_t i = 0; i < root.size(); ++i) {
        const Record r(root[i], path, "detections", i);
        const auto picture = pictures.find(r.integer("image_id"));
        if (picture == pictures.end())
            r.fail(fmt::format("is of picture {}, which {} does not have", r.integer("image_id"), dataset.path));
        const ScoredBox box{picture->second, 0, r.box("bbox"), r.number("score")};
        const auto category = categories.find(r.integer("category_id"));
        if (category == categories.end()) {
            unknown.insert(r.integer("category_id"));
            continue;
        }
        out.push_back(box);
        out.back().category = category->second;
    }
    if (!unknown.empty())
        dataset.notes.push_back(
            fmt::format("{}: {} detections are of {} categories that {} does not have, {} for one; "
                        "they are not scored",
                        path, root.size() - out.size(), unknown.size(), dataset.path, *unknown.begin()));
    return out;
}

std::string results_json(const Dataset& dataset, std::span<const ScoredBox> detections) {
    std::string out = "[";
    for (const ScoredBox& d : detections) {
        fmt::format_to(std::back_inserter(out),
                       "{}\n{{\"image_id\":{}, \"category_id\":{}, \"bbox\":[{}, {}, {}, {}], \"score\":{}}}",
                       out.size() > 1 ? "," : "", dataset.pictures[d.picture].id, dataset.categories[d.category].id,
                       float(d.box.x), float(d.box.y), float(d.box.w), float(d.box.h), float(d.score));
    }
    return out + "\n]\n";
}

}  // namespace convoy::eval
