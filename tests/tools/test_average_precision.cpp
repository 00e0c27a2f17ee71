// SPDX-License-Identifier: MIT
//
// The scores against numbers worked out by hand and against pycocotools on random data.
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/support/catch.h"
#include "tests/tools/child.h"
#include "tools/eval/average_precision.h"
#include "tools/eval/coco_dataset.h"
#include "tools/eval/darknet_results.h"
#include "tools/eval/matcher.h"

using namespace convoy;
using nlohmann::json;

namespace {

// Both sides do the same double arithmetic; only the order of sums over at most 1e5 shares differs.
constexpr double kSumError = 1e5 * 0x1p-52;

bool near(double a, double b, double bound) { return std::fabs(a - b) <= bound; }

eval::Dataset one_category(std::vector<eval::Annotation> objects, std::size_t pictures = 1) {
    eval::Dataset out;
    out.categories = {{1, "thing"}};
    for (std::size_t i = 0; i < pictures; ++i) out.pictures.push_back({std::int64_t(i) + 1, "", 640, 480});
    out.annotations = std::move(objects);
    return out;
}

eval::Annotation object(std::int64_t id, eval::Box box, bool crowd = false) {
    return {id, 0, 0, box, box.w * box.h, crowd};
}

/// Random annotations and results that meet every rule: crowds, equal scores, categories without objects or without
/// detections, outlines smaller than their boxes, pictures with more than 100 detections, all area ranges.
class RandomCase {
public:
    explicit RandomCase(unsigned seed) : random_(seed) {
        for (int i = 0; i < 12; ++i) truth["images"].push_back({{"id", 7 * i + 3}, {"file_name", "x"}});
        for (int k = 0; k < 6; ++k) truth["categories"].push_back({{"id", 3 * k + 1}, {"name", "c"}});
        truth["annotations"] = results = json::array();
        for (const json& picture : truth["images"])
            for (int k = 0; k < 6; ++k) fill(picture["id"], k);
    }
    json truth, results;

private:
    double uniform(double low, double high) {
        return low + (high - low) * double(random_()) / double(std::mt19937::max());
    }
    int below(int n) { return int(random_() % unsigned(n)); }

    json box() {
        const double side = std::exp(uniform(std::log(8.), std::log(300.)));
        return {uniform(0, 500), uniform(0, 400), side, side * uniform(.4, 2)};
    }

    void fill(int picture, int k) {
        std::vector<json> boxes;
        // Category 4 has no objects, category 5 no detections.
        for (int n = k == 4 ? 0 : below(6); n > 0; --n) {
            const json b = box();
            boxes.push_back(b);
            truth["annotations"].push_back({{"id", ++id_},
                                            {"image_id", picture},
                                            {"category_id", 3 * k + 1},
                                            {"bbox", b},
                                            {"area", double(b[2]) * double(b[3]) * uniform(.5, 1)},
                                            {"iscrowd", below(8) == 0 ? 1 : 0}});
        }
        for (int n = k == 5 ? 0 : below(12) + (k == 0 && picture == 3 ? 120 : 0); n > 0; --n) {
            json b = box();
            if (!boxes.empty() && below(3) > 0) {
                const json& hit = boxes[std::size_t(below(int(boxes.size())))];
                for (int i = 0; i < 4; ++i)
                    b[i] = double(hit[i]) + (below(4) ? uniform(-.08, .08) * double(hit[2]) : 0);
            }
            results.push_back(
                {{"image_id", picture}, {"category_id", 3 * k + 1}, {"bbox", b}, {"score", below(21) / 20.}});
        }
    }

    std::mt19937 random_;
    int id_ = 0;
};

}  // namespace

TEST_CASE("overlap is intersection over union, and over the detection alone for a crowd") {
    const eval::Box a{0, 0, 10, 10}, b{5, 0, 10, 20};
    CHECK(near(eval::box_overlap(a, b, false), 50. / 250., 1e-15));
    CHECK(near(eval::box_overlap(a, b, true), 50. / 100., 1e-15));
    CHECK(eval::box_overlap(a, {10, 0, 5, 5}, false) == 0);
}

