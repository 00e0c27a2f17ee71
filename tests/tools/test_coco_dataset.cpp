// SPDX-License-Identifier: MIT
//
// Annotations and results: what is read, how classes find their categories, and what bad files are told.
#include <nlohmann/json.hpp>

#include <convoy/media/image.h>
#include "tests/support/catch.h"
#include "tests/support/complaint.h"
#include "tests/support/data.h"
#include "tests/tools/child.h"
#include "tools/eval/coco_dataset.h"
#include "tools/eval/darknet_results.h"
#include "tools/eval/preset.h"
#include "tools/eval/yolo_dataset.h"

using namespace convoy;
using test::complaint;
using test::TemporaryFolder;
using test::write_file;
namespace fs = std::filesystem;

namespace {

constexpr const char* kTruth = R"({"info": {"year": 2017},
 "images": [{"id": 9, "file_name": "b.png", "width": 20, "height": 10}, {"id": 4, "file_name": "a.png"}],
 "categories": [{"id": 7, "name": "traffic light"}, {"id": 3, "name": "Cat"}],
 "annotations": [
  {"id": 1, "image_id": 9, "category_id": 7, "bbox": [1, 2, 3, 4], "area": 5.5, "iscrowd": 1, "segmentation": [[1, 2]]},
  {"id": 2, "image_id": 4, "category_id": 3, "bbox": [1, 2, 3, 4]}]})";

/// Replaces the first `from`, which must be there.
std::string with(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

std::string truth_complaint(const std::string& text) {
    const TemporaryFolder folder;
    write_file(folder / "truth.json", text);
    return complaint([&] { eval::read_coco_dataset(folder / "truth.json"); });
}

void check_contains(const std::string& text, const std::string& part) {
    INFO("'" << part << "' in: " << text);
    CHECK(text.find(part) != std::string::npos);
}

/// images/ with three pictures of 20 x 10, labels/ for two of them.
void write_yolo_folder(const TemporaryFolder& folder) {
    fs::create_directories(folder / "images/sub");
    fs::create_directories(folder / "labels/sub");
    const media::Image picture{20, 10, std::vector<std::uint8_t>(600, 128)};
    for (const char* name : {"images/000000000042.png", "images/COCO_val2014_000000000007.png", "images/sub/100.png"})
        media::write_image(folder / name, picture);
    write_file(folder / "labels/000000000042.txt", "1 0.5 0.5 0.5 0.2\n\n0 0.25 0.5 0.5 1.0\r\n");
    write_file(folder / "labels/sub/100.txt", "");
}

}  // namespace

TEST_CASE("COCO annotations are read as they stand, sorted by id") {
    const TemporaryFolder folder;
    write_file(folder / "truth.json", kTruth);
    const eval::Dataset d = eval::read_coco_dataset(folder / "truth.json");
    REQUIRE(d.categories.size() == 2);
    CHECK(d.categories[0].name == "Cat");
    REQUIRE(d.pictures.size() == 2);
    CHECK(d.pictures[0].path == "a.png");
    CHECK(d.pictures[1].width == 20);
    REQUIRE(d.annotations.size() == 2);
    const eval::Annotation& a = d.annotations[0];
    CHECK((a.picture == 1 && a.category == 1 && a.crowd && a.area == 5.5 && a.box.h == 4));
    CHECK((d.annotations[1].area == 12 && !d.annotations[1].crowd));
    CHECK(d.notes.empty());
}

TEST_CASE("damaged annotations are refused with their place") {
    check_contains(truth_complaint(with(kTruth, "20, \"height\"", "20 \"height\"")),
                   "truth.json: not valid JSON: parse error at line 2");
    check_contains(truth_complaint(""), "not valid JSON");
    check_contains(truth_complaint("[]"), "a JSON object");
    check_contains(truth_complaint("{\"images\": []}"), "no array \"categories\"");
    check_contains(truth_complaint(with(kTruth, "\"id\": 4", "\"id\": 9")), "\"images\" has id 9 twice");
    check_contains(truth_complaint(with(kTruth, "\"id\": 4", "\"id\": 4.5")), "images[1] has 4.5 as \"id\"");
    check_contains(truth_complaint(with(kTruth, "[1, 2, 3, 4], \"area\"", "[1, 2, 3], \"area\"")),
                   "annotations[0] has [1,2,3] as \"bbox\"");
    check_contains(truth_complaint(with(kTruth, "[1, 2, 3, 4]}", "[1, 2, -3, 4]}")), "annotations[1]");
    check_contains(truth_complaint(with(kTruth, "\"id\": 4", "\"id\": 18446744073709551615")), "must be an integer");
    check_contains(truth_complaint(with(kTruth, "\"width\": 20", "\"width\": 4294967316")),
                   "images[0] has 4294967316 as \"width\"");
    const std::string deep = std::string(300000, '[') + std::string(300000, ']');
    check_contains(truth_complaint(with(kTruth, "\"id\": 4", "\"id\": " + deep)),
                   "images[1] has a nested array as \"id\"");
    const std::string euros = truth_complaint(with(kTruth, "\"id\": 4", "\"id\": \"" + std::string(78, 'x') + "€€\""));
    check_contains(euros, "xx… as");
    check_contains(truth_complaint(with(kTruth, "\"image_id\": 4", "\"image_id\": 5")), "no id in \"images\"");
    check_contains(truth_complaint(with(kTruth, "\"category_id\": 3", "\"category_id\": 5")),
                   "no id in \"categories\"");
    check_contains(complaint([] { eval::read_coco_dataset("/nonexistent/truth.json"); }), "cannot be opened");
}

