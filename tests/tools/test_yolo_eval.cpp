// SPDX-License-Identifier: MIT
//
// yolo-eval as its users meet it: Darknet's scores on coco128, files in and out, messages and exit status.
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <tuple>

#include <convoy/media/image.h>
#include "tests/support/catch.h"
#include "tests/support/contains.h"
#include "tests/support/data.h"
#include "tests/support/in_time.h"
#include "tests/tools/child.h"

using namespace convoy;
using nlohmann::json;
using test::contains;
using test::Finished;
using test::TemporaryFolder;
using test::write_file;
namespace fs = std::filesystem;

namespace {

using Arguments = std::vector<std::string>;

Finished yolo_eval(const TemporaryFolder& folder, const Arguments& arguments) {
    return test::run("yolo-eval", arguments, folder.path());
}

std::string demo() { return test::source_file("models/yolov3-quarter"); }

/// Two grey pictures, one of them with a person that nothing can find, as annotations and as a YOLO folder.
void write_small_dataset(const TemporaryFolder& folder) {
    fs::create_directories(folder / "images");
    fs::create_directories(folder / "labels");
    for (const char* name : {"images/1.png", "images/2.png"})
        media::write_image(folder / name, {64, 48, std::vector<std::uint8_t>(64 * 48 * 3, 128)});
    write_file(folder / "labels/1.txt", "0 0.5 0.5 0.25 0.5\n");
    write_file(folder / "truth.json", R"({"images": [{"id": 1, "file_name": "1.png", "width": 64, "height": 48},
        {"id": 2, "file_name": "2.png"}], "categories": [{"id": 1, "name": "person"}], "annotations":
        [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [24, 12, 16, 24], "area": 300, "iscrowd": 0}]})");
}

void check_failure(const TemporaryFolder& folder, const Arguments& arguments, int status, const std::string& part) {
    const Finished finished = yolo_eval(folder, arguments);
    INFO("expected status " << status << " and '" << part << "' in: " << finished.err);
    CHECK(finished.status == status);
    CHECK(contains(finished.err, "yolo-eval: error: "));
    CHECK(contains(finished.err, part));
    CHECK(finished.out.empty());
}

}  // namespace

TEST_CASE("coco128 scores as with Debian's darknet") {
    const std::string data = test::data_or_skip("coco128");
    if (data.empty()) return;
    struct Known {
        std::string model;
        double ap, ap50;  // percent, by pycocotools on the detections of `darknet detector valid`
        int detections;
    };
    for (const Known& known : {Known{test::data_dir() + "/models/yolo-fastest-1.1-xl", 21.585, 42.159, 13099},
                               Known{test::data_dir() + "/models/MobileNetV2-YOLOv3-Nano-coco", 16.351, 32.299, 14344},
                               Known{demo(), 86.270, 95.309, 1760}}) {
        if (!fs::exists(known.model + ".weights")) {
            WARN("skipped: " << known.model << ".weights is not there");
            continue;
        }
        const TemporaryFolder folder;
        const Finished finished =
            yolo_eval(folder, {known.model, "--data", data, "--quiet", "--json", "scores.json", "--precision", "fp32"});
        INFO(known.model << ": " << finished.err);
        REQUIRE(finished.status == 0);
        CHECK(finished.err.empty());
        const json scores = json::parse(test::read_file(folder / "scores.json"));
        CHECK(std::fabs(100 * double(scores["AP"]) - known.ap) <= .05);
        CHECK(std::fabs(100 * double(scores["AP50"]) - known.ap50) <= .05);
        // A confidence within the last bits of the threshold may fall on either side.
        CHECK(std::abs(int(scores["detections"]) - known.detections) <= 3);
        CHECK(scores["pictures"] == 128);
        CHECK(scores["objects"] == 929);
        const Finished in_bf16 =
            yolo_eval(folder, {known.model, "--data", data, "--quiet", "--json", "bf16.json", "--precision", "bf16"});
        if (contains(in_bf16.err, "has no instructions for bf16")) continue;
        REQUIRE(in_bf16.status == 0);
        const double lost = known.ap - 100 * double(json::parse(test::read_file(folder / "bf16.json"))["AP"]);
        INFO("bf16 loses " << lost);
        CHECK(lost <= .5);
    }
}

