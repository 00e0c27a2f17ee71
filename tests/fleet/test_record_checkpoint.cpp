// SPDX-License-Identifier: MIT
#include "tools/fleet/record_checkpoint.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "tests/support/catch.h"
#include "tests/support/complaint.h"
#include "tests/tools/child.h"

using namespace convoy;
using namespace convoy::fleet;
using nlohmann::json;

namespace {

const json kDeciding = {{"input", "a.mp4"}, {"key", "k"},   {"part", "1/1"},  {"start", 0.},
                        {"stop", 0.},       {"model", "m"}, {"version", "1"}, {"options", {"size = 96"}}};

std::string record(int frame, const std::string& stamp, const std::string& detections = "") {
    return fmt::format(
               R"({{"input":"a.mp4","frame":{},"time_s":0,"pts_s":{},"width":64,"height":48,"detections":[{}]}})",
               frame, stamp, detections) +
           "\n";
}

std::string records(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += record(i, fmt::format("{}", i * .04 + .1));
    return text;
}

/// A unit that was ended with this in its file.
struct Begun {
    explicit Begun(const std::string& partial, const json& state = kDeciding) : files(folder / "000001.jsonl") {
        test::write_file(files.partial, partial);
        write_json(files.state, state);
    }
    KeptRecords kept(std::int64_t step = 1) const { return read_kept(files, kDeciding, "a.mp4", step); }

    test::TemporaryFolder folder;
    UnitFiles files;
};

}  // namespace

TEST_CASE("a unit's files lie beside its records", "[checkpoint]") {
    const UnitFiles files("out/000123.jsonl");
    CHECK(files.done == "out/000123.done");
    CHECK(files.failed == "out/000123.failed");
    CHECK(files.partial == "out/.000123.jsonl.partial");
    CHECK(files.state == "out/.000123.state");
    CHECK(UnitFiles("boxes.jsonl").partial == ".boxes.jsonl.partial");
}

TEST_CASE("records are kept up to the first that is torn", "[checkpoint]") {
    const std::string all = records(5), last = record(5, "0.3");
    const auto whole_after = [&](const std::string& tail) {
        const KeptRecords kept = Begun(all + tail).kept();
        CHECK(kept.why_anew.empty());
        CHECK(kept.text == all);
        return kept.records.size();
    };
    for (std::size_t size = 0; size < last.size(); ++size) CHECK(whole_after(last.substr(0, size)) == 5);
    CHECK(whole_after(std::string(4096, '\0')) == 5);  // as a loss of power leaves it
    CHECK(whole_after(std::string(100, '\0') + "\n" + record(6, "0.4")) == 5);
    CHECK(whole_after("{}\n") == 5);
    CHECK(whole_after(record(7, "0.4")) == 5);  // not the next one
    CHECK(whole_after("[1]\nnonsense\n") == 5);
    CHECK(Begun(all + last).kept().records.size() == 6);
    CHECK(Begun("").kept().records.empty());
    CHECK(Begun("").kept().why_anew.empty());
}

TEST_CASE("a record is read back to the bit", "[checkpoint]") {
    const float confidence = std::nextafter(.7f, 1.f), x = 1e-7f / 3, y = 32767.998f;
    const std::string found = fmt::format(
        R"({{"class_id":3,"class":"dog","confidence":{},"box":[{},{},0.1,16777216],"track":12}})", confidence, x, y);
    const KeptRecords kept = Begun(record(0, fmt::format("{}", .1 + .2), found) + record(2, "0.5")).kept(2);
    REQUIRE(kept.records.size() == 2);
    const KeptRecord& it = kept.records[0];
    CHECK(it.pts_s == .1 + .2);
    CHECK(it.width == 64);
    CHECK(it.height == 48);
    REQUIRE(it.detections.size() == 1);
    CHECK(it.detections[0].class_id == 3);
    CHECK(it.detections[0].confidence == confidence);
    CHECK(it.detections[0].box.x == x);
    CHECK(it.detections[0].box.y == y);
    CHECK(it.detections[0].box.w == .1f);
    CHECK(it.detections[0].box.h == 16777216.f);
    CHECK(it.detections[0].track == 12);
}

