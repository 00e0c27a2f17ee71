// SPDX-License-Identifier: MIT
#include "tools/sinks/make_sinks.h"
#include "tools/sinks/mqtt_publisher.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>

#include <convoy/error.h>
#include "tests/support/catch.h"
#include "tests/tools/child.h"

using namespace convoy;
using namespace convoy::tools;
namespace fs = std::filesystem;

namespace {

// Plans inside a fresh folder that is the working directory meanwhile.
class Workplace {
public:
    Workplace() : before_(fs::current_path()) { fs::current_path(folder_.path()); }
    ~Workplace() { fs::current_path(before_); }

private:
    test::TemporaryFolder folder_;
    fs::path before_;
};

OutputOptions outputs(const std::string& jsonl, const std::string& video = "", const std::string& pictures = "",
                      const std::string& contact_sheet = "") {
    OutputOptions options;
    options.jsonl = jsonl, options.video = video, options.pictures = pictures, options.contact_sheet = contact_sheet;
    return options;
}

std::pair<ErrorKind, std::string> error_of(const OutputOptions& options, const std::vector<std::string>& inputs,
                                           const std::string& report = "") {
    try {
        plan_outputs(options, inputs, {report});
    } catch (const Error& error) {
        return {error.kind(), error.what()};
    }
    return {ErrorKind::device, "no error"};
}

}  // namespace

TEST_CASE("no output takes the place of a part of a playlist") {
    const Workplace here;
    fs::create_directories("hls/low");
    test::write_file("hls/x.m3u8",
                     "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"sound.m3u8\",NAME=\"a\"\nfile:low/y.m3u8\r\n");
    test::write_file("hls/sound.m3u8", "#EXTM3U\n#EXT-X-MAP:URI=\"first.mp4\"\n#EXTINF:1,\ns.aac\n");
    test::write_file("hls/low/y.m3u8",
                     "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=../key,IV=0x1\n#EXTINF:1,\n  1.ts \ny.m3u8\n");
    const std::vector<std::string> read = {"x.m3u8",     "sound.m3u8", "first.mp4", "s.aac",
                                           "low/y.m3u8", "key",        "low/1.ts"};
    for (const std::string& name : read) {
        INFO(name);
        const auto [kind, sentence] = error_of(outputs("a.jsonl"), {"hls/x.m3u8"}, "hls/" + name);
        CHECK(kind == ErrorKind::usage);
        CHECK(sentence.find(name == "x.m3u8" ? "is an input" : "is a part of hls/x.m3u8") != std::string::npos);
    }
    CHECK(error_of(outputs("a.jsonl"), {"hls/x.m3u8"}, "hls/2.ts").second == "no error");
}

TEST_CASE("without outputs each input gets a fresh name under runs/") {
    const Workplace here;
    const std::vector<std::string> inputs = {"a/street.mp4", "b/street.jpg", "dog.jpg"};
    OutputPlan plan = plan_outputs({}, inputs, {});
    CHECK(plan.videos == std::vector<std::string>{"runs/street.mp4", "runs/street-2.mp4", "runs/dog.mp4"});
    CHECK(plan.picture_stems == std::vector<std::string>{"runs/street", "runs/street-2", "runs/dog"});
    CHECK(plan.by_kind);
    CHECK_FALSE(fs::exists("runs"));
    fs::create_directory("runs");
    test::write_file("runs/street.mp4", "earlier");
    test::write_file("runs/dog.jpg", "earlier");
    plan = plan_outputs({}, inputs, {});
    CHECK(plan.picture_stems == std::vector<std::string>{"runs/street-2", "runs/street-3", "runs/dog-2"});
}

