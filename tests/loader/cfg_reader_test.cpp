// SPDX-License-Identifier: MIT
#include "darknet_loader/cfg_reader.h"

#include "tests/loader/support.h"

using namespace convoy;
using namespace convoy::test;

TEST_CASE("sections, keys and values come with their lines", "[cfg_reader]") {
    const auto sections = read_cfg("# comment\n; another\n\n[net]\n wid th = 4 1 6 \n[conv]\n\tsize\t=\t3", "a.cfg");
    REQUIRE(sections.size() == 2);
    CHECK(sections[0].name == "net");
    CHECK(sections[0].line == 4);
    REQUIRE(sections[0].entries.size() == 1);
    CHECK(sections[0].entries[0].key == "width");
    CHECK(sections[0].entries[0].value == "416");
    CHECK(sections[0].entries[0].line == 5);
    CHECK(sections[1].line == 6);
    REQUIRE(sections[1].entries.size() == 1);
    CHECK(sections[1].entries[0].key == "size");
    CHECK(sections[1].entries[0].value == "3");
}

TEST_CASE("byte order mark, CRLF and a missing last newline change nothing", "[cfg_reader]") {
    const auto sections = read_cfg("\xef\xbb\xbf[net]\r\nwidth=416\r\n\r\n# x\r\nheight=320", "a.cfg");
    REQUIRE(sections.size() == 1);
    REQUIRE(sections[0].entries.size() == 2);
    CHECK(sections[0].entries[0].value == "416");
    CHECK(sections[0].entries[1].value == "320");
    CHECK(sections[0].entries[1].line == 5);
}

TEST_CASE("what editors leave changes nothing: a Ctrl-Z at the end, anything in a comment", "[cfg_reader]") {
    for (const char* end : {"\x1a", "\n\x1a", "\r\n\x1a\r\n"}) {
        const auto sections = read_cfg(std::string("# page 1\f\n[net]\nwidth=416 # \x1b[1m") + end, "a.cfg");
        REQUIRE(sections.size() == 1);
        REQUIRE(sections[0].entries.size() == 1);
        CHECK(sections[0].entries[0].value == "416");
    }
    CHECK(error_of([] { read_cfg("[net]\nwidth=4\x1a\nheight=4\n", "a.cfg"); }));
    CHECK(error_of([] { read_cfg("[net]\nwidth=4\f16\n", "a.cfg"); }));
}

TEST_CASE("a value may hold '='; the first one splits", "[cfg_reader]") {
    CHECK(read_cfg("[net]\nmap=a=b\n", "a.cfg")[0].entries[0].value == "a=b");
}

TEST_CASE("the same key may stand in two sections", "[cfg_reader]") {
    CHECK(read_cfg("[a]\nx=1\n[a]\nx=1\n", "a.cfg").size() == 2);
}

TEST_CASE("suggestions name the nearest word", "[cfg_reader]") {
    CHECK(suggestion("filtres", {"size", "filters", "stride"}) == "; did you mean 'filters'?");
    CHECK(suggestion("Stride", {"size", "filters", "stride"}) == "; did you mean 'stride'?");
    CHECK(suggestion("batch_normalise", {"batch_normalize", "binary"}) == "; did you mean 'batch_normalize'?");
    CHECK(suggestion("nonsense", {"size", "filters", "stride"}).empty());
    CHECK(suggestion(std::string(100000, 'x'), {"size"}).empty());
}

TEST_CASE("quoted text is printable and short", "[cfg_reader]") {
    CHECK(quote("a\x01z\xff") == "'a\\x01z\\xff'");
    CHECK(quote(std::string(1000, 'x')).size() < 80);
}
