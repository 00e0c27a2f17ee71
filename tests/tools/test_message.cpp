// SPDX-License-Identifier: MIT
#include "tools/message.h"

#include <string>

#include "tests/support/catch.h"
#include "tools/progress.h"

using namespace convoy::tools;

TEST_CASE("what a terminal would obey is shown instead, and UTF-8 stays") {
    CHECK(printable("Zürich 东京 \U0001f600 a b.mp4") == "Zürich 东京 \U0001f600 a b.mp4");
    CHECK(printable("a\x1b[31mb\x1b]0;title\x07") == "a\\x1b[31mb\\x1b]0;title\\x07");
    CHECK(printable("a\nb\tc\rd\x7f") == "a\\x0ab\\x09c\\x0dd\\x7f");
    CHECK(printable("a\nb\tc\rd", true) == "a\nb\tc\\x0dd");
    CHECK(printable(std::string("a\0b", 3)) == "a\\x00b");
    CHECK(printable("a\xc2\x9b"
                    "31m") == "a\\xc2\\x9b31m");  // CSI as one character
    CHECK(printable("a\xc2\xa0"
                    "b\xdf\xbf") ==
          "a\xc2\xa0"
          "b\xdf\xbf");                                                // the first that is none, the last of two bytes
    CHECK(printable("\xff\xc3(\xe4\xba") == "\\xff\\xc3(\\xe4\\xba");  // no UTF-8, and cut off
    CHECK(printable("\xc0\xaf\xe0\x80\xaf\xed\xa0\x80\xf4\x90\x80\x80") ==
          "\\xc0\\xaf\\xe0\\x80\\xaf\\xed\\xa0\\x80\\xf4\\x90\\x80\\x80");
    CHECK(printable("a\u202egpj.b\u2066") == "a\\xe2\\x80\\xaegpj.b\\xe2\\x81\\xa6");  // turns what follows
    CHECK(printable("").empty());
}

TEST_CASE("a line of progress shows a name as it is safe") {
    ProgressState state;
    state.input = "in/\x1b[2Jx.mp4";
    CHECK(progress_text(state).find("\\x1b[2Jx.mp4") == 0);
    CHECK(progress_line(state, 80).find('\x1b') == std::string::npos);
}
