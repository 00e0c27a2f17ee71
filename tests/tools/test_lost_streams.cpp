// SPDX-License-Identifier: MIT
//
// Nobody takes what the commands say: their work is done all the same.
#include <unistd.h>

#include <array>
#include <csignal>

#include <convoy/media/image.h>
#include "tests/support/catch.h"
#include "tests/support/data.h"
#include "tests/tools/yolo_run_support.h"

namespace convoy::test {
namespace {

struct Command {
    std::string program;
    Arguments arguments;
    std::string result;  // a file, or what standard output must hold
};

std::vector<Command> commands() {
    const std::string model = source_file("models/yolov3-quarter");
    return {
        {"yolo-run", {"p.png", "--model", model, "--size", "96", "--jsonl", "out", "--report"}, "detections"},
        {"yolo-eval", {model, "--data", "truth.json", "--images", ".", "--size", "96", "--json", "out"}, "AP50"},
        {"yolo-inspect", {"warns.cfg"}, "convolutional"},
        {"yolo-make-weights", {"warns.cfg", "out"}, ""},
    };
}

void prepare(const TemporaryFolder& folder) {
    media::write_image(folder / "p.png", {64, 48, std::vector<std::uint8_t>(64 * 48 * 3, 128)});
    write_file(folder / "truth.json", R"({"images": [{"id": 1, "file_name": "p.png", "width": 64, "height": 48}],
        "categories": [{"id": 1, "name": "person"}], "annotations": [{"id": 1, "image_id": 1, "category_id": 1,
        "bbox": [24, 12, 16, 24], "area": 300, "iscrowd": 0}]})");
    write_file(folder / "warns.cfg",
               "[net]\nwidth=32\nheight=32\nchannels=3\nno_such_key=1\n[convolutional]\nfilters=18\nsize=1\n"
               "activation=linear\n[yolo]\nmask=0,1,2\nanchors=1,2,3,4,5,6\nclasses=1\nnum=3\n");
}

}  // namespace

TEST_CASE("messages that nobody takes are dropped, and the run goes on") {
    for (const Command& command : commands())
        for (const std::string redirection : {"2>/dev/full", "2>&-", "<&- 2>&-"}) {
            INFO(command.program << " " << redirection);
            const TemporaryFolder folder;
            prepare(folder);
            Arguments arguments = {"-c", "exec \"$0\" \"$@\" " + redirection, built_program(command.program)};
            arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
            const Finished finished = run("/bin/sh", arguments, folder.path());
            CHECK(finished.status == 0);
            const std::string file = folder / "out";
            const std::string found = std::filesystem::exists(file) ? read_file(file) : finished.out;
            CHECK(contains(found, command.result));
            CHECK_FALSE(found.empty());
            CHECK_FALSE(contains(found, "warning"));  // a message in a file whose number standard error had
        }
}

TEST_CASE("so is what goes into a pipe whose reader has left") {
    for (const Command& command : commands()) {
        INFO(command.program);
        const TemporaryFolder folder;
        prepare(folder);
        std::array<int, 2> ends = {};
        REQUIRE(pipe(ends.data()) == 0);
        close(ends[0]);
        Child child(command.program, command.arguments, folder.path(), {.err = ends[1]});
        close(ends[1]);
        CHECK(child.wait().status == 0);
    }
}

TEST_CASE("a standard output that is closed is an error, and no output file gets its number") {
    const TemporaryFolder folder;
    prepare(folder);
    const Finished finished =
        run("/bin/sh", {"-c", "exec \"$0\" \"$@\" >&-", built_program("yolo-inspect").string(), "warns.cfg"},
            folder.path());
    CHECK(finished.status == 1);
    CHECK(contains(finished.err, "standard output"));
    for (const std::string command :
         {"\"$0\" --help >/dev/full", "\"$0\" --version >&-", "\"$0\" p.png --model \"$1\" --size 96 >/dev/full"}) {
        INFO(command);
        const Finished lost =
            run("/bin/sh", {"-c", command, built_program("yolo-run").string(), source_file("models/yolov3-quarter")},
                folder.path());
        CHECK(lost.status == 1);
        CHECK(contains(lost.err, "cannot write to standard output"));
    }
}

}  // namespace convoy::test