TEST_CASE("inputs of one name get different outputs in a folder") {
    const Workplace here;
    const std::vector<std::string> inputs = {"a/1.jpg", "b/1.jpg", "a/1.png"};
    const OutputPlan plan = plan_outputs(outputs("", "", "found"), inputs, {});
    CHECK(plan.picture_stems == std::vector<std::string>{"found/1", "found/1-2", "found/1-3"});
    CHECK(plan.folders == std::vector<std::string>{"found"});
    CHECK_FALSE(plan.by_kind);
    const OutputPlan videos = plan_outputs(outputs("", "out/"), {"a/x.mp4", "b/x.mkv"}, {});
    CHECK(videos.videos == std::vector<std::string>{"out/x.mp4", "out/x-2.mp4"});
    const OutputPlan records = plan_outputs(outputs("boxes/"), {"a/x.mp4", "b/x.mkv"}, {});
    REQUIRE(records.records.size() == 1);
    CHECK(records.records[0].file.empty());
    CHECK(records.records[0].files == std::vector<std::string>{"boxes/x.jsonl", "boxes/x-2.jsonl"});
    CHECK(records.folders == std::vector<std::string>{"boxes/"});
    fs::create_directory("there");
    CHECK(plan_outputs(outputs("there"), inputs, {}).records.at(0).files.at(2) == "there/1-3.jsonl");
    OutputPlan claimed = records;
    const media::OutputLocks locks = claim_outputs(claimed, {"a/x.mp4", "b/x.mkv"}, {});
    const Sinks sinks = make_sinks(records, {});
    CHECK(sinks.records.size() == 1);
    CHECK(sinks.pictures.empty());
    CHECK(fs::is_directory("boxes"));
}

TEST_CASE("records of every kind are a file for all inputs or one for each, as far as that can tell them apart") {
    const Workplace here;
    const std::vector<std::string> mixed = {"a/x.mp4", "b/x.jpg"}, pictures = {"a/1.jpg", "b/1.jpg"};
    const auto named = [](std::string OutputOptions::*kind, const std::string& path) {
        OutputOptions options;
        options.*kind = path;
        CHECK_FALSE(options.none());
        return options;
    };
    const std::vector<std::pair<std::string OutputOptions::*, std::string>> endings = {
        {&OutputOptions::csv, ".csv"},
        {&OutputOptions::coco, ".json"},
        {&OutputOptions::mot, ".txt"},
        {&OutputOptions::cvat, ".xml"},
        {&OutputOptions::label_studio, ".json"}};
    for (const auto& [kind, ending] : endings) {
        const OutputPlan plan = plan_outputs(named(kind, "out/"), mixed, {});
        REQUIRE(plan.records.size() == 1);
        CHECK(plan.records[0].files == std::vector<std::string>{"out/x" + ending, "out/x-2" + ending});
        CHECK(plan.frame_stems == std::vector<std::string>{"x", "x-2"});
        CHECK_FALSE(plan.by_kind);
        CHECK(plan_outputs(named(kind, "one"), {mixed[0]}, {}).records.at(0).file == "one");
        CHECK(error_of(named(kind, "missing/one"), {mixed[0]}).first == ErrorKind::output);
        CHECK(error_of(named(kind, "x.mp4"), {"x.mp4"}).second.find("x.mp4 is an input") == 0);
        CHECK(make_sinks(plan, {}).records.size() == 1);
    }
    CHECK(error_of(named(&OutputOptions::csv, "one"), mixed).second == "no error");
    CHECK(error_of(named(&OutputOptions::cvat, "one"), pictures).second == "no error");
    CHECK(error_of(named(&OutputOptions::cvat, "one"), mixed).second ==
          "--cvat one: one file takes one input, or pictures alone; name a folder: --cvat DIR/");
    CHECK(error_of(named(&OutputOptions::mot, "one"), pictures).second ==
          "--mot one: one file takes one input; name a folder: --mot DIR/");
    OutputOptions two = named(&OutputOptions::csv, "-");
    two.coco = "-";
    CHECK(error_of(two, mixed).second ==
          "--csv - and --coco -: standard output takes one of them; name a file for the other");
    two.csv = "out/", two.coco = "out/", two.label_studio = "out/";
    CHECK(error_of(two, mixed).second.find("out/x.json is named for two outputs") == 0);
}

