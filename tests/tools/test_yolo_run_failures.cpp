// SPDX-License-Identifier: MIT
//
// What yolo-run says and leaves behind when something is wrong, and when it is interrupted.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>

#include "tests/support/catch.h"
#include "tests/tools/yolo_run_support.h"

using namespace convoy;
using namespace convoy::test;
using nlohmann::json;
namespace fs = std::filesystem;

TEST_CASE("wrong usage is status 2 and touches nothing") {
    const TemporaryFolder folder;
    save_frame(folder / "people.jpg", 0);
    const std::vector<std::pair<Arguments, std::string>> cases = {
        {{}, "INPUT is required"},
        {{clip(), "--tune", "--no-autotune"}, "--tune"},
        {{clip(), "--frobnicate"}, "--frobnicate"},
        {{clip(), "--size", "417"}, "416 and 448"},
        {{clip(), "--classes", "persn"}, "person"},
        {{clip(), "--confidence", "2"}, "--confidence"},
        {{clip(), "--device", "gpu"}, "gpu"},
        {{"people.jpg", "--video", "out.mp4"}, "--pictures"},
        {{"people.jpg", "--pictures", "."}, "is an input"},
        {{clip(), "--cfg", "x.cfg"}, "--cfg"},
    };
    for (const auto& [arguments, part] : cases) check_failure(yolo_run(folder, arguments), 2, part);
    CHECK(files_in(folder.path()) == 3);  // the picture and the two of the test's child process
}

