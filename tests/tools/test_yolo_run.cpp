// SPDX-License-Identifier: MIT
//
// yolo-run as its users meet it: files in, files out.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>

#include <convoy/media/image.h>
#include <convoy/media/source.h>
#include "tests/support/catch.h"
#include "tests/tools/yolo_run_support.h"

using namespace convoy;
using namespace convoy::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

/// The lines that ffprobe prints of a stream.
std::vector<std::string> by_ffprobe(const std::string& path, const std::string& stream, const std::string& what) {
    const std::string command =
        "ffprobe -v error -select_streams " + stream + " -show_entries " + what + " -of csv=p=0 '" + path + "'";
    std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
    std::vector<std::string> lines;
    for (char line[256]; fgets(line, sizeof line, pipe.get());)
        if (line[0] != '\n') lines.push_back(line);
    return lines;
}

}  // namespace

TEST_CASE("every frame has its record and the people of the clip are found") {
    const TemporaryFolder folder;
    const Finished finished = yolo_run(folder, {clip(), "--jsonl", "-", "--frames", "5"});
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    const std::vector<json> records = records_in(finished.out);
    REQUIRE(records.size() == 5);
    for (std::size_t i = 0; i < records.size(); ++i) {
        const json& r = records[i];
        INFO(r.dump());
        CHECK(r["input"] == clip());
        CHECK(r["frame"] == i);
        CHECK(std::abs(r["time_s"].get<double>() - double(i) / 10) < 1e-6);  // 10 frames/s
        CHECK(r["width"] == 768);
        CHECK(r["height"] == 576);
        CHECK(r["latency_ms"].get<double>() > 0);
        int people = 0;
        for (const json& d : r["detections"]) {
            const auto box = d["box"].get<std::vector<double>>();
            REQUIRE(box.size() == 4);
            CHECK((box[0] >= 0 && box[1] >= 0 && box[0] + box[2] <= 768.001 && box[1] + box[3] <= 576.001));
            CHECK(d["confidence"].get<double>() > .25);
            people += d["class_id"] == 0;
        }
        CHECK(people >= 3);
    }
}

TEST_CASE("records do not depend on batch, threads or where they go") {
    const TemporaryFolder folder;
    const auto detections = [&](Arguments more) {
        more.insert(more.begin(), {clip(), "--frames", "6", "--jsonl", "boxes.jsonl"});
        REQUIRE(yolo_run(folder, more).status == 0);
        std::vector<json> found;
        for (const json& r : records_in(read_file(folder / "boxes.jsonl"))) found.push_back(r["detections"]);
        return found;
    };
    const std::vector<json> expected = detections({});
    REQUIRE(expected.size() == 6);
    const std::vector<json> batched = detections({"--batch", "4", "--threads", "1", "--contact-sheet", "c.png"});
    REQUIRE(batched.size() == 6);
    for (std::size_t f = 0; f < 6; ++f) {
        REQUIRE(batched[f].size() == expected[f].size());
        for (std::size_t i = 0; i < expected[f].size(); ++i) {
            INFO("frame " << f << ", detection " << i << ": " << batched[f][i].dump() << ", expected "
                          << expected[f][i].dump());
            CHECK(batched[f][i]["class_id"] == expected[f][i]["class_id"]);
            // The same sums in another order: 4,608 terms at most, so about 1e-4 relative is the worst case.
            CHECK(std::abs(batched[f][i]["confidence"].get<double>() - expected[f][i]["confidence"].get<double>()) <
                  1e-4);
            for (int k = 0; k < 4; ++k)
                CHECK(std::abs(batched[f][i]["box"][k].get<double>() - expected[f][i]["box"][k].get<double>()) < .05);
        }
    }
}

TEST_CASE("one run leaves a video, pictures, a contact sheet and records") {
    const TemporaryFolder folder;
    const Finished finished = yolo_run(folder, {clip(), "--frames", "4", "--video", "boxes.mp4", "--pictures", "frames",
                                                "--contact-sheet", "sheet.jpg", "--jsonl", "boxes.jsonl"});
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    CHECK(finished.out.empty());
    for (const char* name : {"wrote boxes.mp4", "wrote frames/", "wrote sheet.jpg", "wrote boxes.jsonl"})
        CHECK(contains(finished.err, name));
    CHECK(frames_in_video(folder / "boxes.mp4") == 4);
    const auto video = media::open_source(folder / "boxes.mp4");
    CHECK(video->info().width == 768);
    CHECK(video->info().height == 576);
    CHECK(files_in(folder.path() / "frames") == 4);
    const media::Image annotated = media::read_image(folder / "frames/pedestrians-000003.jpg");
    CHECK(annotated.width == 768);
    CHECK(annotated.height == 576);
    CHECK(media::read_image(folder / "sheet.jpg").width > 480);
    CHECK(records_in(read_file(folder / "boxes.jsonl")).size() == 4);
    CHECK(files_in(folder.path()) == 6);  // these four and the two of the test's child process
}