TEST_CASE("scores and curves can be read, whatever the bytes of a class's name") {
    const TemporaryFolder folder;
    write_small_dataset(folder);
    std::string names = "caf\xe9 <1>\n";
    for (int i = 1; i < 80; ++i) names += "class " + std::to_string(i) + "\n";
    write_file(folder / "latin1.names", names);
    const Finished finished = yolo_eval(
        folder, {demo(), "--names", "latin1.names", "--data", ".", "--quiet", "--json", "a.json", "--curves", "a.svg"});
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    CHECK(json::parse(test::read_file(folder / "a.json"))["classes"][0]["name"] == "caf\xef\xbf\xbd <1>");
    CHECK(contains(test::read_file(folder / "a.svg"), ">caf\\xe9 &lt;1&gt;<"));
}

TEST_CASE("exported detections score like the run that made them, whatever the batch") {
    const std::string data = test::data_or_skip("coco128");
    if (data.empty()) return;
    const TemporaryFolder folder;
    const Arguments common = {demo(), "--data", data, "--limit", "16", "--quiet"};
    const auto run = [&](Arguments extra) {
        extra.insert(extra.begin(), common.begin(), common.end());
        const Finished finished = yolo_eval(folder, extra);
        INFO(finished.err);
        REQUIRE(finished.status == 0);
        return finished.out;
    };
    const std::string first = run({"--detections", "found.json", "--curves", "curves.svg"});
    CHECK(first == run({"--from-detections", "found.json"}));
    CHECK(first == run({"--batch", "4"}));
    const std::string svg = test::read_file(folder / "curves.svg");
    CHECK(contains(svg, "<svg"));
    CHECK(contains(svg, "</svg>"));
    CHECK(contains(svg, "person"));
    for (const json& d : json::parse(test::read_file(folder / "found.json"))) {
        CHECK(double(d["score"]) > .005);
        CHECK((double(d["bbox"][0]) >= 0 && double(d["bbox"][1]) >= 0));
    }
}

TEST_CASE("annotations and label folder say the same") {
    const TemporaryFolder folder;
    write_small_dataset(folder);
    for (const std::string data : {"truth.json", "."}) {
        const Finished finished = yolo_eval(folder, {demo(), "--data", data, "--json", "scores.json", "--size", "64"});
        INFO(data << ": " << finished.err);
        REQUIRE(finished.status == 0);
        CHECK(contains(finished.out, "2 pictures, 1 objects"));
        const json scores = json::parse(test::read_file(folder / "scores.json"));
        CHECK(scores["AP"].is_number());
        CHECK(scores["APlarge"].is_null());  // the person is small
        CHECK(scores["settings"]["preset"] == "pjreddie-valid");
        CHECK(contains(finished.err, "79 of the model's 80 classes") == (data == "truth.json"));
    }
}

TEST_CASE("a preset sets what no option says") {
    const TemporaryFolder folder;
    write_small_dataset(folder);
    const Finished finished = yolo_eval(folder, {"--nms", "0.3", demo(), "--preset", "alexeyab-valid", "--data", ".",
                                                 "--size", "64", "--json", "scores.json"});
    REQUIRE(finished.status == 0);
    const json settings = json::parse(test::read_file(folder / "scores.json"))["settings"];
    CHECK(settings == json({{"preset", "alexeyab-valid"},
                            {"confidence", .001},
                            {"nms", .3},
                            {"fit", "stretch"},
                            {"resize", "darknet"},
                            {"batch_norm", "alexeyab"}}));
}