TEST_CASE("a unit begins anew where its records are no guide", "[checkpoint]") {
    const auto why = [](const std::string& text) {
        const KeptRecords kept = Begun(text).kept();
        CHECK(kept.records.empty());
        CHECK(kept.text.empty());
        return kept.why_anew;
    };
    CHECK(why(record(0, "0.1") + record(1, "null")) == "frames have no time stamps");
    CHECK(why(record(0, "3") + record(1, "1") + record(2, "2")) == "time stamps step back");
    CHECK(why(record(0, "1") + record(1, "1")) == "time stamps step back");
    CHECK(why(R"({"input":"a.mp4","frame":0,"pts_s":1,"width":64,"height":48,"undecodable":true,"detections":[]})"
              "\n") == "it has not come to its first keyframe");
}

TEST_CASE("a unit begins anew where something else decides its result", "[checkpoint]") {
    const auto why = [](const char* name, const json& value) {
        json state = kDeciding;
        state[name] = value;
        const KeptRecords kept = Begun(records(3), state).kept();
        CHECK(kept.records.empty() == !kept.why_anew.empty());
        return kept.why_anew;
    };
    CHECK(why("host", "another").empty());
    CHECK(why("key", "k2") == "the input is another one");
    CHECK(why("options", {"size = 128"}) == "options have changed");
    CHECK(why("model", "m2") == "the model is another one");
    CHECK(why("version", "2") == "it was made by another version");
    CHECK(why("part", "2/3") == "it is another part");
    CHECK(why("start", 10.) == "it is another part");
    const Begun begun(records(3));
    test::write_file(begun.files.state, "{\"key\":");  // half
    CHECK_FALSE(begun.kept().why_anew.empty());
}

TEST_CASE("a checkpoint goes on in a file of its own, and gets its name in the end", "[checkpoint]") {
    const Begun begun(records(3) + "{\"torn");
    const KeptRecords kept = begun.kept();
    {
        Checkpoint zombie(begun.files, kDeciding, kept.text);
        Checkpoint checkpoint(begun.files, kDeciding, kept.text);
        zombie.append(record(3, "9"));  // was suspended, and does not know
        checkpoint.append(record(3, "0.22"));
        checkpoint.sync();
        CHECK(test::read_file(begun.files.partial) == records(3) + record(3, "0.22"));
        CHECK(test::complaint([&] { zombie.publish(kDeciding); }, ErrorKind::output)
                  .find("another run has taken it over") != std::string::npos);
        CHECK_FALSE(std::filesystem::exists(begun.files.records));
        std::string why;
        CHECK_FALSE(is_done(begun.files, kDeciding, why));
        CHECK(why.empty());
        write_json(begun.files.failed, kDeciding);
        checkpoint.publish(kDeciding);
    }
    CHECK(test::read_file(begun.files.records) == records(3) + record(3, "0.22"));
    std::string why;
    CHECK(is_done(begun.files, kDeciding, why));
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(begun.folder.path())) ++files;
    CHECK(files == 2);  // the records and .done

    json other = kDeciding;
    other["options"] = {"size = 128"};
    CHECK_FALSE(is_done(begun.files, other, why));
    CHECK(why == "options have changed");
    test::write_file(begun.files.records, records(2));
    CHECK_FALSE(is_done(begun.files, kDeciding, why));
    CHECK(why == "its records are not those that were written");
    json odd = kDeciding;
    odd["bytes"] = "x";
    write_json(begun.files.done, odd);
    CHECK_FALSE(is_done(begun.files, kDeciding, why));
    CHECK(why == "its records are not those that were written");
    for (const char* text : {"", "[]", "{\"input\": "}) {
        test::write_file(begun.files.done, text);
        CHECK_FALSE(is_done(begun.files, kDeciding, why));
        CHECK(why == "what says that it is done says nothing");
    }
}