TEST_CASE("labels are called like their pictures, and take no other file's place") {
    const Workplace here;
    fs::create_directory("out");
    const auto labels = [](const std::string& folder) {
        OutputOptions options;
        options.yolo = folder;
        return options;
    };
    OutputPlan plan = plan_outputs(labels("out"), {"a/x.mp4", "b/x.jpg", "classes.png"}, {});
    CHECK(plan.label_stems == std::vector<std::string>{"out/x", "out/x-2", "out/classes-2"});
    CHECK(plan.label_classes == "out/classes.txt");
    CHECK(plan.folders == std::vector<std::string>{"out"});
    CHECK(make_sinks(plan, {}).records.size() == 1);
    CHECK(error_of(labels("out"), {"a.jpg"}, "out/a.txt").second.find("out/a.txt is named for two outputs") == 0);
    CHECK(error_of(labels("out"), {"a.mp4"}, "out/classes.txt").first == ErrorKind::usage);
    CHECK(error_of(labels("out"), {"a.mp4"}, "out/a-000012.txt").second.find("out/a-000123.txt") != std::string::npos);
    test::write_file("out/a-000012.txt", "x");
    CHECK(error_of(labels("out"), {"a.mp4", "out/a-000012.txt"}).second.find("is an input") != std::string::npos);
    const media::OutputLocks held = claim_outputs(plan, {"a/x.mp4", "b/x.jpg", "classes.png"}, {});
    OutputPlan other = plan_outputs(labels("out"), {"x.mp4"}, {});
    CHECK_THROWS_AS(claim_outputs(other, {"x.mp4"}, {}), Error);
}

TEST_CASE("messages are results, and a wrong address is said before any work") {
    const Workplace here;
    OutputOptions options;
    options.mqtt = "mqtt://127.0.0.1:1/t";
    CHECK_FALSE(options.none());
    try {
        MqttPublisher::require();
    } catch (const Error& error) {
        CHECK(error_of(options, {"a.mp4"}).second == error.what());
        return;
    }
    options.mqtt_queue_mib = 2;
    const OutputPlan plan = plan_outputs(options, {"a.mp4"}, {});
    CHECK((plan.mqtt && plan.mqtt->target.topic == "t" && plan.mqtt->queue_bytes == 2 << 20));
    CHECK((plan.videos.empty() && plan.records.empty()));
    const Sinks sinks = make_sinks(plan, {});
    CHECK((sinks.records.size() == 1 && sinks.brokers.size() == 1));
    options.mqtt = "mqtt://me@127.0.0.1/t";
    CHECK(error_of(options, {"a.mp4"}).first == ErrorKind::usage);
}

TEST_CASE("crops lie below a folder in which nothing lies that is read") {
    const Workplace here;
    fs::create_directories("out/person");
    for (const char* name : {"out/person/a-1.jpg", "out/b.jpg"}) test::write_file(name, "x");
    OutputOptions options;
    options.crops = "out";
    CHECK_FALSE(options.none());
    OutputPlan plan = plan_outputs(options, {"out/b.jpg"}, {"out/report.json"});
    CHECK(plan.crops == "out/");
    CHECK(make_sinks(plan, {}).pictures.size() == 1);
    CHECK(
        error_of(options, {"./out/person/a-1.jpg"}).second ==
        "./out/person/a-1.jpg is an input and might be overwritten by what is written below out/; name another folder");
    const media::OutputLocks held = claim_outputs(plan, {"out/b.jpg"}, {});
    OutputPlan other = plan_outputs(options, {"b.mp4"}, {});
    CHECK_THROWS_AS(claim_outputs(other, {"b.mp4"}, {}), Error);
    options.crops = "out/b.jpg";
    CHECK(error_of(options, {"a.mp4"}).second.find("is no folder") != std::string::npos);
}

