// SPDX-License-Identifier: MIT
//
// Units' results, as yolo-run leaves them, put together.
#include "tools/fleet/merge.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/complaint.h"
#include "tests/support/contains.h"
#include "tests/tools/child.h"
#include "tools/fleet/merge_report.h"

using namespace convoy;
using namespace convoy::fleet;
using nlohmann::json;
using test::contains;

namespace {

std::string record(const std::string& input, int frame, double time_s, double pts_s) {
    return fmt::format(R"({{"input":{},"frame":{},"time_s":{},"pts_s":{},"width":2,"height":2,"detections":[)"
                       R"({{"class_id":0,"class":"a\"frame\":7","confidence":0.5,"box":[1,2,3,4]}}]}})"
                       "\n",
                       json(input).dump(), frame, time_s, pts_s);
}

/// A picture, a video of two parts of three and two frames whose stamps begin at 1.4 s, and a picture.
class Job {
public:
    Job() {
        const std::string video = "b\"x\\\n.ts";
        manifest.units = {{"a.png", 1, 1, 0, 0, .04, 1, 1, "ka"},
                          {video, 1, 2, 0, 3, 3, 1, 1, "kb"},
                          {video, 2, 2, 3, 0, 2, 1, 1, "kb"},
                          {"c.png", 1, 1, 0, 0, .04, 1, 1, "kc"}};
        records = {record("a.png", 0, 0, 0), "", "", record("c.png", 0, 0, 0)};
        for (int i = 0; i < 5; ++i) {
            const double pts_s = 1.4 + i;
            records[i < 3 ? 1 : 2] += record(video, i < 3 ? i : i - 3, pts_s - 1.4, pts_s);
            whole += record(video, i, pts_s - 1.4, pts_s);
        }
        whole = records[0] + whole + records[3];
        const int frames[] = {1, 3, 2, 1};
        for (std::size_t i = 0; i < 4; ++i) {
            const Unit& unit = manifest.units[i];
            done.push_back({{"input", unit.input},
                            {"key", unit.key},
                            {"part", fmt::format("{}/{}", unit.part, unit.parts)},
                            {"start", unit.start_s},
                            {"stop", unit.stop_s},
                            {"model", "m"},
                            {"options", {"confidence = 0.5"}},
                            {"version", "1"},
                            {"device", i < 2 ? "GPU" : "CPU"},
                            {"kernels", ""},
                            {"host", "h"},
                            {"frames", frames[i]},
                            {"seconds", i == 2 ? 30 : 10}});
        }
    }

    /// `lacks`: a unit that is not done.
    std::string out(std::size_t lacks = 99) const {
        for (std::size_t i = 0; i < 4; ++i) {
            if (i == lacks) continue;
            json of_unit = done[i];
            of_unit.emplace("bytes", records[i].size());
            test::write_file(folder_ / (unit_name(i) + ".jsonl"), records[i]);
            test::write_file(folder_ / (unit_name(i) + ".done"), of_unit.dump());
        }
        return folder_.path().string();
    }
    std::string merged() const {
        const std::string folder = out();
        std::string text;
        merge_records(manifest, folder, survey(manifest, folder), [&](std::string_view bytes) { text += bytes; });
        return text;
    }
    std::string missing() const {
        const Survey found = survey(manifest, out());
        return found.missing.empty() ? "" : found.missing.back();
    }
    std::string operator/(const std::string& name) const { return folder_ / name; }