TEST_CASE("pictures are found beside their annotations") {
    const TemporaryFolder folder;
    fs::create_directories(folder / "coco/annotations");
    fs::create_directories(folder / "coco/val2017");
    const std::string file = folder / "coco/annotations/instances_val2017.json";
    write_file(file, kTruth);
    eval::Dataset d = eval::read_coco_dataset(file);
    check_contains(complaint([&] { eval::locate_pictures(d, ""); }), "--images DIR");
    write_file(folder / "coco/val2017/a.png", "x");
    eval::locate_pictures(d, "");
    CHECK(fs::equivalent(d.pictures[0].path, folder / "coco/val2017/a.png"));
}

TEST_CASE("classes find their categories by name, or in order") {
    eval::Dataset d;
    d.categories = {{1, "person"}, {2, "airplane"}, {5, "tv"}};
    using Matches = std::vector<std::optional<std::size_t>>;
    CHECK(eval::match_categories(d, 3, {}) == Matches{0, 1, 2});
    CHECK(eval::match_categories(d, 3, {"person", "aeroplane", "tvmonitor"}) == Matches{0, 1, 2});
    CHECK(eval::match_categories(d, 3, {"Air Plane", "tv", "person"}) == Matches{1, 2, 0});
    CHECK(eval::match_categories(d, 2, {"tv", "cup"}) == Matches{2, std::nullopt});
    check_contains(complaint([&] { eval::match_categories(d, 2, {}); }), "--names FILE");
    check_contains(complaint([&] { eval::match_categories(d, 2, {"cup", "dog"}); }), "no name is in both");
}

TEST_CASE("eighty classes get COCO's category ids, others count from 1") {
    const auto coco = eval::categories_of_classes(80, {"person"});
    CHECK((coco[0].id == 1 && coco[11].id == 13 && coco[79].id == 90));
    CHECK((coco[0].name == "person" && coco[1].name == "class 1"));
    CHECK(eval::categories_of_classes(2, {})[1].id == 2);
}

TEST_CASE("a YOLO folder is read, subfolders and missing label files included") {
    const TemporaryFolder folder;
    write_yolo_folder(folder);
    write_file(folder / "labels/999.txt", "0 0.5 0.5 0.5 0.5\n");
    const eval::Dataset d = eval::read_yolo_dataset(folder.path().string(), eval::categories_of_classes(2, {}));
    REQUIRE(d.pictures.size() == 3);
    CHECK((d.pictures[0].id == 7 && d.pictures[1].id == 42 && d.pictures[2].id == 100));
    REQUIRE(d.annotations.size() == 2);
    const eval::Annotation& a = d.annotations[0];
    CHECK((a.picture == 1 && a.category == 1 && !a.crowd));
    CHECK((a.box.x == 5 && a.box.y == 4 && a.box.w == 10 && a.box.h == 2 && a.area == 20));
    REQUIRE(d.notes.size() == 1);
    check_contains(d.notes[0], "999.txt");
}

TEST_CASE("labels as people have them: marks, tabs, line ends, a little beyond the picture") {
    const TemporaryFolder folder;
    write_yolo_folder(folder);
    write_file(folder / "labels/000000000042.txt",
               "\xef\xbb\xbf"
               "1\t0.5\t0.5\t0.5\t0.2 \r\n\r\n  \r\n0 0.5 0.5 1.0004 -0.0002\r\n0 .5 .5 1.01 1\n");
    const eval::Dataset d = eval::read_yolo_dataset(folder.path().string(), eval::categories_of_classes(2, {}));
    REQUIRE(d.annotations.size() == 3);
    CHECK((d.annotations[0].box.w == 10 && d.annotations[0].box.h == 2));
    CHECK((d.annotations[1].box.x == 0 && d.annotations[1].box.w == 20 && d.annotations[1].box.h == 0));
    REQUIRE(d.warnings.size() == 1);
    check_contains(d.warnings[0], "2 labels reach a little beyond the picture");
    check_contains(d.warnings[0], "000000000042.txt:4");
}

