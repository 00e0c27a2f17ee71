// SPDX-License-Identifier: MIT
#include "tools/progress.h"

#include <fcntl.h>
#include <unistd.h>

#include "tests/support/catch.h"
#include "tests/tools/child.h"

using namespace convoy;
using namespace convoy::tools;

namespace {

ProgressState halfway() {
    ProgressState state;
    state.input = "videos/street.mp4";
    state.frame = state.total_frames = 120;
    state.frames_of_input = 240;
    state.fraction = .5;
    state.elapsed_s = 3;
    return state;
}

int columns_of(const std::string& text) {
    int columns = 0;
    for (const unsigned char c : text) columns += (c & 0xc0) != 0x80;
    return columns;
}

}  // namespace

TEST_CASE("durations read like a clock") {
    CHECK(format_duration(0) == "0:00");
    CHECK(format_duration(59.6) == "1:00");
    CHECK(format_duration(754) == "12:34");
    CHECK(format_duration(3723) == "1:02:03");
}

TEST_CASE("progress tells frames, rate and remaining time") {
    CHECK(progress_text(halfway()) == "street.mp4  120/240 frames  40.0 frames/s  ETA 0:03");
    CHECK(progress_line(halfway(), 80) ==
          "street.mp4  [##########..........]  120/240 frames  40.0 frames/s  ETA 0:03");
}

TEST_CASE("what is unknown is left out") {
    ProgressState state = halfway();
    state.frames_of_input = 0;
    state.fraction = 0;
    CHECK(progress_line(state, 80) == "street.mp4  120 frames  40.0 frames/s");
    state.elapsed_s = 0;
    CHECK(progress_text(state) == "street.mp4  120 frames");
}

TEST_CASE("the remaining time may be known otherwise than by the fraction") {
    ProgressState state = halfway();
    state.steady = false, state.left_s = 75;
    CHECK(progress_text(state) == "street.mp4  120/240 frames  40.0 frames/s  ETA 1:15");
    state.left_s = -1;
    CHECK(progress_text(state) == "street.mp4  120/240 frames  40.0 frames/s");
}

TEST_CASE("more frames than the container promised are no contradiction") {
    ProgressState state = halfway();
    state.frame = state.total_frames = 250;
    state.fraction = 1;
    CHECK(progress_text(state) == "street.mp4  250/250 frames  83.3 frames/s  ETA 0:00");
}

TEST_CASE("several inputs are counted") {
    ProgressState state = halfway();
    state.inputs = 5;
    state.input_number = 2;
    state.total_frames = 700;  // of all inputs, as the rate and the bar are
    CHECK(progress_text(state) == "[2/5] street.mp4  700 frames  233.3 frames/s  ETA 0:03");
}

TEST_CASE("a line never exceeds the terminal and keeps its figures longest") {
    ProgressState state = halfway();
    state.input = "überlänge-" + std::string(60, 'x') + "-日本.mp4";
    for (int columns = 1; columns < 140; ++columns) {
        const std::string line = progress_line(state, columns);
        INFO(columns << " columns: " << line);
        CHECK(columns_of(line) <= columns);
        if (columns >= 45) CHECK(line.find("120/240 frames  40.0 frames/s  ETA 0:03") != std::string::npos);
    }
}

TEST_CASE("without a terminal there are plain lines, and none when quiet") {
    const test::TemporaryFolder folder;
    for (const bool quiet : {false, true}) {
        const std::string path = folder / "stderr";
        const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
        REQUIRE(file >= 0);
        {
            Progress progress(file, quiet);
            CHECK_FALSE(progress.due());  // the first plain line comes after some seconds
            progress.update(halfway());
            progress.message("a message");
            progress.error("an error");
        }
        ::close(file);
        CHECK(test::read_file(path) == (quiet ? "an error\n" : progress_text(halfway()) + "\na message\nan error\n"));
    }
}