TEST_CASE("an overlay lies over the very frames that it is of") {
    const TemporaryFolder folder;
    const Finished finished =
        yolo_run(folder, {clip(), "--frames", "20", "--overlay", "o.mkv", "--jsonl", "o.jsonl", "--device", "cpu"});
    REQUIRE(finished.status == 0);
    CHECK(finished.err.find("wrote o.mkv") != std::string::npos);
    // As a video it has the clip's frames, which nobody has drawn on.
    const auto before = media::open_source(clip()), after = media::open_source(folder / "o.mkv");
    for (int i = 0; i < 20; ++i) {
        const std::optional<Frame> a = before->next(), b = after->next();
        REQUIRE(a);
        REQUIRE(b);
        bool same = a->pixels.width == b->pixels.width && a->pixels.height == b->pixels.height;
        for (int y = 0; same && y < a->pixels.height; ++y)
            same = std::memcmp(a->pixels.plane[0] + std::ptrdiff_t(y) * a->pixels.pitch[0],
                               b->pixels.plane[0] + std::ptrdiff_t(y) * b->pixels.pitch[0],
                               3 * std::size_t(a->pixels.width)) == 0;
        CHECK(same);
        CHECK(std::fabs(a->time_s - b->time_s) < .002);
    }
    int more = 0;  // frames that had to be decoded first
    while (after->next()) ++more;
    CHECK(more <= 4);
}

TEST_CASE("Motion JPEG and pictures come from one encoder, and the report says which") {
    const TemporaryFolder folder;
    const Finished finished =
        yolo_run(folder, {clip(), "--device", "cpu", "--frames", "6", "--encoder", "jpeg", "--video", "v.avi",
                          "--pictures", "p", "--report", "--report-json", "r.json"});
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    CHECK(frames_in_video(folder / "v.avi") == 6);
    CHECK(files_in(folder / "p") == 6);
    CHECK(contains(finished.err, "encoded: 12 JPEGs by libjpeg on the CPU\n"));
    const json jpegs = json::parse(read_file(folder / "r.json"))["jpegs"];
    CHECK(jpegs == json({{"on_gpu", 0}, {"on_cpu", 12}, {"why_cpu", ""}}));
    check_failure(yolo_run(folder, {clip(), "--encoder", "jpeg", "--video", "v.mp4"}), 2, ".mkv .avi");
    check_failure(yolo_run(folder, {clip(), "--video", "w.avi"}), 2, ".mp4 .mkv .mov");
    check_failure(yolo_run(folder, {clip(), "--encoder", "jpeg", "--crf", "20", "--video", "w.avi"}), 2, "--crf");
    CHECK_FALSE(fs::exists(folder / "w.avi"));
}

TEST_CASE("an annotated video keeps the recording's sound, as far as was read") {
    const TemporaryFolder folder;
    const auto media_of = [&](const std::string& name, const std::string& what) {
        return by_ffprobe(folder / name, "a", what);
    };
    // Begun in its middle, so that sound and pictures begin at times of their own.
    const std::string make =
        "cd '" + folder.path().string() +
        "' && ffmpeg -v error -y -f lavfi -i testsrc=s=96x64:r=25:d=5 -f lavfi -i "
        "sine=d=5 -c:v libx264 -g 25 -c:a aac -output_ts_offset 7 a.ts && ffmpeg -v error -y -f lavfi "
        "-i testsrc=s=96x64:r=25:d=1 -f lavfi -i sine=d=3 -c:v libx264 -c:a wmav2 b.mkv";
    if (std::system(make.c_str()) != 0) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    const Finished all = yolo_run(folder, {"a.ts", "b.mkv", "--video", "v/", "--device", "cpu"});
    INFO(all.err);
    REQUIRE(all.status == 0);
    CHECK(media_of("v/a.mp4", "packet=size").size() + 3 >= media_of("a.ts", "packet=size").size());
    CHECK(std::stod(media_of("v/a.mp4", "packet=pts_time").at(0)) < .05);
    CHECK(std::stod(media_of("v/a.mp4", "packet=pts_time").back()) > 4.9);
    CHECK(media_of("v/b.mp4", "packet=size").empty());  // MP4 has no place for it
    const Finished part = yolo_run(folder, {"a.ts", "--frames", "50", "--video", "part.mkv", "--device", "cpu"});
    REQUIRE(part.status == 0);
    CHECK(std::fabs(std::stod(media_of("part.mkv", "packet=pts_time").back()) - 2) < .05);
    CHECK(frames_in_video(folder / "part.mkv") == 50);
    const Finished longer = yolo_run(folder, {"b.mkv", "--video", "b2.mkv", "--device", "cpu"});
    REQUIRE(longer.status == 0);
    CHECK(std::stod(media_of("b2.mkv", "packet=pts_time").back()) > 2.9);  // it goes on behind the pictures
}

