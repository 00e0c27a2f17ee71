// SPDX-License-Identifier: MIT
//
// yolo-fleet as its users meet it.
#include <algorithm>
#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/contains.h"
#include "tests/support/data.h"
#include "tests/tools/child.h"
#include "tests/tools/media_files.h"
#include "tools/fleet/manifest.h"

using namespace convoy;
using test::contains;
namespace fs = std::filesystem;

namespace {

test::Finished yolo_fleet(const test::TemporaryFolder& folder, const std::vector<std::string>& arguments) {
    return test::run("yolo-fleet", arguments, folder.path());
}

/// Two pictures in a folder, and the manifest of them with results as a run leaves them.
class Job {
public:
    Job() {
        fs::create_directory(folder / "in");
        for (const char* name : {"10.png", "9.png"})
            media::write_image(folder / "in/" + name, test::synthetic(32, 24, name[0]));
        REQUIRE(yolo_fleet(folder, {"manifest", "in", "-o", "work.tsv", "-q"}).status == 0);
        manifest = fleet::read_manifest(folder / "work.tsv");
        fs::create_directory(folder / "out");
        for (std::size_t i = 0; i < 2; ++i) {
            test::write_file(file(i, ".jsonl"), record(i));
            test::write_file(file(i, ".done"), "{\"input\":\"" + manifest.units[i].input + "\",\"key\":\"" +
                                                   manifest.units[i].key +
                                                   "\",\"part\":\"1/1\",\"frames\":1,\"seconds\":2,\"bytes\":" +
                                                   std::to_string(record(i).size()) + "}");
        }
    }
    std::string file(std::size_t unit, const std::string& ending) const {
        return folder / ("out/" + fleet::unit_name(unit) + ending);
    }
    static std::string record(std::size_t i) {
        return std::string("{\"input\":\"") + (i == 0 ? "in/9.png" : "in/10.png") + "\",\"frame\":0}\n";
    }

    test::TemporaryFolder folder;
    fleet::Manifest manifest;
};

}  // namespace

TEST_CASE("a manifest names inputs as a run does, in their order", "[command]") {
    const Job job;
    REQUIRE(job.manifest.units.size() == 2);
    CHECK(job.manifest.units[0].input == "in/9.png");
    CHECK(job.manifest.units[1].input == "in/10.png");
    fs::create_directory(job.folder / "elsewhere");
    const test::Finished finished =
        yolo_fleet(job.folder, {"manifest", "in/9.png", test::clip(), "-o", "elsewhere/w.tsv"});
    CHECK(finished.status == 0);
    CHECK(contains(finished.err, "2 inputs in 2 units, 0:24 to decode"));
    const fleet::Manifest other = fleet::read_manifest(job.folder / "elsewhere/w.tsv");
    CHECK(other.units[0].input == "../in/9.png");
    CHECK(fs::equivalent(other.location(other.units[0]), job.folder / "in/9.png"));
    CHECK(other.units[1].input == test::clip());
}

TEST_CASE("what cannot be read is named and left out of a manifest", "[command]") {
    const Job job;
    test::write_file(job.folder / "bad.mp4", "no video");
    const std::string before = test::read_file(job.folder / "work.tsv");
    const test::Finished some = yolo_fleet(job.folder, {"manifest", "bad.mp4", "none.mp4", "in", "-o", "some.tsv"});
    CHECK(some.status == 1);
    CHECK(contains(some.err, "'bad.mp4'"));
    CHECK(contains(some.err, "'none.mp4'"));
    CHECK(fleet::read_manifest(job.folder / "some.tsv").units.size() == 2);
    const test::Finished none = yolo_fleet(job.folder, {"manifest", "bad.mp4", "-o", "work.tsv"});
    CHECK(none.status == 1);
    CHECK(contains(none.err, "is not written"));
    CHECK(test::read_file(job.folder / "work.tsv") == before);
    CHECK(yolo_fleet(job.folder, {"manifest", "in/9.png", "-o", "in/9.png"}).status == 2);
    CHECK(yolo_fleet(job.folder, {"manifest", "in", "-o", "no/such/folder.tsv"}).status == 1);
}