TEST_CASE("an overlay is a file for each video, copied where it can be read again") {
    const Workplace here;
    fs::create_directory("in");
    test::write_file("in/b.mp4", "x");
    REQUIRE(mkfifo("pipe", 0600) == 0);
    const auto overlay = [](const std::string& path) {
        OutputOptions options;
        options.overlay = path;
        return options;
    };
    const OutputPlan plan = plan_outputs(overlay("out/"), {"in/b.mp4", "c.mov"}, {});
    CHECK(plan.overlays == std::vector<std::string>{"out/b.mkv", "out/c.mkv"});
    CHECK(plan.folders == std::vector<std::string>{"out/"});
    CHECK_FALSE(plan.by_kind);
    const Sinks sinks = make_sinks(plan, {});
    CHECK(sinks.records.size() == 1);
    CHECK(sinks.pictures.empty());
    CHECK(plan_outputs(overlay("x.ass"), {"pipe"}, {}).overlays == std::vector<std::string>{"x.ass"});
    const std::vector<std::tuple<OutputOptions, std::string, std::string>> cases = {
        {overlay("x.mp4"), "in/b.mp4", ".mkv .ass"},
        {overlay("x.mkv"), "p.jpg", "--overlay takes videos"},
        {overlay("x.mkv"), "pipe", "pipe cannot be read a second time"},
        {overlay("x.mkv"), "rtsp://camera/1", "cannot be read a second time"},
        {overlay("x.mkv"), "http://server/film.mp4", "cannot be read a second time"},
        {overlay("x.mkv"), "x.mkv", "x.mkv is an input"},
    };
    for (const auto& [options, input, part] : cases) {
        const auto [kind, message] = error_of(options, {input});
        INFO("expected '" << part << "' in: " << message);
        CHECK(kind == ErrorKind::usage);
        CHECK(message.find(part) != std::string::npos);
    }
}

TEST_CASE("Motion JPEG goes into its own containers, and its encoders are shared") {
    const Workplace here;
    const auto jpeg = [](OutputOptions options) {
        options.encoding.encoder = media::EncoderChoice::jpeg;
        return options;
    };
    CHECK(plan_outputs(jpeg(outputs("", "out/")), {"a.mp4"}, {}).videos == std::vector<std::string>{"out/a.mkv"});
    CHECK(plan_outputs(jpeg(outputs("", "x.avi")), {"a.mp4"}, {}).videos == std::vector<std::string>{"x.avi"});
    CHECK(plan_outputs(jpeg({}), {"a.mp4"}, {}).videos == std::vector<std::string>{"runs/a.mkv"});
    fs::create_directory("runs");
    test::write_file("runs/a.mkv", "earlier");
    const OutputPlan plan = plan_outputs(jpeg({}), {"a.mp4"}, {});
    CHECK(plan.videos == std::vector<std::string>{"runs/a-2.mkv"});
    CHECK(make_sinks(plan, {}).jpegs);
    CHECK_FALSE(make_sinks(plan_outputs({}, {"a.mp4"}, {}), {}).jpegs);
    for (const char* path : {"x.mp4", "x.mov", "x.jpg"}) {
        const auto [kind, message] = error_of(jpeg(outputs("", path)), {"a.mp4"});
        CHECK(kind == ErrorKind::usage);
        CHECK(message ==
              std::string("--encoder jpeg --video ") + path + ": the file name must end in one of .mkv .avi");
    }
}

TEST_CASE("outputs that do not go together are usage errors") {
    const Workplace here;
    fs::create_directory("in");
    test::write_file("in/a.jpg", "x");
    test::write_file("in/b.mp4", "x");
    fs::create_symlink("b.mp4", "in/link.mp4");
    fs::create_directory("out");
    const std::vector<std::string> picture = {"in/a.jpg"}, video = {"in/b.mp4"};
    const std::vector<std::tuple<OutputOptions, std::vector<std::string>, std::string, std::string>> cases = {
        {outputs("", "out.mp4"), picture, "", "in/a.jpg is a picture"},
        {outputs("", "out.mp4"), {"in/b.mp4", "in/c.mp4"}, "", "--video DIR/"},
        {outputs("", "out.avi"), video, "", ".mp4 .mkv .mov"},
        {outputs("", "", "", "sheet.pdf"), video, "", ".jpg"},
        {outputs("", "in/b.mp4"), video, "", "in/b.mp4 is an input"},
        {outputs("", "in/link.mp4"), video, "", "in/link.mp4 is an input"},
        {outputs("in/b.mp4"), video, "", "in/b.mp4 is an input"},
        {outputs("", "in/"), video, "", "in/b.mp4 is an input"},
        {outputs("", "", "in/../in"), picture, "", "in/../in/a.jpg is an input"},
        {outputs("x.jpg", "", "", "./x.jpg"), video, "", "named for two outputs"},
        {outputs("x.json"), video, "x.json", "named for two outputs"},
        {outputs("out/"), video, "out/b.jsonl", "out/b.jsonl is named for two outputs"},
        {outputs("in/"), {"in/b.mp4", "in/c.jsonl"}, "", "in/c.jsonl is an input"},
    };
    for (const auto& [options, inputs, report, part] : cases) {
        const auto [kind, message] = error_of(options, inputs, report);
        INFO("expected '" << part << "' in: " << message);
        CHECK(kind == ErrorKind::usage);
        CHECK(message.find(part) != std::string::npos);
    }
}