TEST_CASE("recordings that were joined keep their sound and their overlay behind the step", "[sound]") {
    const TemporaryFolder folder;
    const std::string make =
        "cd '" + folder.path().string() +
        "' && ffmpeg -v error -y -f lavfi -i testsrc=s=96x64:r=25:d=4 -f lavfi -i sine=d=4 -c:v libx264 -preset "
        "veryfast -g 25 -bf 2 -c:a aac a.ts && cat a.ts a.ts a.ts > joined.ts";
    if (std::system(make.c_str()) != 0) {
        WARN("skipped: no ffmpeg with libx264");
        return;
    }
    const Finished finished = yolo_run(
        folder, {"joined.ts", "--video", "v.mp4", "--overlay", "o.mkv", "--jsonl", "r.jsonl", "--device", "cpu"});
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    CHECK(frames_in_video(folder / "v.mp4") == 300);
    CHECK(frames_in_video(folder / "o.mkv") == 300);
    const std::size_t sound = by_ffprobe(folder / "joined.ts", "a", "packet=pts_time").size();
    for (const char* name : {"v.mp4", "o.mkv"})
        for (const char* stream : {"v", "a"}) {
            std::vector<double> times;
            for (const std::string& line : by_ffprobe(folder / name, stream, "packet=pts_time"))
                times.push_back(std::stod(line));
            std::sort(times.begin(), times.end());
            CAPTURE(name, stream, times.size(), sound);
            REQUIRE(times.size() > 200);
            // Each begin of a recording's sound may lie before its pictures', and overlaps the end of the one before.
            if (*stream == 'a') CHECK(times.size() + 12 > sound);
            CHECK(std::fabs(times.back() - times.front() - 12) < .15);
            double longest = 0;
            for (std::size_t i = 1; i < times.size(); ++i) longest = std::max(longest, times[i] - times[i - 1]);
            CHECK(longest < .2);
        }
}

TEST_CASE("a recording that begins between two keyframes has all its places, and a video of what is known") {
    const TemporaryFolder folder;
    const std::string make = "cd '" + folder.path().string() + "' && ffmpeg -v error -y -i '" + clip() +
                             "' -vf scale=192:144 -frames:v 50 -c:v libx264 -preset veryfast -bf 0 -g 20 " +
                             "-bsf:v noise=drop='lt(n\\,7)' a.mkv";
    if (std::system(make.c_str()) != 0) {
        WARN("skipped: no ffmpeg with libx264");
        return;
    }
    const Finished finished = yolo_run(folder, {"a.mkv", "--video", "v.mp4", "--pictures", "p", "--jsonl", "r.jsonl",
                                                "--report-json", "r.json", "--device", "cpu", "--confidence", "0.05"});
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    CHECK(contains(finished.err, "a.mkv: it begins between two keyframes; the first 13 frames cannot be decoded"));
    CHECK(!contains(finished.err, "damaged"));
    const json report = json::parse(read_file(folder / "r.json"));
    CHECK(report["inputs"][0]["undecodable"] == 13);
    CHECK(report["inputs"][0]["damaged"] == 0);
    CHECK(frames_in_video(folder / "v.mp4") == 30);
    CHECK(files_in(folder.path() / "p") == 30);
    CHECK(fs::exists(folder.path() / "p/a-000013.jpg"));
    const std::vector<json> records = records_in(read_file(folder / "r.jsonl"));
    REQUIRE(records.size() == 43);
    std::size_t boxes = 0;
    for (std::size_t i = 0; i < records.size(); ++i) {
        INFO(records[i].dump());
        CHECK(records[i].contains("undecodable") == (i < 13));
        CHECK(std::abs(records[i]["time_s"].get<double>() - double(i) / 10) < .001);
        if (i < 13) CHECK(records[i]["detections"].empty());
        boxes += records[i]["detections"].size();
    }
    CHECK(boxes > 0);
}

