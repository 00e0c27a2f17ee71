// SPDX-License-Identifier: MIT
//
// Makes the videos of test_nvdec, for machines whose ffmpeg cannot: into the folder $CONVOY_AWKWARD_VIDEOS.
#include "tests/support/catch.h"
#include "tests/tools/awkward_videos.h"

TEST_CASE("the awkward videos are made") {
    const convoy::test::TempFolder folder;
    CHECK_FALSE(convoy::test::make_awkward_videos(folder).empty());
}