    Manifest manifest;
    std::vector<std::string> records;
    std::vector<json> done;
    std::string whole;

private:
    test::TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("records come in the manifest's order, and frames of parts are numbered through", "[merge]") {
    CHECK(Job().merged() == Job().whole);
}

TEST_CASE("what is not done is missing", "[merge]") {
    const Job job;
    const std::string folder = job.out(2);
    CHECK(survey(job.manifest, folder).missing ==
          std::vector<std::string>{"000002 ('b\"x\\\n.ts', part 2/2) is not done"});
    test::write_file(job / ".000002.state", "{}");
    CHECK(contains(survey(job.manifest, folder).missing[0], "was begun, and is not done"));
    test::write_file(job / "000002.failed", R"({"error": "it is no video"})");
    const Survey found = survey(job.manifest, folder);
    CHECK(found.missing.empty());
    REQUIRE(found.failed.size() == 1);
    CHECK(found.failed[0].unit == 2);
    CHECK(found.failed[0].error == "it is no video");
    std::string text;
    merge_records(job.manifest, folder, found, [&](std::string_view bytes) { text += bytes; });
    CHECK(text == job.records[0] + job.records[3]);  // without the part that is done, too
    CHECK(report_json(job.manifest, found)["failed"][0]["error"] == "it is no video");
}

TEST_CASE("what was done of something else, or otherwise, is missing", "[merge]") {
    const auto with = [](std::size_t unit, const char* name, const json& value) {
        Job job;
        job.done[unit][name] = value;
        return job.missing();
    };
    CHECK(with(1, "key", "other") ==
          "000001 ('b\"x\\\n.ts', part 1/2) was done by another manifest: its key is other there and kb here; merge by "
          "that one, or do it again by this one, with yolo-run --manifest");
    CHECK(contains(with(2, "part", "2/3"), "it is part 2/3 (3 s to the end) there and part 2/2 (3 s to the end)"));
    CHECK(contains(with(1, "stop", 2.5), "it is part 1/2 (0 s to 2.5 s) there and part 1/2 (0 s to 3 s) here"));
    Job renamed;
    renamed.done[0]["input"] = "z.png", renamed.done[0]["key"] = "kz";
    CHECK(contains(renamed.missing(),
                   "manifest: its key is kz there and ka here, its input is 'z.png' there and 'a.png' here;"));
    renamed.done[0]["key"] = "ka";
    CHECK(contains(renamed.missing(), "its input is 'z.png' there and 'a.png' here;"));
    for (const char* name : {"bytes", "frames", "seconds", "start", "damaged", "device", "host"})
        CHECK(with(0, name, json::array()) == "");
    for (const char* name : {"part", "input", "key"}) CHECK(contains(with(0, name, 7), "by another manifest"));
    CHECK(contains(with(0, "model", "n"), "000000 ('a.png') was done with other settings than most: the model"));
    CHECK(contains(with(3, "version", "2"), "version is 2, and not 1"));
    const std::string options = with(3, "options", {"confidence = 0.4", "track = true"});
    CHECK(contains(options, "with confidence = 0.4, with track = true, without confidence = 0.5"));
    CHECK(with(3, "host", "elsewhere") == "");
    CHECK(with(3, "device", "another") == "");
}

TEST_CASE("records that are not those that were done are refused", "[merge]") {
    const auto error = [](std::size_t unit, const std::string& text, int frames = -1) {
        Job job;
        job.records[unit] = text;
        if (frames >= 0) job.done[unit]["frames"] = frames;
        return test::complaint([&] { job.merged(); });
    };
    const Job job;
    const std::string two = job.records[2], input = job.manifest.units[1].input;
    CHECK(contains(error(2, two.substr(0, two.size() - 1)), "line 2 is no whole record"));
    CHECK(contains(error(2, two, 3), "not as many records"));
    CHECK(contains(error(2, "{}\n", 1), "line 1 is no whole record"));
    CHECK(
        contains(error(2, record(input, 1, 3, 4.4) + record(input, 2, 4, 5.4)), "frame 1 is at the place of frame 0"));
    Job shorter;
    shorter.done[0]["bytes"] = 5;
    CHECK(contains(test::complaint([&] { shorter.merged(); }), "not as long as"));
    std::filesystem::remove(job.out() + "/000003.jsonl");
    const Survey found = survey(job.manifest, job.out(3));
    CHECK(contains(test::complaint([&] { merge_records(job.manifest, job / "", found, [](std::string_view) {}); }),
                   "000003.jsonl: cannot be read"));
}

TEST_CASE("parts of a video whose stamps are no guide are refused", "[merge]") {
    Job job;
    const std::string input = job.manifest.units[1].input;
    // Stamps leap inside the first part, where the whole would count on from.
    job.records[1] = record(input, 0, 0, 1.4) + record(input, 1, 1, 2.4) + record(input, 2, 2, 9000);
    CHECK(contains(test::complaint([&] { job.merged(); }), "--part-seconds 0"));
    Job unstamped;
    unstamped.records[2] = R"({"input":"b","frame":0,"time_s":3,"pts_s":null,"width":2})"
                           "\n"
                           R"({"input":"b","frame":1,"time_s":4,"pts_s":null,"width":2})"
                           "\n";
    CHECK(contains(test::complaint([&] { unstamped.merged(); }), "--part-seconds 0"));
    // A step back of a frame is a wrong order: time stands still in the whole, too.
    Job late;
    late.records[2] = record(input, 0, 1.4 + 3 - 1.4, 1.4 + 3) + record(input, 1, 1.4 + 3 - 1.4, 1.4 + 2.9);
    CHECK(contains(late.merged(), "\"frame\":4,\"time_s\":3.0"));
}

TEST_CASE("a report says what was done, by whom, and what was slow", "[merge]") {
    const Job job;
    const Survey found = survey(job.manifest, job.out());
    const auto report = report_json(job.manifest, found);
    CHECK(report["frames"] == 7);
    CHECK(report["inputs"] == 3);
    CHECK(report["units"] == 4);
    CHECK(report["seconds"] == 60);
    CHECK(report["devices"].size() == 2);
    CHECK(report["devices"][0] ==
          nlohmann::ordered_json({{"device", "CPU"}, {"kernels", ""}, {"units", 2}, {"frames", 3}, {"seconds", 40.}}));
    CHECK(report["hosts"][0]["host"] == "h");
    CHECK(report["slowest"]["unit"] == "000002");
    CHECK(report["slowest"]["part"] == "2/2");
    CHECK(report["failed"].empty());
    const std::string text = report_text(job.manifest, found);
    CHECK(contains(text, "7 frames of 3 inputs in 4 units, 60.0 s of work"));
    CHECK(contains(text, "slowest unit: 000002"));
    CHECK(contains(text, "different devices"));
}
