// SPDX-License-Identifier: MIT
//
// Which elements of a tensor a kernel must write, may write and must leave alone, as the tuner's check has it.
#include <vector>

#include "kernels/tuning.h"
#include "tests/support/catch.h"

using convoy::kernels::cuda::GuardedSlice;
using Part = GuardedSlice::Part;

static_assert(GuardedSlice{.pixels = 5}.elements() == 5);
static_assert(GuardedSlice{.pixels = 5}.part(4) == Part::channel);

TEST_CASE("GuardedSlice: every element is what walking over guards, pixels and lanes makes it", "[tuning]") {
    for (std::size_t pixels : {0, 1, 2, 7})
        for (std::size_t guard : {0, 1, 5, 24})
            for (int pitch : {1, 4, 8, 24})
                for (int lanes = 1; lanes <= pitch; ++lanes)
                    for (int channels = 1; channels <= lanes; ++channels) {
                        std::vector<Part> expected(guard, Part::foreign);
                        for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
                            expected.insert(expected.end(), std::size_t(channels), Part::channel);
                            expected.insert(expected.end(), std::size_t(lanes - channels), Part::surplus);
                            expected.insert(expected.end(), std::size_t(pitch - lanes), Part::foreign);
                        }
                        expected.insert(expected.end(), guard, Part::foreign);
                        const GuardedSlice slice{pixels, pitch, channels, lanes, guard};
                        REQUIRE(slice.elements() == expected.size());
                        for (std::size_t i = 0; i < expected.size(); ++i) {
                            INFO("element " << i << " of " << pixels << " pixels, pitch " << pitch << ", lanes "
                                            << lanes << ", channels " << channels << ", guard " << guard);
                            REQUIRE(slice.part(i) == expected[i]);
                        }
                    }
}

TEST_CASE("GuardedSlice: tensors of more than 2^32 elements", "[tuning]") {
    const GuardedSlice slice{std::size_t(1) << 30, 8, 5, 8, 16};
    const std::size_t pixel = (std::size_t(1) << 30) - 1, at = 16 + pixel * 8;
    CHECK(slice.part(at + 4) == Part::channel);
    CHECK(slice.part(at + 5) == Part::surplus);
    CHECK(slice.part(at + 8) == Part::foreign);
    CHECK(slice.elements() == at + 8 + 16);
}