TEST_CASE("nothing takes the place of the model or of a list") {
    const TemporaryFolder folder;
    for (const char* ending : {".cfg", ".weights"})
        fs::copy(source_file(std::string("models/yolov3-quarter") + ending), folder / (std::string("m") + ending));
    fs::copy(source_file("models/coco.names"), folder / "m.names");
    write_file(folder / "clips.txt", clip() + "\n");
    write_file(folder / "clips.data", "valid = clips.txt\n");
    fs::create_hard_link(folder / "m.cfg", folder / "link.json");
    const std::vector<std::pair<Arguments, std::string>> cases = {
        {{"--jsonl", "m.cfg"}, "m.cfg is the model's cfg"},
        {{"--jsonl", "m.weights"}, "m.weights is the model's weights"},
        {{"--jsonl", "m.names"}, "m.names is the list of the model's classes"},
        {{"--jsonl", "clips.data"}, "clips.data is a list of inputs"},
        {{"--report-json", "./clips.txt"}, "a list of inputs, the same file as clips.txt"},
        {{"--metrics", "link.json"}, "link.json is the model's cfg, the same file as m.cfg"},
        {{"--trace", "link.json"}, "link.json is the model's cfg, the same file as m.cfg"},
    };
    for (const auto& [arguments, part] : cases) {
        Arguments all = {"clips.data", "--model", "m", "--frames", "1"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        check_failure(yolo_run(folder, all, false), 2, part);
    }
    const Finished weights = run("yolo-make-weights", {"m.cfg", "m.cfg"}, folder.path());
    CHECK(weights.status == 2);
    CHECK(contains(weights.err, "m.cfg is the model's cfg and would be overwritten"));
    CHECK(read_file(folder / "m.cfg") == read_file(source_file("models/yolov3-quarter.cfg")));
}

TEST_CASE("one bad video of several costs no other, and each input that is missing is named") {
    const TemporaryFolder folder;
    fs::create_directory(folder / "out");
    save_frame(folder / "p.jpg", 0);
    for (const char* name : {"a.mp4", "b.mp4"}) fs::create_symlink(clip(), folder / name);
    fs::create_symlink("nowhere/a.mp4", folder / "out/a.mp4");
    fs::create_directory(folder / "void");
    write_file(folder / "void/notes", "hello\n");
    write_file(folder / "list.txt", "nothing.mp4\n");
    const Finished finished = yolo_run(folder, {"a.mp4", "void", "@none", "list.txt", "b.mp4", "--frames", "2",
                                                "--size", "96", "--video", "out/", "--jsonl", "x.jsonl"});
    INFO(finished.err);
    CHECK(finished.status == 1);
    CHECK(contains(finished.err, "its folder does not exist"));
    CHECK(frames_in_video(folder / "out/b.mp4") == 2);
    CHECK(records_in(read_file(folder / "x.jsonl")).size() == 4);
    for (const std::string said :
         {"'none' does not exist", "'void' has no picture or video", "its first line, 'nothing.mp4'"}) {
        INFO(said);
        const std::size_t at = finished.err.find(said);
        CHECK(at != std::string::npos);
        CHECK(finished.err.find(said, at + 1) == std::string::npos);
    }
    check_failure(yolo_run(folder, {"1.mp4", "2.mp4", "--jsonl", "y.jsonl"}), 1,
                  "'1.mp4' does not exist; check the path; '2.mp4'");
    check_failure(yolo_run(folder, {"p.jpg", "--jsonl", ""}), 2, "--jsonl: its value is empty");
}

TEST_CASE("bad inputs are status 1 and leave nothing behind") {
    const TemporaryFolder folder;
    write_file(folder / "empty.mp4", "");
    write_file(folder / "text.mp4", "this is no video\n");
    write_file(folder / "text.jpg", "this is no picture\n");
    fs::create_directory(folder / "void");
    const std::size_t before = files_in(folder.path()) + 2;
    for (const char* input : {"missing.mp4", "empty.mp4", "text.mp4", "text.jpg", "void"}) {
        check_failure(yolo_run(folder, {input}), 1, input);
        check_failure(yolo_run(folder, {input, "--jsonl", "x.jsonl", "--contact-sheet", "c.jpg"}), 1, input);
    }
    fs::remove(folder.path() / "runs");  // an empty folder may have been made; a file in it would make this throw
    CHECK(files_in(folder.path()) == before);
}

TEST_CASE("a playlist with half a part is status 1: what comes before is whole, and other inputs are done") {
    const TemporaryFolder folder;
    const std::string make = "cd '" + folder.path().string() + "' && ffmpeg -v error -y -i '" + clip() +
                             "' -c copy -f hls -hls_time 4 -hls_playlist_type vod list.m3u8 2>ffmpeg.log";
    if (std::system(make.c_str()) != 0) {
        WARN("skipped: ffmpeg is not installed");
        return;
    }
    const std::uintmax_t half = fs::file_size(folder / "list1.ts") / 2;
    fs::resize_file(folder / "list1.ts", half / 188 * 188 + 1);
    fs::create_symlink(clip(), folder / "b.mp4");
    const Finished finished =
        yolo_run(folder, {"list.m3u8", "b.mp4", "--every", "10", "--size", "96", "--jsonl", "out/", "--video", "out/"});
    INFO(finished.err);
    CHECK(finished.status == 1);
    CHECK(contains(finished.err, "a part of it, list1.ts, is cut short"));
    const std::size_t records = records_in(read_file(folder / "out/list.jsonl")).size();
    CHECK(records >= 4);
    CHECK(records < 24);
    CHECK(frames_in_video(folder / "out/list.mp4") == std::int64_t(records));
    CHECK(records_in(read_file(folder / "out/b.jsonl")).size() == 24);
    CHECK(frames_in_video(folder / "out/b.mp4") == 24);
}

TEST_CASE("what cannot be read among several inputs is named, and the others are done") {
    const TemporaryFolder folder;
    write_file(folder / "text.mp4", "this is no video\n");
    write_file(folder / "empty.mp4", "");
    fs::create_directory(folder / "folder");
    write_file(folder / "bad.data", "valid = nowhere.txt\n");
    for (const std::string name : {"text.mp4", "empty.mp4", "missing.mp4", "folder", "bad.data", "@none.txt"}) {
        INFO(name);
        for (const Arguments& inputs : {Arguments{name, clip()}, Arguments{clip(), name}}) {
            Arguments arguments = inputs;
            arguments.insert(arguments.end(), {"--frames", "2", "--size", "96", "--jsonl", "-"});
            const Finished finished = yolo_run(folder, arguments);
            INFO(finished.err);
            CHECK(finished.status == 1);
            CHECK(contains(finished.err, "'" + name.substr(name.starts_with('@')) + "'"));
            CHECK(records_in(finished.out).size() == 2);
        }
        check_failure(yolo_run(folder, {name, "--jsonl", "x.jsonl"}), 1, "");
    }
    check_failure(yolo_run(folder, {"missing.mp4", "empty.mp4", "--jsonl", "y.jsonl"}), 1, "missing.mp4");
    CHECK_FALSE(fs::exists(folder / "y.jsonl"));
}

TEST_CASE("damaged models are status 1 and name the file") {
    const TemporaryFolder folder;
    const std::string cfg = read_file(source_file("models/yolov3-quarter.cfg"));
    const std::string weights = read_file(source_file("models/yolov3-quarter.weights"));
    const auto check = [&](const std::string& bad_cfg, const std::string& bad_weights, const std::string& part) {
        write_file(folder / "m.cfg", bad_cfg);
        write_file(folder / "m.weights", bad_weights);
        check_failure(yolo_run(folder, {clip(), "--jsonl", "x.jsonl", "--model", "m"}, false), 1, part);
        CHECK_FALSE(fs::exists(folder / "x.jsonl"));
    };
    check(cfg, weights.substr(0, weights.size() / 2), "m.weights");
    check(cfg, "", "m.weights");
    check(cfg, "<!DOCTYPE html><html><body>404</body></html>", "m.weights");
    check("", weights, "m.cfg");
    check("no section here\n", weights, "m.cfg");
    std::string misspelt = cfg;
    misspelt.replace(misspelt.find("filters="), 8, "filterz=");
    check(misspelt, weights, "filterz");
    check_failure(yolo_run(folder, {clip(), "--model", "absent", "--jsonl", "x.jsonl"}, false), 1, "absent.cfg");
}

TEST_CASE("outputs that cannot be written are status 1") {
    const TemporaryFolder folder;
    check_failure(yolo_run(folder, {clip(), "--jsonl", "missing/x.jsonl"}), 1, "there is no folder missing");
    check_failure(yolo_run(folder, {clip(), "--jsonl", "/dev/full"}), 1, "No space left on device");
    check_failure(yolo_run(folder, {clip(), "--jsonl", "/dev/full", "--video", "v.mp4"}), 1, "No space left on device");
    CHECK(files_in(folder.path()) == 2);  // no trace of v.mp4
}

TEST_CASE("what this build lacks is an error, not a fallback") {
    const TemporaryFolder folder;
    const Finished finished = yolo_run(folder, {clip(), "--frames", "1", "--jsonl", "x.jsonl", "--device", "cuda:31"});
    check_failure(finished, 1, "cuda:31");
    check_failure(yolo_run(folder, {clip(), "--jsonl", "x.jsonl", "--device", "cpu", "--precision", "fp16"}), 1,
                  "the CPU computes in fp32 or bf16; use one of these, or auto");
    CHECK_FALSE(fs::exists(folder / "x.jsonl"));
}

TEST_CASE("--tune says where nothing can be measured or remembered") {
    const TemporaryFolder folder;
    check_failure(yolo_run(folder, {"--tune", "--device", "cpu", "--tuning-cache", "t"}), 1,
                  "--tune measures a GPU's kernels");
    for (const char* file : {"--jsonl", "--trace", "--metrics", "--report-json"})  // of what is a run's alone
        check_failure(yolo_run(folder, {"--tune", file, "f"}), 2, "--tune without an input has no");
    check_failure(yolo_run(folder, {"--tune", "--tuning-cache", ""}), 1, "there is none: name one");
    check_failure(yolo_run(folder, {"--tune", "--tuning-cache", "/proc/t"}), 1, "/proc/t cannot be written");
    write_file(folder / "file", "x");
    check_failure(yolo_run(folder, {"--tune", "--tuning-cache", "file"}), 1, "file cannot be written");
    const Finished finished = yolo_run(
        folder, {clip(), "--frames", "1", "--jsonl", "x.jsonl", "--tune", "--device", "cpu", "--tuning-cache", "t"});
    CHECK(finished.status == 0);
    CHECK(finished.err.find("nothing is measured") != std::string::npos);
}

TEST_CASE("a report for which the disk has no room leaves the earlier one as it was") {
    const TemporaryFolder folder;
    save_frame(folder / "p.jpg", 0);
    write_file(folder / "run.sh", "trap '' XFSZ\nulimit -f 1\nexec \"$@\"\n");
    for (const std::string option : {"--report-json", "--report-html", "--trace", "--metrics"}) {
        INFO(option);
        write_file(folder / "report", "earlier");
        const std::size_t before = files_in(folder.path());
        const Finished finished =
            run("/bin/bash",
                {"run.sh", built_program("yolo-run").string(), "p.jpg", "--model", source_file("models/yolov3-quarter"),
                 "--size", "96", "--jsonl", "/dev/null", "--quiet", option, "report"},
                folder.path());
        check_failure(finished, 1, "cannot write 'report': File too large");
        CHECK(read_file(folder / "report") == "earlier");
        CHECK(files_in(folder.path()) - before <= 2);  // what the test's child process has said
    }
}

TEST_CASE("a file that gets longer than is allowed ends a run like a full disk") {
    const TemporaryFolder folder;
    const auto limited = [&](int blocks, const Arguments& outputs) {
        Arguments all = {"-c", "ulimit -f " + std::to_string(blocks) + "; exec \"$0\" \"$@\"",
                         built_program("yolo-run"), clip(), "--quiet"};
        all.insert(all.end(), outputs.begin(), outputs.end());
        return run("/bin/bash", with_small_model(all), folder.path());
    };
    check_failure(limited(8, {"--jsonl", "boxes.jsonl", "--frames", "100", "--confidence", "0.01"}), 1,
                  "cannot write boxes.jsonl: File too large");
    CHECK(records_in(read_file(folder / "boxes.jsonl")).size() > 0);
    check_failure(limited(8, {"--video", "x.mp4", "--frames", "40"}), 1, "File too large");
    CHECK_FALSE(fs::exists(folder / "x.mp4"));
}

TEST_CASE("files keep their permissions, links and the length of their names") {
    const TemporaryFolder folder;
    const std::string picture = std::string(246, 'p') + ".jpg", moved = std::string(246, 'v') + ".mp4";
    save_frame(folder / picture, 0);
    fs::copy(clip(), folder / moved);
    fs::create_directory(folder / "out");
    for (const char* name : {"x.mp4", "x.mkv", "x.jsonl", "x.jpg", "x.json"}) {
        write_file(folder / (std::string("out/") + name), "earlier");
        fs::permissions(folder / (std::string("out/") + name), fs::perms(0640));
        fs::create_symlink(std::string("out/") + name, folder / name);
    }
    const Finished one =
        yolo_run(folder,
                 with_small_model({moved, "--frames", "3", "--video", "x.mp4", "--overlay", "x.mkv", "--jsonl",
                                   "x.jsonl", "--contact-sheet", "x.jpg", "--report-json", "x.json"}),
                 false);
    INFO(one.err);
    CHECK(one.status == 0);
    for (const char* name : {"x.mp4", "x.mkv", "x.jsonl", "x.jpg", "x.json"}) {
        CHECK(fs::is_symlink(folder / name));
        const fs::path file = folder / (std::string("out/") + name);
        CHECK(fs::status(file).permissions() == fs::perms(0640));
        CHECK(fs::file_size(file) > 7);
    }
    const Finished all =
        yolo_run(folder, with_small_model({moved, picture, "--frames", "3", "--pictures", "found"}), false);
    INFO(all.err);
    CHECK(all.status == 0);
    CHECK(files_in(folder / "found") == 4);
    const std::string first = folder / ("found/" + std::string(231, 'p') + ".jpg");
    REQUIRE(fs::exists(first));
    fs::permissions(first, fs::perms(0600));
    CHECK(yolo_run(folder, with_small_model({picture, "--pictures", "found"}), false).status == 0);
    CHECK(fs::status(first).permissions() == fs::perms(0600));
    CHECK(yolo_run(folder, with_small_model({picture, moved, "--frames", "2"}), false).status == 0);
    CHECK(files_in(folder / "runs") == 2);
}

TEST_CASE("names are shown so that no terminal obeys them") {
    const TemporaryFolder folder;
    const std::string name = "\x1b]0;title\x07\x1b[31mz\xc3\xbc.mp4",
                      shown = "\\x1b]0;title\\x07\\x1b[31mz\xc3\xbc.mp4";
    const auto check_shown = [&](const Finished& finished, int status) {
        INFO(finished.err);
        CHECK(finished.status == status);
        CHECK(contains(finished.err, shown));
        CHECK(finished.err.find('\x1b') == std::string::npos);
    };
    check_shown(yolo_run(folder, {name}), 1);
    fs::copy(clip(), folder / name);
    const Finished done =
        yolo_run(folder, with_small_model({name, "--frames", "2", "--report", "--video", "a" + name}), false);
    check_shown(done, 0);
    check_shown(yolo_run(folder, with_small_model({name, "--jsonl", name}), false), 2);
    check_shown(yolo_run(folder, {clip(), "--x" + name}),
                2);  // CLI11 2.4 takes "--" and a control character for a file
    check_shown(run("yolo-inspect", {name}, folder.path()), 1);
    check_shown(run("yolo-make-weights", {name, "x"}, folder.path()), 1);
}

TEST_CASE("two runs at once share no output, and a killed one holds none") {
    const TemporaryFolder folder, first, second;
    const auto into = [&](const Arguments& arguments) { return with_small_model(arguments); };
    const std::string records = folder / "boxes.jsonl";
    {
        Child run("yolo-run", into({clip(), clip(), clip(), "--jsonl", records}), first.path());
        wait_until([&] { return fs::exists(records); });
        const Finished other = yolo_run(folder, into({clip(), "--jsonl", "./boxes.jsonl"}), false);
        check_failure(other, 1, "cannot write './boxes.jsonl': another run is writing it");
        CHECK(run.running());
        run.signal(SIGKILL);
        run.wait();
    }
    CHECK(yolo_run(folder, into({clip(), "--frames", "2", "--jsonl", "boxes.jsonl"}), false).status == 0);
    CHECK(records_in(read_file(records)).size() == 2);
    CHECK_FALSE(fs::exists(folder / ".convoy.lock"));

    fs::create_directory(folder / "work");
    std::vector<std::unique_ptr<Child>> runs;
    for (const TemporaryFolder* out : {&first, &second})
        runs.push_back(
            std::make_unique<Child>("/bin/sh",
                                    Arguments{"-c", "cd '" + folder / "work" + "' && exec \"$0\" \"$@\"",
                                              built_program("yolo-run"), clip(), "--frames", "5", "--device", "cpu",
                                              "--size", "64", "--model", source_file("models/yolov3-quarter")},
                                    out->path()));
    std::vector<std::string> paths;
    for (const auto& run : runs) {
        const Finished finished = run->wait();
        INFO(finished.err);
        CHECK(finished.status == 0);
        paths.push_back(finished.out);
    }
    std::sort(paths.begin(), paths.end());
    CHECK(paths == std::vector<std::string>{"runs/pedestrians-2.mp4\n", "runs/pedestrians.mp4\n"});
    CHECK(files_in(fs::path(folder / "work") / "runs") == 2);
}

TEST_CASE("a closed pipe ends the run with an error") {
    const TemporaryFolder folder;
    write_file(folder / "run.sh", "\"$@\" --jsonl - | head -n 2 > records\nexit ${PIPESTATUS[0]}\n");
    const Finished finished =
        run("/bin/bash",
            {"run.sh", built_program("yolo-run").string(), clip(), "--model", source_file("models/yolov3-quarter")},
            folder.path());
    check_failure(finished, 1, "Broken pipe");
    CHECK(records_in(read_file(folder / "records")).size() == 2);
}

TEST_CASE("a signal ends the run in order, with whole files") {
    const TemporaryFolder folder;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        Child child("yolo-run",
                    {clip(), "--model", source_file("models/yolov3-quarter"), "--size", "608", "--jsonl", "x.jsonl",
                     "--video", "x.mp4"},
                    folder.path());
        while (child.running() && lines_of(read_file(folder / "x.jsonl")).size() < 3)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        child.signal(number);
        const Finished finished = child.wait();
        INFO(finished.err);
        CHECK(finished.status == 130);
        CHECK(contains(finished.err, "interrupted"));
        const std::size_t records = records_in(read_file(folder / "x.jsonl")).size();
        CHECK(records >= 3);
        CHECK(records < 240);
        CHECK(frames_in_video(folder / "x.mp4") == std::int64_t(records));
        CHECK(files_in(folder.path()) == 4);
        fs::remove(folder / "x.jsonl");
        fs::remove(folder / "x.mp4");
    }
}

TEST_CASE("a damaged packet costs its frames, not the run") {
    const TemporaryFolder folder;
    std::string bytes = read_file(clip());
    for (std::size_t i = bytes.size() / 3; i < bytes.size() / 3 + 4000; ++i) bytes[i] = char(i * 37);
    write_file(folder / "flipped.mp4", bytes);
    write_file(folder / "cut.mp4", read_file(clip()).substr(0, bytes.size() / 2));
    const Finished flipped = yolo_run(folder, {"flipped.mp4", "--size", "96", "--jsonl", "-"});
    INFO(flipped.err);
    CHECK(flipped.status == 0);
    CHECK(contains(flipped.err, "damaged"));
    CHECK(records_in(flipped.out).size() > 200);
    const Finished cut = yolo_run(folder, {"cut.mp4", "--size", "96", "--jsonl", "-"});
    INFO(cut.err);
    CHECK((cut.status == 0 || cut.status == 1));  // an MP4 whose index is at its end is lost with it
    CHECK(cut.out.empty() == (cut.status == 1));
}