TEST_CASE("no output takes the place of what the run reads, or of another, by whatever name") {
    const Workplace here;
    for (const char* folder : {"in", "found", "out"}) fs::create_directory(folder);
    for (const char* name : {"in/a.mp4", "m.weights", "list.txt", "found/a-000012-2.jpg", "found/a-12.jpg"})
        test::write_file(name, "x");
    fs::create_hard_link("in/a.mp4", "hard.mp4");
    fs::create_hard_link("m.weights", "out/hard.jsonl");
    fs::create_hard_link("m.weights", "found/a-000034.jpg");
    fs::create_symlink("nothing-yet.json", "dangling.json");
    fs::create_directory_symlink("out", "also-out");
    media::FileClaims read;
    read.reads("m.weights", "the model's weights");
    read.reads("list.txt", "a list of inputs");
    const auto sentence = [&](const OutputOptions& options, const std::string& report = "") -> std::string {
        try {
            plan_outputs(options, {"in/a.mp4"}, {report}, read);
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::usage);
            return error.what();
        }
        return "";
    };
    const std::string end = " and would be overwritten; name another output";
    CHECK(sentence(outputs("", "hard.mp4")) == "hard.mp4 is an input, the same file as in/a.mp4," + end);
    CHECK(sentence(outputs("m.weights")) == "m.weights is the model's weights" + end);
    CHECK(sentence(outputs("./list.txt")) == "./list.txt is a list of inputs, the same file as list.txt," + end);
    CHECK(sentence({}, "out/hard.jsonl") == "out/hard.jsonl is the model's weights, the same file as m.weights," + end);
    CHECK(sentence(outputs("", "", "found")) ==
          "found/a-000034.jpg is the model's weights, the same file as m.weights," + end);
    fs::remove("found/a-000034.jpg");
    CHECK(sentence(outputs("", "", "found")).empty());
    CHECK(sentence(outputs("", "", "found", "./found/a-000007.jpg")).find("video's frames will be called") !=
          std::string::npos);
    const std::string twice = " are the same file, which is named for two outputs; give each a file of its own";
    CHECK(sentence(outputs("nothing-yet.json"), "dangling.json") == "dangling.json and nothing-yet.json" + twice);
    CHECK(sentence(outputs("out/x.json"), "also-out/x.json") == "also-out/x.json and out/x.json" + twice);
    CHECK(sentence(outputs("/dev/null"), "/dev/null").empty());
}

TEST_CASE("outputs that cannot be written are found before any work") {
    const Workplace here;
    test::write_file("file", "x");
    fs::create_directory("folder.jpg");
    const std::vector<std::string> video = {"a.mp4"};
    const std::vector<std::pair<OutputOptions, std::string>> cases = {
        {outputs("missing/x.jsonl"), "there is no folder missing"},
        {outputs("file/"), "file is no folder"},
        {outputs("", "", "", "folder.jpg"), "it is a folder"},
        {outputs("", "missing/x.mp4"), "there is no folder missing"},
        {outputs("", "file/x.mp4"), "there is no folder file"},
        {outputs("", "", "file"), "is no folder"},
        {outputs("", "", "file/deeper"), "is no folder"},
        {outputs("", "", "", "missing/sheet.jpg"), "there is no folder missing"},
    };
    for (const auto& [options, part] : cases) {
        const auto [kind, message] = error_of(options, video);
        INFO("expected '" << part << "' in: " << message);
        CHECK(kind == ErrorKind::output);
        CHECK(message.find(part) != std::string::npos);
    }
    CHECK(error_of(outputs("x.jsonl"), video, "missing/report.json").first == ErrorKind::output);
    CHECK(plan_outputs(outputs("", "", "new/deep/folder"), video, {}).folders.size() == 1);
}