TEST_CASE("results are merged into a file or standard output", "[command]") {
    const Job job;
    const std::string whole = Job::record(0) + Job::record(1);
    const test::Finished finished =
        yolo_fleet(job.folder, {"merge", "work.tsv", "out", "--jsonl", "all.jsonl", "--report-json", "report.json"});
    CHECK(finished.status == 0);
    CHECK(contains(finished.err, "2 frames of 2 inputs in 2 units, 4.0 s"));
    CHECK(test::read_file(job.folder / "all.jsonl") == whole);
    CHECK(contains(test::read_file(job.folder / "report.json"), "\"frames\": 2"));
    const test::Finished piped = yolo_fleet(job.folder, {"merge", "work.tsv", "out", "--jsonl", "-", "-q"});
    CHECK(piped.out == whole);
    CHECK(piped.err.empty());
}

TEST_CASE("what is missing or has failed is listed, and nothing is written", "[command]") {
    const Job job;
    fs::remove(job.file(1, ".done"));
    const auto merge = [&](const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments = {"merge", "work.tsv", "out", "--jsonl", "all.jsonl"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return yolo_fleet(job.folder, arguments);
    };
    const test::Finished missing = merge();
    CHECK(missing.status == 1);
    CHECK(contains(missing.err, "000001 ('in/10.png') is not done"));
    CHECK(!fs::exists(job.folder / "all.jsonl"));
    test::write_file(job.file(1, ".failed"), R"({"error":"it is bad"})");
    const test::Finished failed = merge();
    CHECK(failed.status == 1);
    CHECK(contains(failed.err, "has failed: it is bad"));
    CHECK(contains(failed.err, "--without-failed"));
    CHECK(!fs::exists(job.folder / "all.jsonl"));
    CHECK(merge({"--without-failed"}).status == 1);
    CHECK(test::read_file(job.folder / "all.jsonl") == Job::record(0));
}

TEST_CASE("a merge overwrites nothing that it reads", "[command]") {
    const Job job;
    for (const char* path : {"work.tsv", "out/000000.jsonl"}) {
        const std::string before = test::read_file(job.folder / path);
        CHECK(yolo_fleet(job.folder, {"merge", "work.tsv", "out", "--jsonl", path}).status == 2);
        CHECK(test::read_file(job.folder / path) == before);
    }
    CHECK(yolo_fleet(job.folder, {"merge", "work.tsv", "none", "--jsonl", "all.jsonl"}).status == 1);
    CHECK(yolo_fleet(job.folder, {"merge", "none.tsv", "out", "--jsonl", "all.jsonl"}).status == 1);
}

TEST_CASE("wrong usage of yolo-fleet is said", "[command]") {
    const Job job;
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
        {{}, "ACTION"},
        {{"split", "in"}, "ACTION"},
        {{"manifest"}, "PATH"},
        {{"manifest", "in"}, "--output"},
        {{"manifest", "in", "-o", "w", "--jsonl", "x"}, "--jsonl: does not go with manifest"},
        {{"manifest", "in", "-o", "w", "--part-seconds", "-1"}, "--part-seconds"},
        {{"merge", "work.tsv", "out"}, "--jsonl"},
        {{"merge", "work.tsv", "--jsonl", "x"}, "folder of its results"},
        {{"merge", "work.tsv", "out", "--jsonl", "x", "--at-once", "2"}, "--at-once: does not go with merge"},
    };
    for (const auto& [arguments, what] : cases) {
        const test::Finished finished = yolo_fleet(job.folder, arguments);
        INFO(finished.err);
        CHECK(finished.status == 2);
        CHECK(contains(finished.err, what));
    }
}

TEST_CASE("every option of yolo-fleet is in docs/fleet.md", "[command]") {
    const test::TemporaryFolder folder;
    const std::string help = yolo_fleet(folder, {"--help"}).out,
                      page = test::read_file(test::source_dir() + "/docs/fleet.md");
    int options = 0;
    for (const std::string& line : test::lines_of(help)) {
        const std::size_t at = line.find("--");
        if (!line.starts_with("  -") || at == line.npos || contains(line, "--help") || contains(line, "--version"))
            continue;
        const std::string name = line.substr(at, line.find_first_of(" ,=", at) - at);
        INFO(name);
        CHECK(contains(page, "`" + name));
        ++options;
    }
    CHECK(options == 7);
}
