// SPDX-License-Identifier: MIT
#include "tools/fleet/manifest.h"

#include "tests/support/catch.h"
#include "tests/support/complaint.h"
#include "tests/support/contains.h"
#include "tests/tools/child.h"

using namespace convoy;
using namespace convoy::fleet;
using test::contains;

namespace {

const std::string kHead = "#convoy-manifest 1\nunit\tinput\tpart\tstart\tstop\tseconds\tbytes\tmtime\tkey\n";

class Files {
public:
    std::string file(const std::string& text) const {
        test::write_file(folder_ / "work.tsv", text);
        return folder_ / "work.tsv";
    }
    std::string error(const std::string& lines) const {
        return test::complaint([&] { read_manifest(file(kHead + lines)); });
    }
    const std::filesystem::path& path() const { return folder_.path(); }

private:
    test::TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("a manifest is read as it was written", "[manifest]") {
    const Files files;
    const std::vector<Unit> units = {{"a\tb\\c\nd.mp4", 1, 1, 0, 0, 12.5, 4711, 1'700'000'000'123'456'789, "k1"},
                                     {"videos/long é.mkv", 1, 3, 0, .1 + .2, .1 + .2, 1LL << 40, -5, "k2"},
                                     {"videos/long é.mkv", 2, 3, .1 + .2, 1e5 / 3, 1e5 / 3, 1LL << 40, -5, "k2"},
                                     {"videos/long é.mkv", 3, 3, 1e5 / 3, 0, 7, 1LL << 40, -5, "k2"},
                                     {"https://host/x.mp4?X-Amz-Signature=abc", 1, 1, 0, 0, 0, 0, std::nullopt, "k3"},
                                     {"/absolute/0.jpg", 1, 1, 0, 0, .04, 10, 1, "k4"}};
    const Manifest manifest = read_manifest(files.file(manifest_text(units)));
    CHECK(manifest.units == units);
    CHECK(manifest.location(units[1]) == (files.path() / "videos/long é.mkv").string());
    CHECK(manifest.location(units[4]) == units[4].input);
    CHECK(manifest.location(units[5]) == "/absolute/0.jpg");
}

TEST_CASE("units are called by numbers of six digits or more", "[manifest]") {
    CHECK(unit_name(0) == "000000");
    CHECK(unit_name(123) == "000123");
    CHECK(unit_name(12'345'678) == "12345678");
}

TEST_CASE("a manifest that makes no sense is refused, with the line", "[manifest]") {
    const Files files;
    const auto refused = [&](const std::string& lines, const std::string& what) {
        const std::string error = files.error(lines);
        INFO(error);
        CHECK(contains(error, "work.tsv:"));
        CHECK(contains(error, what));
    };
    const std::string whole = "000000\ta.mp4\t1/1\t\t\t5\t9\t1\tk\n";
    CHECK(read_manifest(files.file(kHead + whole)).units.size() == 1);
    refused("", ":2: names no unit");
    refused(whole.substr(0, whole.size() - 1), ":3: the file is cut short");
    refused(whole + whole, ":4: is unit '000000'; the next one is 000001");
    refused("000000\ta.mp4\t1/1\t\t5\n", ":3: has 5 fields");
    refused("000000\t\t1/1\t\t\t5\t9\t1\tk\n", ":3: names no input");
    refused("000000\ta\\x\t1/1\t\t\t5\t9\t1\tk\n", ":3: names no input");
    refused("000000\ta\t0/1\t\t\t5\t9\t1\tk\n", "'0/1' is no part");
    refused("000000\ta\t\t\t\t5\t9\t1\tk\n", "'' is no part");
    refused("000000\ta\t1/1\t\t\tx\t9\t1\tk\n", "'x' is no seconds");
    refused("000000\ta\t1/1\t\t\tnan\t9\t1\tk\n", "is no seconds");
    refused("000000\ta\t1/1\t\t\t\t9\t1\tk\n", "for how many seconds");
    refused("000000\ta\t1/1\t\t\t5\t-9\t1\tk\n", "'-9' is no number of bytes");
    refused("000000\ta\t1/1\t\t\t5\t9\tsoon\tk\n", "'soon' is no mtime");
    refused("000000\ta\t1/1\t\t\t5\t9\t1\t\n", "has no key");
    refused("000000\ta\t1/1\t\t7\t5\t9\t1\tk\n", "is the last part, and stops early");
    refused("000000\ta\t1/1\t3\t\t5\t9\t1\tk\n", "does not start at its begin");
    const std::string first = "000000\ta\t1/2\t\t7\t7\t9\t1\tk\n";
    CHECK(read_manifest(files.file(kHead + first + "000001\ta\t2/2\t7\t\t5\t9\t1\tk\n")).units.size() == 2);
    refused(first, ":3: part 2/2 of 'a' is missing");
    refused(first + "000001\tb\t1/1\t\t\t5\t9\t1\tk\n", ":4: part 2/2 of 'a' is missing");
    refused(first + "000001\ta\t2/2\t8\t\t5\t9\t1\tk\n", ":4: does not start where");
    refused(first + "000001\ta\t2/2\t7\t\t5\t9\t1\tother\n", ":4: has another key");
    refused("000000\ta\t1/2\t\t\t7\t9\t1\tk\n", "has no stop");
    refused("000000\ta\t2/2\t7\t\t7\t9\t1\tk\n", "is part 2/2, and part 1 is not before it");
    refused(whole + "000001\ta.mp4\t1/1\t\t\t5\t9\t1\tother\n", ":4: the same input stands above with another key");
    const std::string secret = files.error("000000\thttp://h/a?token=geheim\t1/2\t\t7\t7\t9\t\tk\n");
    CHECK(contains(secret, "token=***"));
}

TEST_CASE("what is no manifest, or a newer one, is said so", "[manifest]") {
    const Files files;
    const auto error = [&](const std::string& text) {
        return test::complaint([&] { read_manifest(files.file(text)); });
    };
    CHECK(contains(error(""), ":1: is no manifest"));
    CHECK(contains(error("a.mp4\nb.mp4\n"), ":1: is no manifest"));
    CHECK(contains(error("#convoy-manifest 2\n"), "version '2'"));
    CHECK(contains(error("#convoy-manifest 1\nunit\tinput\n"), ":2: the columns"));
    CHECK(contains(test::complaint([&] { read_manifest(files.path() / "none.tsv"); }), "cannot be read"));
    CHECK(contains(test::complaint([&] { read_manifest(files.path()); }), "is a folder"));
}