TEST_CASE("what appears whole needs a folder that takes new files, records do not") {
    const Workplace here;
    fs::create_directory("folder");
    for (const char* name : {"folder/x.jsonl", "folder/x.jpg", "folder/x.json"}) {
        test::write_file(name, "earlier");
        fs::permissions(name, fs::perms(0666));
    }
    fs::create_symlink("folder/x.jpg", "link.jpg");
    fs::permissions("folder", fs::perms(0555));
    fs::permissions(".", fs::perms(0755));
    const uid_t user = ::getuid();
    if (user == 0) REQUIRE(::setresuid(65534, 65534, 0) == 0);  // root may write anywhere
    const auto records = error_of(outputs("folder/x.jsonl"), {"a.mp4"});
    const auto sheet = error_of(outputs("", "", "", "folder/x.jpg"), {"a.mp4"});
    const auto link = error_of(outputs("", "", "", "link.jpg"), {"a.mp4"});
    const auto report = error_of(outputs("folder/x.jsonl"), {"a.mp4"}, "folder/x.json");
    if (user == 0) REQUIRE(::setresuid(0, 0, 0) == 0);
    fs::permissions("folder", fs::perms(0755));
    CHECK(records.second == "no error");
    CHECK(sheet.second == "cannot write folder/x.jpg: Permission denied (folder)");
    CHECK(link.second.find("cannot write link.jpg: Permission denied (") == 0);
    CHECK(report.second == "cannot write folder/x.json: Permission denied (folder)");
}

TEST_CASE("outputs may be pipes that have no name, one of them even twice") {
    const Workplace here;
    std::array<int, 4> ends = {};
    REQUIRE(::pipe(ends.data()) == 0);
    REQUIRE(::pipe(ends.data() + 2) == 0);
    const std::string one = "/dev/fd/" + std::to_string(ends[1]), other = "/dev/fd/" + std::to_string(ends[3]);
    CHECK(error_of(outputs(one), {"a.mp4"}, other).second == "no error");
    CHECK(error_of(outputs(one), {"a.mp4"}, one).second == "no error");
    for (const int end : ends) ::close(end);
}

TEST_CASE("videos and pictures together need --pictures for the pictures") {
    const Workplace here;
    const std::vector<std::string> mixed = {"a.jpg", "b.mp4"};
    CHECK(error_of(outputs("", "out.mp4"), mixed).first == ErrorKind::usage);
    const OutputPlan plan = plan_outputs(outputs("", "out.mp4", "found"), mixed, {});
    CHECK(plan.videos.at(1) == "out.mp4");
    CHECK(plan.picture_stems.at(0) == "found/a");
}

TEST_CASE("a name that is too long is cut in a folder, and refused where it is given") {
    const Workplace here;
    const std::string dots(255 - 4 - 2, 'x'), long_name = dots.substr(1) + "\xc3\xa4", cut = dots.substr(0, 231);
    const std::vector<std::string> inputs = {"a/" + long_name + ".mp4", "b/" + long_name + ".mp4", dots + "yy.jpg"};
    const OutputPlan plan = plan_outputs(outputs("", "", "found"), inputs, {});
    CHECK(plan.picture_stems ==
          std::vector<std::string>{"found/" + cut, "found/" + cut.substr(2) + "-2", "found/" + cut.substr(2) + "-3"});
    CHECK(plan_outputs(outputs("out/"), inputs, {}).records.at(0).files.at(0) == "out/" + dots.substr(1) + ".jsonl");
    CHECK(plan_outputs(outputs("", "out/"), {inputs[0]}, {}).videos.at(0) == "out/" + long_name + ".mp4");
    const auto [kind, message] = error_of(outputs(std::string(250, 'x') + ".jsonl"), {"a.mp4"});
    CHECK(kind == ErrorKind::output);
    CHECK(message.find("its name has 256 bytes, and at most 255 are allowed") != std::string::npos);
}

