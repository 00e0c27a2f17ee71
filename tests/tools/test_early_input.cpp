// SPDX-License-Identifier: MIT
#include "tools/early_input.h"

#include <algorithm>
#include <filesystem>

#include "tests/support/catch.h"
#include "tests/tools/media_files.h"

using namespace convoy;
using namespace convoy::tools;

namespace {

/// Descriptors of this process that a file is open under.
std::ptrdiff_t times_open(const std::string& path) {
    const auto target = std::filesystem::canonical(path);
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return std::count_if(begin(all), end(all), [&](const auto& entry) {
        std::error_code ignored;
        return std::filesystem::read_symlink(entry.path(), ignored) == target;
    });
}

}  // namespace

TEST_CASE("an early input is whole, and is closed by whoever took it") {
    EarlyInput early(test::clip(), {});
    std::unique_ptr<Input> input = early.take({});
    CHECK(early.reader({}, 8));  // which are made while the first are at work
    const auto reader = input->make_reader({});
    std::int64_t frames = 0;
    while (const auto segment = input->next_segment())
        for (reader->open(segment); reader->next();) ++frames;
    CHECK(frames == 240);
    CHECK(early.reader({}, 8));
    CHECK(times_open(test::clip()) == 1);
    input.reset();
    CHECK(times_open(test::clip()) == 0);  // or whoever writes into a pipe would wait for the end of the run
    CHECK(early.reader({}, 8) == nullptr);
    CHECK(early.expected_frames({test::clip()}) == 0);
}

TEST_CASE("what is known of an early input, and so many readers as are worth their making") {
    EarlyInput early(test::clip(), {});
    CHECK(early.expected_frames({test::clip()}) == 240);
    CHECK(early.expected_frames({test::clip(), "other.mp4"}) == 0);
    CHECK(early.decoders({test::clip()}) == 3);
    CHECK(early.decoders({test::clip(), "other.mp4"}) == 0);
    int made = 0;
    while (early.reader({}, 3)) REQUIRE(++made <= 3);
    CHECK(made == 3);
    EarlyInput missing("missing.mp4", {});
    CHECK(missing.expected_frames({"missing.mp4"}) == 0);
    CHECK(missing.reader({}, 8) == nullptr);
    CHECK(missing.decoders({"missing.mp4"}) == 0);
    CHECK_THROWS_AS(missing.take({}), Error);
}