TEST_CASE("tiles find what is small in large pictures, and the scores say that there were some") {
    const std::string data = test::data_or_skip("coco128");
    if (data.empty()) return;
    // Nine pictures as one, of which the whole network's input has a ninth each.
    const TemporaryFolder folder;
    fs::create_directories(folder / "images");
    fs::create_directories(folder / "labels");
    std::vector<fs::path> paths;
    for (const auto& entry : fs::directory_iterator(data + "/images")) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    constexpr int kSide = 640;
    media::Image mosaic{3 * kSide, 3 * kSide, std::vector<std::uint8_t>(std::size_t(9) * kSide * kSide * 3, 128)};
    std::string labels;
    for (int i = 0; i < 9; ++i) {
        const media::Image picture = media::read_image(paths.at(std::size_t(i)).string());
        const int x = i % 3 * kSide, y = i / 3 * kSide;
        for (int row = 0; row < picture.height; ++row)
            std::copy_n(&picture.rgb[std::size_t(row) * picture.width * 3], picture.width * 3,
                        &mosaic.rgb[(std::size_t(y + row) * mosaic.width + x) * 3]);
        std::istringstream lines(test::read_file(data + "/labels/" + paths[std::size_t(i)].stem().string() + ".txt"));
        double cx, cy, w, h;
        for (int id; lines >> id >> cx >> cy >> w >> h;)
            labels += std::to_string(id) + ' ' + std::to_string((x + cx * picture.width) / mosaic.width) + ' ' +
                      std::to_string((y + cy * picture.height) / mosaic.height) + ' ' +
                      std::to_string(w * picture.width / mosaic.width) + ' ' +
                      std::to_string(h * picture.height / mosaic.height) + '\n';
    }
    media::write_image(folder / "images/1.png", mosaic);
    write_file(folder / "labels/1.txt", labels);
    const auto scores = [&](Arguments more) {
        more.insert(more.begin(), {demo(), "--data", ".", "--json", "scores.json", "--quiet"});
        const Finished finished = yolo_eval(folder, more);
        INFO(finished.err);
        REQUIRE(finished.status == 0);
        return json::parse(test::read_file(folder / "scores.json"));
    };
    const json plain = scores({}), tiled = scores({"--tiles", "3x3"}),
               small = scores({"--tiles", "3x3", "--batch", "2"});
    CHECK_FALSE(plain["settings"].contains("tiles"));
    CHECK(tiled["settings"]["tiles"] == "3x3");
    CHECK(tiled["settings"]["tile_overlap"] == .2);
    CHECK(tiled["AP"].get<double>() > 2 * plain["AP"].get<double>() + .1);
    CHECK(tiled["AP"] == small["AP"]);
}

TEST_CASE("wrong usage ends with status 2") {
    const TemporaryFolder folder;
    write_small_dataset(folder);
    check_failure(folder, {demo(), "--data", ".", "--tiles", "3"}, 2, "--tiles");
    check_failure(folder, {demo()}, 2, "--data");
    check_failure(folder, {demo(), "--data", ".", "--preset", "mine"}, 2, "mine");
    check_failure(folder, {demo(), "--data", ".", "--confidence", "2"}, 2, "--confidence");
    check_failure(folder, {demo(), "--data", ".", "--curves", "curves.gif"}, 2, ".svg");
    check_failure(folder, {demo(), "--data", ".", "--json", "a", "--detections", "a"}, 2, "a is named for two outputs");
    check_failure(folder, {demo(), "--data", ".", "--images", "images"}, 2, "--images");
    check_failure(folder, {demo(), "--data", ".", "--from-detections", "a", "--detections", "b"}, 2, "--detections");
}

TEST_CASE("no result takes the place of the model or the data") {
    const TemporaryFolder folder;
    write_small_dataset(folder);
    write_file(folder / "found.json", "[]");
    for (const char* ending : {".cfg", ".weights"}) fs::copy(demo() + ending, folder / (std::string("m") + ending));
    fs::copy(test::source_file("models/coco.names"), folder / "m.names");
    fs::create_hard_link(folder / "truth.json", folder / "link.svg");
    const Arguments coco = {"m", "--data", "truth.json", "--images", "images"}, yolo = {"m", "--data", "."},
                    scored = {"--data", "truth.json", "--from-detections", "found.json"};
    const std::vector<std::tuple<Arguments, Arguments, std::string>> cases = {
        {coco, {"--json", "truth.json"}, "truth.json is the annotations and would be overwritten"},
        {coco, {"--curves", "link.svg"}, "link.svg is the annotations, the same file as truth.json,"},
        {coco, {"--detections", "m.weights"}, "m.weights is the model's weights"},
        {coco, {"--json", "images/1.png"}, "images/1.png is a picture of the data"},
        {yolo,
         {"--json", "labels/1.txt"},
         "labels/1.txt is a label file of the data, the same file as ./labels/1.txt,"},
        {scored, {"--json", "found.json"}, "found.json is the detections that are scored"},
        {scored, {"--json", "a.svg", "--curves", "./a.svg"}, "are the same file, which is named for two outputs"},
    };
    for (const auto& [first, more, part] : cases) {
        Arguments all = first;
        all.insert(all.end(), more.begin(), more.end());
        check_failure(folder, all, 2, part);
    }
}