TEST_CASE("two runs never have the same output, and nothing is left of what keeps them apart") {
    const Workplace here;
    const std::vector<std::string> inputs = {"street.mp4", "dog.jpg"};
    OutputPlan one = plan_outputs({}, inputs, {}), other = plan_outputs({}, inputs, {}), third = one;
    {
        const media::OutputLocks held = claim_outputs(one, inputs, {});
        {
            const media::OutputLocks also = claim_outputs(other, inputs, {});
            CHECK(one.picture_stems == std::vector<std::string>{"runs/street", "runs/dog"});
            CHECK(other.picture_stems == std::vector<std::string>{"runs/street-2", "runs/dog-2"});
            CHECK(other.videos == std::vector<std::string>{"runs/street-2.mp4", "runs/dog-2.mp4"});
        }
        CHECK(fs::exists("runs"));  // the other one's still
        test::write_file("runs/street.mp4", "of the first");
    }
    {
        const media::OutputLocks held = claim_outputs(third, inputs, {});
        CHECK(third.picture_stems == std::vector<std::string>{"runs/street-2", "runs/dog"});
    }
    CHECK(std::distance(fs::directory_iterator("runs"), fs::directory_iterator()) == 1);
    fs::remove_all("runs");
    { const media::OutputLocks held = claim_outputs(third, inputs, {}); }
    CHECK(fs::is_empty("."));
}

TEST_CASE("a named output belongs to one run") {
    const Workplace here;
    fs::create_directory("out");
    fs::create_directory("locked");
    fs::create_symlink("boxes.jsonl", "link.jsonl");
    test::write_file("locked/boxes.jsonl", "earlier");
    fs::permissions("locked/boxes.jsonl", fs::perms(0666));
    const auto claim = [](const OutputOptions& options, const std::string& report = "") {
        OutputPlan plan = plan_outputs(options, {"a.mp4"}, {report});
        return claim_outputs(plan, {"a.mp4"}, {report});
    };
    const auto refused = [&](const OutputOptions& options, const std::string& report = "") -> std::string {
        try {
            claim(options, report);
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::output);
            return error.what();
        }
        return "";
    };
    const std::string end = "': another run is writing it; wait until that has ended, or name another file";
    {
        const media::OutputLocks held = claim(outputs("boxes.jsonl", "x.mp4", "out"), "report.json");
        CHECK(refused(outputs("boxes.jsonl")) == "cannot write 'boxes.jsonl" + end);
        CHECK(refused(outputs("./boxes.jsonl")) == "cannot write './boxes.jsonl" + end);
        CHECK(refused(outputs("link.jsonl")) == "cannot write 'link.jsonl" + end);
        CHECK(refused(outputs("", "x.mp4")) == "cannot write 'x.mp4" + end);
        CHECK(refused({}, "report.json") == "cannot write 'report.json" + end);
        CHECK(refused(outputs("", "", "out/")).find("another run") != std::string::npos);
        CHECK(refused(outputs("other.jsonl", "y.mp4"), "/dev/null").empty());
        CHECK(refused(outputs("-"), "/dev/null").empty());
    }
    CHECK(refused(outputs("boxes.jsonl")).empty());
    // In a folder that takes no new file, what is written in its place is locked itself.
    fs::permissions("locked", fs::perms(0555));
    fs::permissions(".", fs::perms(0755));
    const uid_t user = ::getuid();
    if (user == 0) REQUIRE(::setresuid(65534, 65534, 0) == 0);  // root may write anywhere
    const auto in_place = [&] {
        const media::OutputLocks held = claim(outputs("locked/boxes.jsonl"));
        return refused(outputs("locked/boxes.jsonl"));
    }();
    if (user == 0) REQUIRE(::setresuid(0, 0, 0) == 0);
    fs::permissions("locked", fs::perms(0755));
    CHECK(in_place == "cannot write 'locked/boxes.jsonl" + end);
    CHECK(test::read_file("locked/boxes.jsonl") == "earlier");
    for (const char* folder : {".", "out", "locked"}) CHECK_FALSE(fs::exists(std::string(folder) + "/.convoy.lock"));
}