TEST_CASE("without outputs the results are in runs/ and nothing is overwritten") {
    const TemporaryFolder folder;
    save_frame(folder / "people.png", 100);
    const Finished first = yolo_run(folder, {clip(), "people.png", "--frames", "2"});
    INFO(first.err);
    REQUIRE(first.status == 0);
    CHECK(lines_of(first.out) == std::vector<std::string>{"runs/pedestrians.mp4", "runs/people.jpg"});
    CHECK(frames_in_video(folder / "runs/pedestrians.mp4") == 2);
    CHECK(media::read_image(folder / "runs/people.jpg").width == 768);
    CHECK(yolo_run(folder, {"people.png"}).out == "runs/people-2.jpg\n");
    CHECK(files_in(folder.path() / "runs") == 3);
}

TEST_CASE("a folder gives its pictures in order, and equal names stay apart") {
    const TemporaryFolder folder;
    fs::create_directories(folder.path() / "a");
    fs::create_directories(folder.path() / "b");
    save_frame(folder / "a/2.png", 10);
    save_frame(folder / "a/10.jpg", 50);
    save_frame(folder / "b/2.jpg", 90);
    const Finished finished = yolo_run(folder, {"a", "b/2.jpg", "--pictures", "found", "--jsonl", "-"});
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    const std::vector<json> records = records_in(finished.out);
    REQUIRE(records.size() == 3);
    CHECK(records[0]["input"] == "a/2.png");
    CHECK(records[1]["input"] == "a/10.jpg");
    CHECK(records[2]["input"] == "b/2.jpg");
    for (const json& record : records) CHECK(record["frame"] == 0);
    for (const char* name : {"2.jpg", "10.jpg", "2-2.jpg"}) CHECK(fs::exists(folder.path() / "found" / name));
    CHECK(files_in(folder.path() / "found") == 3);
}

TEST_CASE("several videos go into a folder, one file each") {
    const TemporaryFolder folder;
    fs::create_symlink(clip(), folder / "one.mp4");
    fs::create_symlink(clip(), folder / "two.mp4");
    check_failure(yolo_run(folder, {"one.mp4", "two.mp4", "--video", "all.mp4"}), 2, "--video DIR/");
    const Finished finished = yolo_run(folder, {"one.mp4", "two.mp4", "--video", "out/", "--frames", "2"});
    INFO(finished.err);
    REQUIRE(finished.status == 0);
    CHECK(frames_in_video(folder / "out/one.mp4") == 2);
    CHECK(frames_in_video(folder / "out/two.mp4") == 2);
}

TEST_CASE("classes and the number of boxes can be limited") {
    const TemporaryFolder folder;
    const auto boxes = [&](Arguments more) {
        more.insert(more.begin(), {clip(), "--frames", "1", "--jsonl", "-"});
        return records_in(yolo_run(folder, more).out).at(0)["detections"];
    };
    const json all = boxes({});
    REQUIRE(all.size() > 2);
    CHECK(boxes({"--classes", "0"}).size() >= 1);
    CHECK(boxes({"--classes", "79"}).empty());
    CHECK(boxes({"--max-boxes", "2"}).size() == 2);
    const float threshold = all[1]["confidence"];
    std::size_t above = 0;
    for (const json& d : all) above += d["confidence"].get<float>() > threshold;
    CHECK(above < all.size());
    CHECK(boxes({"--confidence", std::to_string(threshold + 1e-6f)}).size() == above);
    std::size_t others = 0;
    for (const json& d : boxes({"--confidence", ".05,person=.99"})) {
        others += d["class"] != "person";
        CHECK((d["class"] != "person" || d["confidence"] > .99));
    }
    for (const json& d : boxes({"--confidence", ".05"})) others -= d["class"] != "person";
    CHECK(others == 0);
    CHECK(boxes({"--nms", "1"}).size() > all.size());
    CHECK(boxes({"--nms", "1", "--nms-agnostic"}).size() == boxes({"--nms", "1"}).size());
    CHECK(boxes({"--nms-agnostic"}).size() <= all.size());
    CHECK(boxes({"--ignore-regions", "0%,0%,100%,100%"}).empty());
    CHECK(boxes({"--ignore-regions", "0,0,1,1", "--ignore-regions", "0,0,2,2"}) == all);
    CHECK(boxes({"--min-size", "4000"}).empty());
}

