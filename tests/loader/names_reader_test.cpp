// SPDX-License-Identifier: MIT
#include "tests/loader/support.h"

using namespace convoy;
using namespace convoy::test;

namespace {

/// Names of the two-class network, or one entry with the error's text.
std::vector<std::string> names_of(std::string_view text) {
    const TemporaryFolder folder;
    Network network = parse_network(kSmallCfg, "small.cfg");
    const auto error = error_of([&] { attach_names(network, folder.write("a.names", text)); });
    if (!error) return network.names;
    CHECK(network.names.empty());
    CHECK(error->kind() == ErrorKind::model);
    return {error->what()};
}

bool names(const std::vector<std::string>& result, const char* part) {
    INFO(result.front());
    return result.size() == 1 && result.front().find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("names, one a line", "[names]") {
    const std::vector<std::string> expected = {"cat", "polar bear"};
    CHECK(names_of("cat\npolar bear\n") == expected);
    CHECK(names_of("cat\npolar bear") == expected);
    CHECK(names_of("\xef\xbb\xbf"
                   "cat \r\n\tpolar bear\r\n\r\n\n") == expected);
    CHECK(names_of("cat\r\npolar bear\r\n\x1a") == expected);
    CHECK(names_of("\ncat\n\n\tpolar bear \n") == expected);  // blank lines, where all classes have their name
    CHECK(names_of("cat\npolar\tbear\n").back() == "polar\tbear");
}

TEST_CASE("names that do not fit", "[names]") {
    CHECK(names(names_of("cat\n"), "has 1 class names"));
    CHECK(names(names_of("cat\ndog\nemu\n"), "has 3 class names"));
    CHECK(names(names_of("cat\ndog\nemu\n"), "classes=2"));
    CHECK(names(names_of(""), "has 0 class names"));
    CHECK(names(names_of("cat\n\ndog\nemu\n"), "a.names:2: the line is blank"));
    CHECK(names(names_of(std::string_view("cat\nd\0g\n", 8)), "a.names:2: this is not text"));
    Network network = parse_network(kSmallCfg, "small.cfg");
    CHECK(error_of([&] { attach_names(network, "/nonexistent.names"); }));
}

TEST_CASE("the shipped coco.names are COCO's 80 classes in order", "[names]") {
    Network network = parse_network(
        "[net]\nwidth=32\nheight=32\nchannels=3\n[conv]\nfilters=85\n[yolo]\nclasses=80\nanchors=1,1\n", "net.cfg");
    attach_names(network, source_dir() + "/models/coco.names");
    REQUIRE(network.names.size() == 80);
    const auto is = [&](std::size_t id, const char* name) {
        INFO(id);
        CHECK(network.names[id] == name);
    };
    is(0, "person");
    is(3, "motorcycle");
    is(4, "airplane");
    is(9, "traffic light");
    is(57, "couch");
    is(58, "potted plant");
    is(60, "dining table");
    is(62, "tv");
    is(79, "toothbrush");
}