TEST_CASE("bad data end with status 1, and nothing is half written") {
    const TemporaryFolder folder;
    write_small_dataset(folder);
    const Arguments run = {demo(), "--size", "64", "--json", "scores.json", "--data"};
    const auto with = [&](Arguments extra) {
        extra.insert(extra.begin(), run.begin(), run.end());
        return extra;
    };
    check_failure(folder, with({"missing.json"}), 1, "missing.json");
    write_file(folder / "broken.json", "{\"images\": [\n{\"id\": }]}");
    check_failure(folder, with({"broken.json"}), 1, "line 2, column");
    write_file(folder / "other.json", R"({"images": [{"id": 1, "file_name": "1.png"}], "annotations": [],
        "categories": [{"id": 1, "name": "unicorn"}]})");
    check_failure(folder, with({"other.json"}), 1, "no name is in both");
    check_failure(folder, with({"truth.json", "--images", "nowhere"}), 1, "nowhere");
    write_file(folder / "labels/1.txt", "0 0.5 0.5 0.25 0.5\n80 0.5 0.5 0.1 0.1\n");
    check_failure(folder, with({"."}), 1, "1.txt:2: class 80");
    write_file(folder / "labels/1.txt", "0 0.5 0.5\n");
    check_failure(folder, with({"."}), 1, "1.txt:1: has 3 columns");
    write_file(folder / "results.json", R"([{"image_id": 77}])");
    check_failure(folder, {"--data", "truth.json", "--from-detections", "results.json"}, 1, "picture 77");
    media::write_image(folder / "images/1.png", {32, 48, std::vector<std::uint8_t>(32 * 48 * 3, 128)});
    check_failure(folder, with({"truth.json"}), 1, "1.png: is 32x48 pixels, its annotations are for 64x48");
    write_file(folder / "images/1.png", "no picture");
    check_failure(folder, with({"truth.json"}), 1, "1.png");
    write_file(folder / "headless.cfg", "[net]\nwidth=32\nheight=32\nchannels=3\n[maxpool]\nsize=2\nstride=2\n");
    check_failure(folder, {"headless.cfg", "--data", ".", "--from-detections", "results.json"}, 1, "no [yolo] layer");
    check_failure(folder, {demo(), "--data", "truth.json", "--json", "no/such/folder/scores.json"}, 1,
                  "no/such/folder");
    std::size_t files = 0;  // truth, broken, other, results, headless, stdout, stderr; two folders
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder.path())) ++files;
    CHECK(files == 9);
}

TEST_CASE("an interrupted run writes nothing and says so") {
    const std::string data = test::data_or_skip("coco128");
    if (data.empty()) return;
    const TemporaryFolder folder;
    test::Child child("yolo-eval", {demo(), "--data", data, "--json", "scores.json"}, folder.path());
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!contains(test::read_file(folder / "stderr.txt"), " on cpu") && child.running() &&
           std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    child.signal(SIGINT);
    const Finished finished = child.wait();
    INFO(finished.err);
    CHECK(finished.status == 130);
    CHECK(finished.out.empty());
    CHECK(!fs::exists(folder / "scores.json"));
}

TEST_CASE("an interrupt while the network works on the last picture is one, too") {
    const TemporaryFolder folder;
    write_small_dataset(folder);
    const std::string picture = test::read_file(folder / "images/2.png");
    fs::remove(folder / "images/2.png");
    REQUIRE(::mkfifo((folder / "images/2.png").c_str(), 0600) == 0);
    test::Child child("yolo-eval", {demo(), "--data", "truth.json", "--json", "scores.json", "--size", "1664"},
                      folder.path());
    test::in_time("a picture that nobody reads", [&] { write_file(folder / "images/2.png", picture); });
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    child.signal(SIGINT);
    const Finished finished = child.wait();
    INFO(finished.err);
    CHECK(finished.status == 130);
    CHECK(finished.out.empty());
    CHECK(contains(finished.err, "nothing was scored or written"));
    for (const auto& entry : fs::directory_iterator(folder.path()))
        CHECK(fs::path(entry).filename().string().find("convoy") == std::string::npos);
    CHECK(!fs::exists(folder / "scores.json"));
}
