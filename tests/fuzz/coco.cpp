// SPDX-License-Identifier: MIT
//
// Any bytes as COCO's annotations and, behind a zero, as results for them: what can be read is scored and written.
#include <cmath>
#include <nlohmann/json.hpp>

#include <convoy/error.h>
#include "tests/fuzz/input.h"
#include "tools/eval/average_precision.h"
#include "tools/eval/coco_dataset.h"
#include "tools/eval/darknet_results.h"
#include "tools/eval/eval_report.h"
#include "tools/eval/pr_curves.h"

namespace {

using namespace convoy::eval;
using namespace convoy::fuzz;

void check(const Dataset& dataset) {
    for (std::size_t i = 1; i < dataset.pictures.size(); ++i)
        require(dataset.pictures[i - 1].id < dataset.pictures[i].id);
    for (std::size_t i = 1; i < dataset.categories.size(); ++i)
        require(dataset.categories[i - 1].id < dataset.categories[i].id);
    for (const Picture& p : dataset.pictures) require(p.width >= 0 && p.height >= 0);
    for (const Annotation& a : dataset.annotations)
        require(a.picture < dataset.pictures.size() && a.category < dataset.categories.size() &&
                std::isfinite(a.box.x) && std::isfinite(a.box.y) && a.box.w >= 0 && a.box.h >= 0);
}

void check_share(double value) { require(value == kAbsent || (value >= 0 && value <= 1)); }

void score_and_write(const Dataset& dataset, const std::vector<ScoredBox>& detections) {
    const Scores scores = score(dataset, detections);
    for (const double share : {scores.ap, scores.ap50, scores.ap75, scores.ar1, scores.ar100}) check_share(share);
    for (const CategoryScores& c : scores.categories) check_share(c.ap);
    require(!scores_text(dataset, scores).empty());
    require(scores_json(dataset, scores)["classes"].size() == dataset.categories.size());
    require(pr_curves_svg(dataset, scores, dataset.categories.front().name).ends_with("</svg>\n"));
    // Boxes that are written come from a network, in floats.
    if (std::all_of(detections.begin(), detections.end(), [](const ScoredBox& d) {
            return std::abs(d.box.x) + std::abs(d.box.y) + std::abs(d.box.w) + std::abs(d.box.h) < 1e38 &&
                   std::abs(d.score) < 1e38;
        }))
        require(nlohmann::json::parse(results_json(dataset, detections)).size() == detections.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Scratch folder;
    Bytes bytes(data, size);
    try {
        Dataset dataset = read_coco_dataset(folder.write("annotations.json", bytes.text()));
        check(dataset);
        std::vector<ScoredBox> detections;
        if (!bytes.empty()) detections = read_results(folder.write("results.json", bytes.rest()), dataset);
        score_and_write(dataset, detections);
        match_categories(dataset, 2, {"person", "car"});
    } catch (const convoy::Error&) {  // says what is wrong with it
    }
    return 0;
}