TEST_CASE("bad labels are refused with file and line") {
    const auto complain = [](const std::string& label) {
        const TemporaryFolder folder;
        write_yolo_folder(folder);
        write_file(folder / "labels/000000000042.txt", "0 .5 .5 .5 .5\n" + label);
        return complaint([&] { eval::read_yolo_dataset(folder.path().string(), eval::categories_of_classes(2, {})); });
    };
    check_contains(complain("0 .5 .5 .5"), "000000000042.txt:2: has 4 columns");
    check_contains(complain("0 .1 .1 .2 .2 .3 .3"), ":2: has 7 columns");
    check_contains(complain("2 .5 .5 .5 .5"), ":2: class 2 is outside 0 … 1");
    check_contains(complain("-1 .5 .5 .5 .5"), ":2: class -1");
    check_contains(complain("0.5 .5 .5 .5 .5"), ":2: class 0.5");
    check_contains(complain("0 .5 .5 1.5 .5"), ":2: 1.5 is outside");
    check_contains(complain("0 .5 nan .5 .5"), ":2: nan is outside");
    check_contains(complain("0 .5 .5 .5 half"), ":2: 'half' is not a number");
}

TEST_CASE("a folder that is no dataset says what is missing") {
    const TemporaryFolder folder;
    const auto read = [&] { eval::read_yolo_dataset(folder.path().string(), eval::categories_of_classes(2, {})); };
    check_contains(complaint(read), "holds no pictures");
    write_yolo_folder(folder);
    fs::remove_all(folder / "labels");
    check_contains(complaint(read), "no such folder");
    fs::create_directories(folder / "labels");
    check_contains(complaint(read), "holds no label file");
    write_file(folder / "images/sub/100.png", "not a picture");
    check_contains(complaint(read), "100.png");
}

TEST_CASE("results are read back as they were written") {
    const TemporaryFolder folder;
    write_file(folder / "truth.json", kTruth);
    eval::Dataset d = eval::read_coco_dataset(folder / "truth.json");
    const std::vector<eval::ScoredBox> boxes = {{1, 0, {.1f, 1e-7f, 33.333333f, 4}, .87654321f},
                                                {0, 1, {0, 0, 1, 1}, 1}};
    write_file(folder / "results.json", eval::results_json(d, boxes));
    const auto back = eval::read_results(folder / "results.json", d);
    REQUIRE(back.size() == 2);
    CHECK((back[0].picture == 1 && back[0].category == 0 && back[1].picture == 0));
    CHECK((float(back[0].box.x) == .1f && float(back[0].box.y) == 1e-7f && float(back[0].score) == .87654321f));
    write_file(folder / "empty.json", eval::results_json(d, {}));
    CHECK(eval::read_results(folder / "empty.json", d).empty());
}

TEST_CASE("damaged results are refused, foreign categories noted") {
    const TemporaryFolder folder;
    write_file(folder / "truth.json", kTruth);
    eval::Dataset d = eval::read_coco_dataset(folder / "truth.json");
    const std::string good = R"([{"image_id": 9, "category_id": 7, "bbox": [0, 0, 5, 5], "score": 0.5}])";
    const auto complain = [&](const std::string& text) {
        write_file(folder / "results.json", text);
        return complaint([&] { eval::read_results(folder / "results.json", d); });
    };
    check_contains(complain("{}"), "JSON array");
    check_contains(complain(with(good, "0.5", "nan")), "not valid JSON");
    check_contains(complain(with(good, "0.5", "\"high\"")), "detections[0] has \"high\" as \"score\"");
    check_contains(complain(with(good, "\"image_id\": 9", "\"image_id\": 8")), "picture 8");
    write_file(folder / "results.json", with(good, "\"category_id\": 7", "\"category_id\": 8"));
    CHECK(eval::read_results(folder / "results.json", d).empty());
    REQUIRE(d.notes.size() == 1);
    check_contains(d.notes[0], "1 categories");
}

TEST_CASE(
    "pjreddie's evaluation leaves out the keys that pjreddie does not know, and only for models that it can run") {
    Network network;
    YoloLayer head;
    head.scale_x_y = 1.1f;
    head.nms_kind = NmsKind::diou;
    network.layers = {Layer{ConvolutionalLayer{}, {}, {}, 1}, Layer{head, {}, {}, 2}};
    Network mish = network;
    std::get<ConvolutionalLayer>(mish.layers[0].kind).activation = Activation::mish;
    CHECK(eval::forget_newer_keys(network));
    const auto& changed = std::get<YoloLayer>(network.layers[1].kind);
    CHECK((changed.scale_x_y == 1.f && changed.nms_kind == NmsKind::iou));
    CHECK(!eval::forget_newer_keys(network));
    CHECK(!eval::forget_newer_keys(mish));
    CHECK(std::get<YoloLayer>(mish.layers[1].kind).scale_x_y == 1.1f);
}