TEST_CASE("a hit, a false alarm and a miss give the curve that they should") {
    // Two objects; the best detection hits one at IoU 1, the second hits nothing: recall .5 at precision 1.
    const eval::Dataset data = one_category({object(1, {0, 0, 50, 50}), object(2, {200, 200, 50, 50})});
    const std::vector<eval::ScoredBox> found = {{0, 0, {0, 0, 50, 50}, .9}, {0, 0, {400, 400, 50, 50}, .8}};
    const eval::Scores scores = eval::score(data, found);
    CHECK(near(scores.ap50, 51. / 101., kSumError));  // recalls 0 … .5
    CHECK(near(scores.ap, 51. / 101., kSumError));
    CHECK(near(scores.ar100, .5, kSumError));
    CHECK(scores.ap_medium == scores.ap);
    CHECK(scores.ap_small == eval::kAbsent);
    CHECK(scores.categories[0].objects == 2);
    CHECK(near(scores.categories[0].curve50[50], 1, kSumError));
    CHECK(scores.categories[0].curve50[51] == 0);
}

TEST_CASE("detections in a crowd count neither for nor against") {
    const eval::Dataset data = one_category({object(1, {0, 0, 50, 50}), object(2, {100, 100, 300, 300}, true)});
    const std::vector<eval::ScoredBox> found = {
        {0, 0, {120, 120, 40, 40}, .9}, {0, 0, {220, 220, 40, 40}, .8}, {0, 0, {0, 0, 50, 50}, .1}};
    CHECK(near(eval::score(data, found).ap, 1, kSumError));
    CHECK(eval::score(data, found).categories[0].objects == 1);
}

TEST_CASE("equal scores are decided by the order of the file") {
    const eval::Dataset data = one_category({object(1, {0, 0, 50, 50})});
    const eval::ScoredBox hit{0, 0, {0, 0, 50, 50}, .5}, alarm{0, 0, {300, 300, 50, 50}, .5};
    CHECK(near(eval::score(data, std::vector{hit, alarm}).ap, 1, kSumError));
    CHECK(near(eval::score(data, std::vector{alarm, hit}).ap, .5, kSumError));
}

TEST_CASE("nothing to find and nothing found are told apart") {
    CHECK(eval::score(one_category({}), {}).ap == eval::kAbsent);
    CHECK(eval::score(one_category({object(1, {0, 0, 9, 9})}), {}).ap == 0);
}

TEST_CASE("random data score as pycocotools scores them") {
    const test::TemporaryFolder folder;
    if (test::run("/usr/bin/env", {"python3", "-c", "import pycocotools"}, folder.path()).status != 0) {
        WARN("skipped: python3 has no pycocotools");
        return;
    }
    for (unsigned seed = 1; seed <= 8; ++seed) {
        RandomCase random(seed);
        if (seed == 8)  // numbered from 0, which pycocotools takes for "no match"
            for (json& annotation : random.truth["annotations"]) annotation["id"] = int(annotation["id"]) - 1;
        test::write_file(folder / "truth.json", random.truth.dump());
        test::write_file(folder / "results.json", random.results.dump());
        const auto python = test::run("/usr/bin/env",
                                      {"python3", test::source_file("tests/tools/pycocotools_scores.py"),
                                       folder / "truth.json", folder / "results.json"},
                                      folder.path());
        INFO("seed " << seed << ": " << python.err);
        REQUIRE(python.status == 0);
        const json expected = json::parse(python.out);

        eval::Dataset data = eval::read_coco_dataset(folder / "truth.json");
        CHECK(data.notes.size() == (seed == 8 ? 1 : 0));
        const eval::Scores s = eval::score(data, eval::read_results(folder / "results.json", data));
        const double actual[] = {s.ap,  s.ap50, s.ap75,  s.ap_small, s.ap_medium, s.ap_large,
                                 s.ar1, s.ar10, s.ar100, s.ar_small, s.ar_medium, s.ar_large};
        for (std::size_t i = 0; i < 12; ++i) {
            INFO("summary value " << i << ": " << actual[i] << ", pycocotools " << expected["summary"][i]);
            CHECK(near(actual[i], expected["summary"][i], kSumError));
        }
        for (std::size_t k = 0; k < s.categories.size(); ++k) {
            INFO("category " << k << ": " << s.categories[k].ap << ", pycocotools " << expected["categories"][k]);
            CHECK(near(s.categories[k].ap, expected["categories"][k], kSumError));
        }
        CHECK(s.ap > .05);  // the case is worth something
        CHECK(s.ap < .95);
    }
}