TEST_CASE("a part of a recording, and every N-th frame, have the boxes and times that the whole has there") {
    const TemporaryFolder folder;
    const auto run_of = [&](Arguments more) {
        more.insert(more.begin(), {clip(), "--jsonl", "-"});
        const Finished finished = yolo_run(folder, with_small_model(more), false);
        INFO(finished.err);
        REQUIRE(finished.status == 0);
        return records_in(finished.out);
    };
    const std::vector<json> all = run_of({});
    REQUIRE(all.size() == 240);
    for (const char* device : {"cpu", "cpu:0,cpu:1"}) {
        const std::vector<json> some = run_of({"--every", "7", "--start", "3", "--stop", "0:20", "--video", "v.mp4",
                                               "--threads", "2", "--device", device});
        REQUIRE(some.size() == 25);  // of 170
        for (std::size_t i = 0; i < some.size(); ++i) {
            const json& whole = all[30 + 7 * i];
            INFO(some[i].dump() << " beside " << whole.dump());
            CHECK(some[i]["frame"] == 7 * i);
            CHECK(some[i]["time_s"].get<double>() == Approx(whole["time_s"].get<double>()));
            CHECK(some[i]["pts_s"] == whole["pts_s"]);
            CHECK(some[i]["detections"] == whole["detections"]);
        }
        const auto video = media::open_source(folder / "v.mp4");
        CHECK(video->info().duration_s == Approx(17).margin(.05));  // the last frame stands for two
        CHECK(frames_in_video(folder / "v.mp4") == 25);
    }
    // In parts, the first of which have no frame that is wanted.
    REQUIRE(run_of({"--start", "9", "--frames", "5", "--video", "p.mp4"}).size() == 5);
    CHECK(frames_in_video(folder / "p.mp4") == 5);
    const Finished behind = yolo_run(folder, {clip(), "--start", "100", "--jsonl", "-"});
    CHECK(behind.status == 1);
    CHECK(contains(behind.err, "ends before the time"));
}

TEST_CASE("frames that were cut out are missed, by the times of the others", "[yolo-run]") {
    const TemporaryFolder folder;
    for (const std::string name : {"h.ts", "h.mkv", "h.flv"}) {
        for (const bool holed : {false, true}) {
            CAPTURE(name, holed);
            const std::string path = folder / name;
            const std::string drop = holed ? " -bsf:v \"noise=drop='between(n,100,104)+eq(n,200)'\" '" : " '";
            if (std::system(("ffmpeg -v error -y -i '" + clip() + "' -c copy" + drop + path + "'").c_str()) != 0) {
                WARN("skipped: no ffmpeg that drops packets");
                return;
            }
            const Finished finished = yolo_run(folder, with_small_model({path, "--jsonl", "-"}), false);
            INFO(finished.err);
            CHECK((finished.status == 0 && records_in(finished.out).size() == (holed ? 234 : 240)));
            CHECK(contains(finished.err, "by the time stamps 6 frames are missing in ") == holed);
            CHECK(contains(finished.err, "missing") == holed);
        }
    }
}

TEST_CASE("the demo model is taken when none is named, and that is said") {
    const TemporaryFolder folder;
    // A program sees its models from its place: <prefix>/bin and <prefix>/share/convoy/models.
    fs::create_directories(folder.path() / "bin");
    fs::create_directories(folder.path() / "share/convoy");
    fs::copy_file(built_program("yolo-run"), folder.path() / "bin/yolo-run");
    const Arguments arguments = {clip(), "--frames", "1", "--jsonl", "-"};
    check_failure(run(folder / "bin/yolo-run", arguments, folder.path()), 2, "--model STEM");
    fs::create_directory_symlink(source_file("models"), folder.path() / "share/convoy/models");
    const Finished finished = run(folder / "bin/yolo-run", arguments, folder.path());
    CHECK(finished.status == 0);
    CHECK(contains(finished.err, "demo model: good on its clip, weak elsewhere"));
    CHECK(records_in(finished.out).size() == 1);
}

TEST_CASE("help, version, quiet and report") {
    const TemporaryFolder folder;
    const Finished help = yolo_run(folder, {"--help"}, false);
    CHECK(help.status == 0);
    for (const char* part : {"Examples:", "--jsonl", "--confidence", "--device", "INPUT"})
        CHECK(contains(help.out, part));
    const Finished all = yolo_run(folder, {"--help-all"}, false);
    CHECK((all.status == 0 && contains(all.out, "--max-latency MS")));
    const Finished config = yolo_run(folder, {"--print-config", "--crf", "18", "--track"}, false);
    CHECK((config.status == 0 && config.out == "track = true\ncrf = 18\n"));
    const Finished version = yolo_run(folder, {"--version"}, false);
    CHECK(version.status == 0);
    CHECK(version.out.rfind("yolo-run ", 0) == 0);
    const Finished quiet = yolo_run(folder, {clip(), "--frames", "2", "--jsonl", "-", "--quiet"});
    CHECK(quiet.err.empty());
    CHECK(records_in(quiet.out).size() == 2);
}

TEST_CASE("a misspelt option gets the nearest one as a hint", "[yolo-run]") {
    const TemporaryFolder folder;
    check_failure(yolo_run(folder, {clip(), "--jsnol", "-"}), 2, "did you mean --jsonl?");
    check_failure(yolo_run(folder, {clip(), "--confidance=.5"}), 2, "did you mean --confidence?");
    const Finished far = yolo_run(folder, {clip(), "--frobnicate"});
    check_failure(far, 2, "--frobnicate");
    CHECK_FALSE(contains(far.err, "did you mean"));
}

TEST_CASE("lines at the end count classes and the whole; the report counts frames", "[yolo-run]") {
    const TemporaryFolder folder;
    save_frame(folder / "p.jpg", 0);
    std::filesystem::copy_file(clip(), folder / "same.mp4");
    const Finished run =
        yolo_run(folder, {clip(), folder / "same.mp4", folder / "p.jpg", "--jsonl", "-", "--device", "cpu", "--at-once",
                          "2", "--report-json", "r.json", "--report-html", "r.html"});
    REQUIRE(run.status == 0);
    const std::vector<json> records = records_in(run.out);
    REQUIRE(records.size() == 481);
    std::int64_t persons = 0;
    for (const json& record : records)
        for (const json& d : record["detections"]) persons += d["class"] == "person";
    REQUIRE(persons > 0);
    CHECK(contains(run.err, "3 inputs: 481 frames, "));
    CHECK(contains(run.err, "person " + std::to_string(persons)));
    std::ifstream file(folder / "r.json");
    const json report = json::parse(file);
    std::int64_t decoded = 0;
    for (const json& stage : report["stages"])
        if (stage["name"] == "decode") decoded += stage["count"].get<std::int64_t>();
    CHECK(decoded == 481);
    CHECK_FALSE(contains(report["bottleneck"].get<std::string>(), "GPU"));
    // Side by side, each takes nearly as long as both, and none next to nothing.
    const double whole = report["seconds"].get<double>();
    for (const json& input : report["inputs"])
        if (input["frames"] == 240) CHECK(input["seconds"].get<double>() > whole / 4);
    const std::string page = read_file(folder / "r.html");
    int views = 0;
    for (std::size_t at = page.find("<image "); at != page.npos; at = page.find("<image ", at + 1)) ++views;
    CHECK(views == 3);
}

TEST_CASE("a file that is there is replaced when its successor is whole, and a cut video counts", "[yolo-run]") {
    const TemporaryFolder folder;
    write_file(folder / "b.jsonl", "old\n");
    check_failure(yolo_run(folder, {clip(), "--jsonl", "b.jsonl", "--frames", "4", "--fail-device", "cpu@2", "--device",
                                    "cpu", "--batch", "1", "-q"}),
                  4, "no device is left");
    const Finished run = yolo_run(folder, {clip(), "--jsonl", "b.jsonl", "--frames", "3"});
    REQUIRE(run.status == 0);
    CHECK(contains(run.err, "wrote b.jsonl, in place of the one that was there"));
    CHECK(contains(yolo_run(folder, {clip(), "--jsonl", "new.jsonl", "--frames", "1"}).err, "wrote new.jsonl\n"));
    std::ifstream whole(clip(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(whole)), {});
    write_file(folder / "cut.mp4", bytes.substr(0, bytes.size() / 2));
    const Finished cut = yolo_run(folder, {folder / "cut.mp4", "--jsonl", "-"});
    const std::size_t had = records_in(cut.out).size();
    CHECK(had > 0);
    CHECK(contains(cut.err, " of 240 frames are missing"));
}
